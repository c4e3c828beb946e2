"""Starting again where it hurts: right behind a commit, around messages, within a transaction."""

from __future__ import annotations

import time

import pytest

from cdc.change import Begin, Change, Commit
from tests.integration.cdc.postgres.reading import WITHIN, transactions

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text)"
CONFIRMED = "confirmed_flush_lsn - '0/0'::pg_lsn"
END = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@pytest.fixture
def items(case):
    case.run(ITEM)
    case.begin("item")
    return case


def ids(changes) -> list:
    return [change.after[0] for change in changes]


def confirmed(case, resume) -> None:
    """Have the slot itself stand exactly there."""
    case.source.confirm(resume)
    deadline = time.monotonic() + WITHIN
    while int(case.slot(CONFIRMED)) < resume:
        assert time.monotonic() < deadline
        case.source.read(0.05)


def summary(found) -> list:
    return [(begin.position, ids(changes), commit.resume) for begin, changes, commit in found]


def told_apart(session) -> int:
    """The log's end as a session sees it: where the next record will stand."""
    return int(session.execute(END).fetchone()[0])


def test_a_commit_that_ends_where_another_transactions_row_stands(items):
    """That row belongs to a transaction which began before, and must not be taken for read."""
    early, late = items.session(), items.session()
    ends = []
    for number in range(6):
        early.execute("BEGIN")
        early.execute(f"INSERT INTO item VALUES ({10 * number})")
        late.execute(f"INSERT INTO item VALUES ({10 * number + 1})")
        ends.append(told_apart(late))
        early.execute(f"INSERT INTO item VALUES ({10 * number + 2})")
        early.execute(f"INSERT INTO item VALUES ({10 * number + 3})")
        early.execute("COMMIT")
        late.execute(f"INSERT INTO item VALUES ({10 * number + 4})")
    whole = items.commits(18)
    assert [ids(changes) for _, changes, _ in whole[:3]] == [[1], [0, 2, 3], [4]]
    ended = {commit.resume for _, _, commit in whole}
    assert ended & set(ends), "no row stands where a commit ends: this test shows nothing"
    for index, (_, _, commit) in enumerate(whole[:-1]):
        confirmed(items, commit.resume)
        items.again(commit.resume)
        rest = items.commits(17 - index)
        assert summary(rest) == summary(whole[index + 1 :])


def test_a_transaction_whose_first_row_stands_where_a_commit_ends(items):
    one, two = items.session(), items.session()
    two.execute("BEGIN")
    for number in range(4):
        one.execute(f"INSERT INTO item VALUES ({10 * number})")
        two.execute(f"INSERT INTO item VALUES ({10 * number + 1})")
        two.execute("COMMIT")
        two.execute("BEGIN")
    two.execute("COMMIT")
    whole = items.commits(8)
    for index, (_, _, commit) in enumerate(whole[:-1]):
        confirmed(items, commit.resume)
        items.again(commit.resume)
        assert summary(items.commits(7 - index)) == summary(whole[index + 1 :])


MESSAGE = "SELECT pg_logical_emit_message({}, 'other', repeat('m', 100))"


@pytest.mark.parametrize("within", [True, False], ids=["transactional", "at once"])
def test_messages_around_every_place_to_start_from(items, within):
    """A message may stand where a commit ends, begin a transaction, or be all there is of one."""
    message = MESSAGE.format("true" if within else "false")
    other = items.session()
    other.execute("BEGIN")
    other.execute("INSERT INTO item VALUES (99)")
    for number in range(3):
        items.together(message, f"INSERT INTO item VALUES ({10 * number})")
        items.run(message)
        items.together(
            f"INSERT INTO item VALUES ({10 * number + 1})", message,
            f"INSERT INTO item VALUES ({10 * number + 2})", message,
        )  # fmt: skip
        other.execute(message)
    other.execute("INSERT INTO item VALUES (100)")
    other.execute("COMMIT")
    whole = items.commits(7)
    assert [ids(changes) for _, changes, _ in whole] == [
        [0], [1, 2], [10], [11, 12], [20], [21, 22], [99, 100],
    ]  # fmt: skip
    for index, (_, _, commit) in enumerate(whole[:-1]):
        confirmed(items, commit.resume)
        items.again(commit.resume)
        assert summary(items.commits(6 - index)) == summary(whole[index + 1 :])


def test_progress_over_messages_alone_loses_no_row_behind_them(items):
    for number in range(3):
        items.run(MESSAGE.format("true"), MESSAGE.format("false"))
        reached = items.up_to_now()[-1].resume
        items.run(f"INSERT INTO item VALUES ({number})")
        confirmed(items, reached)
        items.again(reached)
        ((_, changes, commit),) = items.commits()
        assert ids(changes) == [number]
        confirmed(items, commit.resume)
        items.again(commit.resume)


def test_rows_that_share_one_place_in_the_log_come_once_each_and_in_order(items):
    """COPY logs many rows in one record; after a start within them all come, from the first on."""
    with items.session().cursor().copy("COPY item FROM STDIN") as copy:
        for number in range(3_000):
            copy.write(f"{number}\trow {number}\n")
    events = items.source.read(5.0)
    while not any(type(event) is Change for event in events):
        events = items.source.read(5.0)
    assert len(events) < 3_000, "it was to be cut"
    items.again(int(items.slot(CONFIRMED)))
    ((begin, changes, commit),) = items.commits()
    assert ids(changes) == list(range(3_000))
    assert begin.position < commit.resume


@pytest.mark.parametrize("rows", [3_000, 40_000], ids=["small", "streamed"])
def test_who_wrote_a_transaction_is_known_after_a_start_within_it_too(items, rows):
    began = int(items.slot(CONFIRMED))
    session = items.session()
    session.execute("SELECT pg_replication_origin_create('strangler:elsewhere')")
    try:
        session.execute("SELECT pg_replication_origin_session_setup('strangler:elsewhere')")
        session.execute(
            f"INSERT INTO item SELECT i, repeat('o', 100) FROM generate_series(1, {rows}) i"
        )
        items.run("INSERT INTO item VALUES (0)")
        for _ in range(2):
            events = []
            while not any(type(event) is Change for event in events):
                events = items.source.read(5.0)
            assert not any(type(event) is Commit for event in events), "it was to be cut"
            items.again(began)
        found = items.commits(2)
        assert [begin.origin for begin, _, _ in found] == ["strangler:elsewhere", None]
        assert [len(changes) for _, changes, _ in found] == [rows, 1]
    finally:
        session.execute("SELECT pg_replication_origin_session_reset()")
        session.execute("SELECT pg_replication_origin_drop('strangler:elsewhere')")


def test_a_transaction_that_is_open_at_every_start_comes_whole_at_its_end(items):
    long = items.session()
    long.execute("BEGIN")
    long.execute("INSERT INTO item VALUES (1000)")
    for number in range(5):
        items.run(f"INSERT INTO item VALUES ({number})")
        ((_, changes, commit),) = items.commits()
        assert ids(changes) == [number]
        long.execute(f"INSERT INTO item VALUES ({1001 + number})")
        confirmed(items, commit.resume)
        items.run("CHECKPOINT")
        items.again(commit.resume)
    long.execute("COMMIT")
    ((_, changes, _),) = items.commits()
    assert ids(changes) == list(range(1000, 1006))


def test_events_of_a_cut_reading_are_a_beginning_of_the_whole(items):
    """Whatever was read before a start, with what comes after it, is what was written."""
    for number in range(4):
        items.together(*(f"INSERT INTO item VALUES ({100 * number + i})" for i in range(50)))
    began = int(items.slot(CONFIRMED))
    first = items.source.read(5.0)
    items.again(began)
    again = items.until(lambda events: sum(type(e) is Commit for e in events) == 4)
    kinds = (Begin, Change, Commit)
    seen = [_said(event) for event in first if isinstance(event, kinds)]
    whole = [_said(event) for event in again if isinstance(event, kinds)]
    assert seen == whole[: len(seen)]
    assert len(transactions(again)) == 4


def _said(event):
    if type(event) is Change:
        return event.op, event.before, event.after
    return (type(event), event.position if type(event) is Begin else event.resume)
