"""The store of checkpoints, on SQLite and on PostgreSQL."""

import threading

import pytest
from support.databases import postgres
from support.shared import new_database, shared_postgres, store_url

from cdc.change import Identity
from cdc.checkpoint import Checkpoint, CheckpointError
from cdc.snapshot import Run
from cdc.store import (
    CommittedCheckpoints,
    SqlCheckpoints,
    forget,
    note_end,
    open_engine,
    report,
    reports,
)

UNDO = "strangler cdc init shop --undo"


@pytest.fixture(scope="module")
def server():
    with shared_postgres(postgres) as given:
        yield given


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/cdc.sqlite3"
    return store_url(new_database(request.getfixturevalue("server"), "checkpoints"))


@pytest.fixture
def engines(url):
    """Opens the store, as each process does for itself."""
    opened = []

    def open_():
        opened.append(open_engine(url))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.dispose()


def checkpoint(incarnation=1, resume=5, **more):
    return Checkpoint(Identity.of(log="1"), incarnation, resume, 4, **more).to_bytes()


def together(count, work):
    """Run `work(number)` in so many threads at once; what each returned."""
    gate, found = threading.Barrier(count), {}

    def run(number):
        gate.wait(20)
        try:
            found[number] = work(number)
        except CheckpointError as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [found[number] for number in range(count)]


def test_a_first_relay_finds_nothing_and_a_later_one_what_was_saved(engines):
    first = SqlCheckpoints(engines(), "shop")
    epoch = first.claim()
    assert first.load() is None
    first.save(checkpoint())
    later = SqlCheckpoints(engines(), "shop")
    assert later.claim() > epoch
    assert later.load() == checkpoint()


def test_a_relay_that_was_replaced_saves_nothing(engines):
    first, later = SqlCheckpoints(engines(), "shop"), SqlCheckpoints(engines(), "shop")
    first.claim()
    first.save(checkpoint(resume=1))
    later.claim()
    with pytest.raises(CheckpointError, match="another relay of the stream shop") as raised:
        first.save(checkpoint(resume=9))
    assert raised.value.replaced
    assert not raised.value.temporary
    assert later.load() == checkpoint(resume=1)


def test_a_relay_that_was_replaced_does_not_take_over_again(engines):
    first, later = SqlCheckpoints(engines(), "shop"), SqlCheckpoints(engines(), "shop")
    epochs = [first.claim(), first.claim(), later.claim()]
    assert epochs == sorted(set(epochs))
    with pytest.raises(CheckpointError, match="another relay of the stream shop") as raised:
        first.claim()
    assert raised.value.replaced
    assert later.claim() > epochs[-1]


def test_streams_do_not_know_each_other(engines):
    one, other = SqlCheckpoints(engines(), "one"), SqlCheckpoints(engines(), "other")
    one.claim()
    other.claim()
    one.save(checkpoint())
    assert other.load() is None


def test_no_two_relays_claim_the_same_epoch(engines):
    stores = [SqlCheckpoints(engines(), "shop") for _ in range(6)]
    assert len(set(together(6, lambda n: stores[n].claim()))) == 6


def test_processes_that_start_at_once_all_find_the_tables(engines):
    assert all(not isinstance(found, Exception) for found in together(5, lambda _n: engines()))


def test_of_a_forgotten_stream_the_epoch_and_the_incarnation_are_left(engines):
    engine = engines()
    relay = SqlCheckpoints(engine, "shop")
    epoch = relay.claim()
    relay.save(checkpoint(incarnation=3, runs=(Run("initial", "t"),)))
    assert forget(engine, "shop")
    with pytest.raises(CheckpointError):
        relay.save(checkpoint())
    left = Checkpoint.from_bytes(relay.load())
    assert left.is_forgotten
    assert (left.incarnation, left.runs) == (4, ())
    assert SqlCheckpoints(engine, "shop").claim() > epoch + 1


def test_a_stream_that_never_ran_can_be_forgotten(engines):
    engine = engines()
    assert not forget(engine, "shop")
    SqlCheckpoints(engine, "shop").claim()
    assert not forget(engine, "shop")


@pytest.mark.parametrize(
    ("kept", "committed", "chosen"),
    [
        (None, None, None),
        (checkpoint(), None, checkpoint()),
        (None, checkpoint(), checkpoint()),
        (checkpoint(resume=5), checkpoint(resume=7), checkpoint(resume=7)),
        (checkpoint(resume=5), checkpoint(partial=(6, 3)), checkpoint(partial=(6, 3))),
        (checkpoint(2, resume=1), checkpoint(1, resume=9), checkpoint(2, resume=1)),
        (checkpoint(resume=9), checkpoint(resume=7), checkpoint(resume=9)),
    ],
)
def test_the_newer_of_row_and_topic_counts(engines, kept, committed, chosen):
    row = SqlCheckpoints(engines(), "shop")
    row.claim()
    if kept is not None:
        row.save(kept)
    both = CommittedCheckpoints(row, lambda: committed, UNDO)
    assert both.load() == chosen
    both.save(checkpoint(5))
    assert row.load() == checkpoint(5)


def test_a_forgotten_stream_does_not_come_back_from_the_topic(engines):
    engine = engines()
    row = SqlCheckpoints(engine, "shop")
    row.claim()
    row.save(checkpoint(resume=9))
    forget(engine, "shop")
    both = CommittedCheckpoints(row, lambda: checkpoint(resume=9), UNDO)
    assert Checkpoint.from_bytes(both.load()).is_forgotten


def test_a_damaged_checkpoint_in_the_topic_says_how_to_go_on_and_that_helps(engines):
    engine = engines()
    row = SqlCheckpoints(engine, "shop")
    row.claim()
    row.save(checkpoint(resume=9))
    both = CommittedCheckpoints(row, lambda: b"{", UNDO)
    with pytest.raises(CheckpointError, match=f"begin anew with `{UNDO}`") as raised:
        both.load()
    assert not raised.value.temporary
    forget(engine, "shop")
    assert Checkpoint.from_bytes(both.load()).is_forgotten


def test_a_report_replaces_the_one_before(engines):
    engine = engines()
    report(engine, "shop", "relay", {"lag": 5})
    report(engine, "shop", "relay", {"lag": 6})
    report(engine, "news", "relay", {"lag": 7})
    found = reports(engine)
    assert [(each["stream"], each["lag"]) for each in found] == [("news", 7), ("shop", 6)]
    together(4, lambda n: report(engine, "new", "relay", {"lag": n}))
    assert sum(each["stream"] == "new" for each in reports(engine)) == 1


def test_an_end_is_noted_of_the_process_that_ended_and_of_no_other(engines):
    engine = engines()
    note_end(engine, "shop", "relay", 5, "nothing was said yet")
    assert reports(engine) == []
    report(engine, "shop", "relay", {"epoch": 6})
    note_end(engine, "shop", "relay", 5, "it was replaced")
    assert "ended" not in reports(engine)[0]
    note_end(engine, "shop", "relay", 6, "the log is gone")
    assert reports(engine)[0]["ended"] == "the log is gone"
    report(engine, "shop", "relay", {"epoch": 7})
    assert "ended" not in reports(engine)[0]


def test_a_store_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    for url in (
        f"sqlite:///{tmp_path}/no/such/folder/x.sqlite3",
        "postgresql+psycopg://someone:hush-hush@127.0.0.1:1/x",
        "nothing at all",
        "nosuch://someone:hush-hush@127.0.0.1/x",
    ):
        with pytest.raises(CheckpointError, match="the store of checkpoints cannot be opened") as e:
            open_engine(url)
        assert "hush" not in str(e.value)
        assert "sqlalche.me" not in str(e.value)


def test_a_failure_tells_no_values(engines):
    engine = engines()
    relay = SqlCheckpoints(engine, "shop")
    relay.claim()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE cdc_checkpoints")
    with pytest.raises(CheckpointError, match="the store of checkpoints failed") as raised:
        relay.save(checkpoint(dead=(("t", "a person's name"),)))
    assert "person" not in str(raised.value)
    assert raised.value.temporary
