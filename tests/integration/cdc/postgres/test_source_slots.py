"""What the server keeps for the source, and what the source notices when it does not."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest
from support.databases import logical_postgres

from cdc.change import Commit, Reached
from cdc.config.model import Limits
from cdc.relay.ports import SourceError
from cdc.sources.postgres import PostgresSource
from cdc.sources.postgres.names import publication_name, slot_name
from tests.integration.cdc.postgres.reading import WITHIN, Case

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text)"
CONFIRMED = "confirmed_flush_lsn - '0/0'::pg_lsn"


@pytest.fixture
def items(case):
    case.run(ITEM)
    case.begin("item")
    return case


@pytest.fixture
def own(tmp_path):
    """A server of one's own, to be stopped and starved."""
    with logical_postgres(settings="max_slot_wal_keep_size = 1MB\nmin_wal_size = 32MB\n") as one:
        case = Case(one, "shop", tmp_path)
        case.run(ITEM)
        yield case
        for session in case._sessions:
            session.close()
        if case.source is not None:
            case.source.close()


def eventually(condition) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def confirm(case, events) -> None:
    for event in events:
        if type(event) in {Commit, Reached}:
            case.source.confirm(event.resume)


def refused(case, resume) -> str:
    """The message of a permanent error of a start from there."""
    with pytest.raises(SourceError) as raised:
        case.again(resume)
    assert not raised.value.temporary
    return str(raised.value)


def test_nothing_is_confirmed_but_what_confirm_said(items):
    began = int(items.slot(CONFIRMED))
    items.run("INSERT INTO item VALUES (1)", "INSERT INTO item VALUES (2)")
    (_, _, first), _ = items.commits(2)
    items.run("CREATE TABLE private (id int)", "INSERT INTO private VALUES (1)")
    assert type(items.up_to_now()[-1]) is Reached
    # The server asks for a reply after half of wal_sender_timeout.
    pid = items.slot("active_pid")
    items.run("SET wal_sender_timeout = 1000")
    asked = items.source._wire._told
    items.until(lambda _: items.source._wire._told > asked + 4)
    assert items.slot("active_pid") == pid
    assert int(items.slot(CONFIRMED)) == began
    items.source.confirm(first.resume)
    eventually(lambda: int(items.slot(CONFIRMED)) == first.resume)
    items.source.confirm(began)
    items.source._wire._tell()
    items.up_to_now()
    assert int(items.slot(CONFIRMED)) == first.resume


def test_idle_tables_do_not_keep_the_log(items):
    """Others write, the stream's tables rest: what is reached is confirmed, and the log goes."""
    items.run("CREATE TABLE private (id int, body text)")
    items.run("INSERT INTO private SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i")
    before = items.source.retained()
    assert before > 1_000_000
    reached = items.up_to_now()[-1]
    assert type(reached) is Reached
    items.source.confirm(reached.resume)

    def released():
        items.run("CHECKPOINT")  # logs the transactions that run: restart_lsn can move
        for event in items.up_to_now():
            items.source.confirm(event.resume)
        return items.source.retained() < before / 2

    eventually(released)


def test_positions_only_grow_and_none_lies_before_the_beginning(items):
    for number in range(5):
        items.run(f"INSERT INTO item VALUES ({number})")
    resume = items.commits(5)[1][2].resume
    items.again(resume)
    seen = [each.resume for each in items.up_to_now() if type(each) in {Commit, Reached}]
    assert seen == sorted(set(seen))
    assert seen[0] > resume


def test_the_slot_is_made_by_the_first_start_and_kept_by_the_next(items):
    items.run("INSERT INTO item VALUES (1)")
    items.commits()
    assert items.again(None) == int(items.slot(CONFIRMED))
    ((_, (change,), _),) = items.commits()
    assert change.after[0] == 1


def test_a_dropped_slot_is_lost_changes(items):
    items.run("INSERT INTO item VALUES (1)")
    ((_, _, commit),) = items.commits()
    items.source.release()
    message = refused(items, commit.resume)
    assert slot_name(items.stream) in message
    assert "is gone" in message
    assert "--resnapshot" in message
    assert items.source.text(commit.resume) in message


def test_a_slot_made_anew_is_noticed(items):
    ended = [each for each in items.up_to_now() if type(each) is Reached][-1].resume
    items.source.release()
    items.run("INSERT INTO item VALUES (1)")
    assert items.again(None) > ended
    assert "made anew" in refused(items, ended)


def test_a_slot_that_was_moved_is_noticed(items):
    began = int(items.slot(CONFIRMED))
    items.run("INSERT INTO item VALUES (1)")
    items.commits()
    items.source.close()
    eventually(lambda: not items.slot("active"))
    items.run(
        f"SELECT pg_replication_slot_advance('{slot_name(items.stream)}', pg_current_wal_lsn())"
    )
    assert "moved" in refused(items, began)


def test_a_log_that_ends_too_early_is_noticed(items):
    end = int(items.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
    assert "has lost writes" in refused(items, end + 10**9)


def test_a_slot_of_another_database_of_the_server(items, tmp_path):
    other = Case(items.cluster, f"{items.name}b", tmp_path / "other")
    other.run(ITEM)
    other.name = items.name
    other.prepare("item")
    message = refused(other, None)
    assert f"belongs to the database {items.name}" in message
    other.source.close()


def test_a_publication_that_is_missing_or_has_not_all_tables(items):
    name = publication_name(items.stream)
    items.run(f'ALTER PUBLICATION "{name}" DROP TABLE item')
    message = refused(items, None)
    assert "does not publish item" in message
    assert f"strangler cdc init {items.name} --apply" in message
    items.run(f'DROP PUBLICATION "{name}"')
    assert f"has no publication {name}" in refused(items, None)


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE item", ITEM],
        ["ALTER TABLE item RENAME TO old_item", ITEM, "DROP TABLE old_item"],
        ['ALTER PUBLICATION "{}" DROP TABLE item'],
        ["DROP TABLE item"],
        ['DROP PUBLICATION "{}"'],
    ],
)
def test_a_table_that_is_published_no_more_is_noticed_while_the_log_is_read(items, statements):
    items.source.check()
    for statement in statements:
        items.run(statement.format(publication_name(items.stream)))
    with pytest.raises(SourceError, match=r"does not publish .*item.*snapshot") as raised:
        items.source.check()
    assert not raised.value.temporary
    items.source.read(0.1)  # its reading is another thread's business, and goes on


def test_a_table_that_was_renamed_is_published_still(items):
    items.run("ALTER TABLE item RENAME TO goods", "INSERT INTO goods VALUES (1, 'a')")
    items.source.check()


def test_a_source_that_has_not_begun_has_nothing_to_check(items):
    items.source.close()
    PostgresSource(items.stream, items.folder).check()


def test_a_slot_in_use_is_worth_another_try(items):
    second = PostgresSource(items.stream, items.folder / "second")
    with pytest.raises(SourceError, match="active") as raised:
        second.start(None)
    second.close()
    assert raised.value.temporary


def test_a_transaction_that_stays_open_does_not_hold_the_start_forever(case, monkeypatch):
    case.run(ITEM)
    case.prepare("item")
    open_ = case.session()
    open_.execute("BEGIN")
    open_.execute("INSERT INTO item VALUES (1)")
    case.source = PostgresSource(case.stream, case.folder)
    monkeypatch.setattr("cdc.sources.postgres.slots._MADE_WITHIN", "500ms")
    with pytest.raises(SourceError, match="stay open") as raised:
        case.source.start(None)
    assert raised.value.temporary
    assert str(open_.info.backend_pid) in str(raised.value)
    open_.execute("COMMIT")
    case.again(None)


def test_a_server_that_ends_is_worth_another_try_and_nothing_is_lost(own):
    own.begin("item")
    own.run("INSERT INTO item VALUES (1)")
    ((_, _, commit),) = own.commits()
    for end in (lambda: own.cluster.stop(signal.SIGQUIT), own.cluster.kill):
        end()
        with pytest.raises(SourceError) as raised:
            own.until(lambda _: False)
        assert raised.value.temporary
        with pytest.raises(SourceError) as raised:
            own.again(commit.resume)
        assert raised.value.temporary
        own.cluster.start()
        own.run("INSERT INTO item SELECT max(id) + 1 FROM item")
        own.again(commit.resume)
        ((_, (change,), commit),) = own.commits()
    assert change.after[0] == 3


def test_a_server_that_shuts_down_waits_no_longer_than_for_what_is_confirmed(own):
    """It waits until its readers have confirmed everything; one that never does delays it."""
    own.begin("item")
    own.run("INSERT INTO item VALUES (1)")
    confirm(own, own.up_to_now())
    own.cluster.process.send_signal(signal.SIGINT)
    with pytest.raises(SourceError) as raised:
        while True:
            confirm(own, own.until(bool))
    assert raised.value.temporary
    own.cluster.stop()


def test_a_lost_slot_is_a_permanent_error_that_says_so(own):
    own.begin("item")
    own.run("INSERT INTO item VALUES (1)")
    ((_, _, commit),) = own.commits()
    own.source.close()

    def lost():
        own.run(
            "CREATE TABLE IF NOT EXISTS filler AS SELECT repeat('x', 900) FROM"
            " generate_series(1, 5000)",
            "SELECT pg_switch_wal()", "DROP TABLE filler", "CHECKPOINT",
        )  # fmt: skip
        return own.slot("wal_status") == "lost"

    eventually(lost)
    message = refused(own, commit.resume)
    assert "has lost its log" in message
    assert "--resnapshot" in message


def test_a_cut_connection_is_worth_another_try(items):
    items.run("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
              f" WHERE slot_name = '{slot_name(items.stream)}'")  # fmt: skip
    with pytest.raises(SourceError) as raised:
        items.until(lambda _: False)
    assert raised.value.temporary
    with pytest.raises(SourceError):
        items.source.confirm(2**40)


def test_more_than_may_be_spilled_is_a_permanent_error(case):
    case.run(ITEM)
    case.begin("item", limits=Limits(spill=100_000))
    big = case.session()
    big.execute("BEGIN")
    big.execute("INSERT INTO item SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i")
    with pytest.raises(SourceError, match=r"limits\.spill") as raised:
        case.until(lambda _: False)
    assert not raised.value.temporary


def test_what_was_spilled_by_a_process_that_is_gone_is_removed(items):
    left = items.folder / "771.spill"
    left.write_bytes(b"half")
    items.again(None)
    assert not left.exists()


def test_no_password_is_told(newest, tmp_path):
    case = Case(newest, "secrets", tmp_path)
    case.run(ITEM)
    stream = case.prepare("item")
    wrong = type(stream)(
        stream.name, f"postgresql://postgres:hush@127.0.0.1:{newest.port}/nowhere",
        stream.tables, stream.topics,
    )  # fmt: skip
    source = PostgresSource(wrong, tmp_path)
    with pytest.raises(SourceError) as raised:
        source.start(None)
    assert "hush" not in str(raised.value)
    assert "nowhere" in str(raised.value)
    source.close()
    with psycopg.connect(newest.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE secrets WITH (FORCE)")
