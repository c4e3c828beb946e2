"""Whole transactions in the order of their commits, on real servers."""

from __future__ import annotations

import itertools

import pytest

from cdc.change import ABSENT, Op, Reached
from cdc.sources.postgres import PostgresControl
from tests.integration.cdc.postgres.reading import as_dict, transactions

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text, n integer)"
MANY = "INSERT INTO item SELECT i, repeat('x', 100), i FROM generate_series({}, {}) i"


@pytest.fixture
def items(case):
    case.run(ITEM)
    case.begin("item")
    return case


def ids(changes) -> list:
    return [change.after[0] for change in changes]


def test_an_insert_an_update_and_a_delete(items):
    items.run("INSERT INTO item VALUES (1, 'Warm', 2)")
    items.together("UPDATE item SET n = 3", "DELETE FROM item")
    (first, created, done), (second, rest, _) = items.commits(2)
    assert [each.after for each in created] == [(1, "Warm", 2)]
    assert [each.op.value for each in rest] == ["u", "d"]
    assert rest[1].before == (1, ABSENT, ABSENT)
    assert first.position < done.resume <= second.position
    assert first.xid != second.xid
    assert created[0].relation.table == "item"
    assert created[0].relation.key == (0,)
    high, _, low = items.source.text(first.position).partition("/")
    assert int(high, 16) << 32 | int(low, 16) == first.position


def test_rows_of_one_statement_share_a_transaction_and_its_position(items):
    items.run("INSERT INTO item VALUES (1), (2), (3)")
    with items.session().cursor().copy("COPY item (id) FROM STDIN") as copy:
        copy.write("4\n5\n6\n")
    (_, first, _), (_, second, _) = items.commits(2)
    assert ids(first) == [1, 2, 3]
    assert ids(second) == [4, 5, 6]


def interleave(case) -> None:
    """Four sessions, each of which begins before the first commits; twice."""
    for start in (0, 100):
        sessions = [case.session() for _ in range(4)]
        for number, session in enumerate(sessions):
            session.execute("BEGIN")
            session.execute(f"INSERT INTO item VALUES ({start + number}, 'first')")
        for number, session in reversed(list(enumerate(sessions))):
            session.execute(f"INSERT INTO item VALUES ({start + 50 + number}, 'second')")
            session.execute("COMMIT" if number != 2 else "ROLLBACK")


def test_interleaved_transactions_are_resumed_at_every_commit(items):
    interleave(items)
    whole = items.commits(6)
    assert [ids(changes) for _, changes, _ in whole] == [
        [3, 53], [1, 51], [0, 50], [103, 153], [101, 151], [100, 150],
    ]  # fmt: skip
    for index, (_, _, commit) in enumerate(whole[:-1]):
        items.again(commit.resume)
        rest = items.commits(5 - index)
        assert [(b.position, ids(c), e.resume) for b, c, e in rest] == [
            (b.position, ids(c), e.resume) for b, c, e in whole[index + 1 :]
        ]


def test_what_is_confirmed_does_not_come_again_and_the_rest_does(items):
    interleave(items)
    whole = items.commits(6)
    items.source.confirm(whole[2][2].resume)
    items.source.close()
    items.again(whole[3][2].resume)
    assert [ids(changes) for _, changes, _ in items.commits(2)] == [[101, 151], [100, 150]]


def test_a_big_transaction_is_streamed_spilled_and_passes_whole(items):
    small = items.session()
    big = items.session()
    big.execute("BEGIN")
    big.execute(MANY.format(1, 5_000))
    big.execute("UPDATE item SET n = -n WHERE id <= 3")
    seen = items.until(lambda _: items.source._spill.size > 100_000)
    small.execute("INSERT INTO item VALUES (0, 'between')")
    big.execute("SAVEPOINT a")
    big.execute(MANY.format(5_001, 8_000))
    big.execute("ROLLBACK TO SAVEPOINT a")
    big.execute(MANY.format(8_001, 9_000))
    big.execute("COMMIT")
    seen += items.until(lambda events: any(type(e).__name__ == "Commit" for e in events))
    if sum(type(e).__name__ == "Commit" for e in seen) < 2:
        seen += items.until(lambda events: any(type(e).__name__ == "Commit" for e in events))
    (_, between, _), (_, changes, _) = transactions(seen)
    assert ids(between) == [0]
    assert ids(changes) == [*range(1, 5_001), 1, 2, 3, *range(8_001, 9_001)]
    assert items.source._spill.size == 0
    assert list(items.folder.glob("*.spill")) == []


def test_a_streamed_transaction_that_is_rolled_back_leaves_nothing(items):
    big = items.session()
    big.execute("BEGIN")
    big.execute(MANY.format(1, 5_000))
    items.until(lambda _: items.source._spill.size > 100_000)
    big.execute("ROLLBACK")
    items.until(lambda _: items.source._spill.size == 0)
    assert list(items.folder.glob("*.spill")) == []
    items.run("INSERT INTO item VALUES (1)")
    assert ids(items.commits()[0][1]) == [1]


def test_a_table_that_was_first_described_within_what_was_rolled_back(items):
    """The description is sent once for the whole transaction, and must outlive its savepoint."""
    big = items.session()
    big.execute("BEGIN")
    big.execute("SAVEPOINT a")
    big.execute(MANY.format(1, 5_000))
    items.until(lambda _: items.source._spill.size > 100_000)
    big.execute("ROLLBACK TO SAVEPOINT a")
    big.execute(MANY.format(1, 2_000))
    big.execute("COMMIT")
    ((_, changes, _),) = items.commits()
    assert ids(changes) == list(range(1, 2_001))


def test_a_table_changed_within_what_was_rolled_back(items):
    big = items.session()
    big.execute("BEGIN")
    big.execute(MANY.format(1, 2_000))
    big.execute("SAVEPOINT a")
    big.execute("ALTER TABLE item ADD COLUMN more text DEFAULT 'd'")
    big.execute(MANY.format(2_001, 6_000))
    items.until(lambda _: items.source._spill.size > 100_000)
    big.execute("ROLLBACK TO SAVEPOINT a")
    big.execute(MANY.format(6_001, 8_000))
    big.execute("COMMIT")
    ((_, changes, _),) = items.commits()
    assert ids(changes) == [*range(1, 2_001), *range(6_001, 8_001)]
    assert all(len(change.after) == 3 for change in changes)


def test_subtransactions_nested_and_released(items):
    items.together(
        "INSERT INTO item VALUES (1)",
        "SAVEPOINT a", "INSERT INTO item VALUES (2)",
        "SAVEPOINT b", "INSERT INTO item VALUES (3)", "ROLLBACK TO SAVEPOINT b",
        "INSERT INTO item VALUES (4)", "RELEASE SAVEPOINT a",
        "SAVEPOINT c", "INSERT INTO item VALUES (5)", "ROLLBACK TO SAVEPOINT c",
        "INSERT INTO item VALUES (6)",
    )  # fmt: skip
    assert ids(items.commits()[0][1]) == [1, 2, 4, 6]


def test_many_subtransactions_of_a_streamed_transaction(items):
    items.run(
        "DO $$ BEGIN FOR i IN 1..3000 LOOP BEGIN INSERT INTO item VALUES (i, repeat('y', 60));"
        " IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF; EXCEPTION WHEN raise_exception THEN"
        " NULL; END; END LOOP; END $$"
    )
    ((_, changes, _),) = items.commits()
    assert ids(changes) == [i for i in range(1, 3_001) if i % 3]


def test_two_big_transactions_at_once(items):
    one, two = items.session(), items.session()
    for session, start in ((one, 0), (two, 10_000)):
        session.execute("BEGIN")
        session.execute(MANY.format(start + 1, start + 2_000))
    one.execute(MANY.format(2_001, 4_000))
    two.execute(MANY.format(12_001, 14_000))
    two.execute("COMMIT")
    one.execute("COMMIT")
    (_, second, _), (_, first, _) = items.commits(2)
    assert ids(second) == list(range(10_001, 14_001))
    assert ids(first) == list(range(1, 4_001))


def test_reads_are_bounded(items):
    items.run(MANY.format(1, 9_000))
    sizes = []
    items.until(lambda events: sizes.append(len(events)) or len(events) > 9_000)
    steps = [after - before for before, after in itertools.pairwise(sizes)]
    assert max(steps) <= 2_001


def test_truncate_of_several_tables(case):
    case.run(ITEM, "CREATE TABLE part (id int PRIMARY KEY, item bigint REFERENCES item)")
    case.begin("item", "part")
    case.run("INSERT INTO item VALUES (1)")
    case.run("TRUNCATE item CASCADE")
    _, (_, truncated, _) = case.commits(2)
    assert {(each.op, each.relation.table) for each in truncated} == {
        (Op.TRUNCATE, "item"), (Op.TRUNCATE, "part"),
    }  # fmt: skip
    assert {(each.before, each.after) for each in truncated} == {(None, None)}


def test_a_transaction_of_other_tables_is_progress_only(items):
    items.run("CREATE TABLE private (id int PRIMARY KEY)")
    items.up_to_now()
    items.run("INSERT INTO private VALUES (1)")
    events = items.up_to_now()
    assert events
    assert {type(event) for event in events} == {Reached}


def test_logical_messages_are_passed_over(items):
    items.together(
        "SELECT pg_logical_emit_message(true, 'strangler', 'hello')",
        "INSERT INTO item VALUES (1)",
        "SELECT pg_logical_emit_message(false, 'strangler', 'hello')",
        "INSERT INTO item VALUES (2)",
    )
    assert ids(items.commits()[0][1]) == [1, 2]


def test_a_prepared_transaction_comes_when_it_is_committed(items):
    session = items.session()
    for statement in ("BEGIN", MANY.format(1, 2_000), f"PREPARE TRANSACTION '{items.name}'"):
        session.execute(statement)
    session.execute("INSERT INTO item VALUES (0)")
    session.execute(f"COMMIT PREPARED '{items.name}'")
    (_, first, _), (_, second, _) = items.commits(2)
    assert ids(first) == [0]
    assert ids(second) == list(range(1, 2_001))


def test_the_origin_of_a_session_is_reported(items):
    session = items.session()
    session.execute("SELECT pg_replication_origin_create('strangler:back')")
    try:
        session.execute("SELECT pg_replication_origin_session_setup('strangler:back')")
        session.execute("INSERT INTO item VALUES (1)")
        session.execute(MANY.format(2, 3_000))
        items.run("INSERT INTO item VALUES (0)")
        found = items.commits(3)
        assert [begin.origin for begin, _, _ in found] == ["strangler:back"] * 2 + [None]
    finally:
        session.execute("SELECT pg_replication_origin_session_reset()")
        session.execute("SELECT pg_replication_origin_drop('strangler:back')")


def test_the_appliers_own_table_tells_the_origin_of_a_reverse_stream(case):
    case.run(ITEM, "CREATE TABLE strangler_applied (topic text PRIMARY KEY, stream text, n int)")
    case.begin("item", reverse=True)
    case.together("INSERT INTO strangler_applied VALUES ('t', 'out', 1)",
                  "INSERT INTO item VALUES (1)")  # fmt: skip
    case.together("INSERT INTO item VALUES (2)", "UPDATE strangler_applied SET n = 2")
    case.run("UPDATE strangler_applied SET n = 3")
    found = case.commits(3)
    assert [begin.origin for begin, _, _ in found] == ["strangler:out", None, "strangler:out"]
    assert found[0][1][0].relation.table == "strangler_applied"


def test_markers_are_rows_like_others(items):
    control = PostgresControl(items.stream)
    seq = control.mark(items.name, "barrier", '{"a":1}')
    control.close()
    ((_, (change,), _),) = items.commits()
    assert change.relation.table == "strangler_marker"
    assert as_dict(change)["seq"] == seq
    assert as_dict(change)["body"] == '{"a":1}'
