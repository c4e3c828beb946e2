"""Every committed change, in the order of commits, and nothing that was not committed."""

import pytest
from conformance.sources.reading import Reading, as_dict, replay

from cdc.change import Op

ITEM = "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(100), n INTEGER)"


@pytest.fixture
def reading(database):
    database.execute(ITEM)
    return Reading(database, database.stream("item"))


@pytest.fixture
def session(database, reading):
    return database.session()


def said(changes):
    return [
        (change.op.value, as_dict(change).get("id"), as_dict(change).get("name"))
        for change in changes
    ]


def test_insert_update_delete(reading, session):
    session.execute("INSERT INTO item VALUES (1, 'one', 10)")
    session.execute("UPDATE item SET name = 'uno' WHERE id = 1")
    session.execute("DELETE FROM item WHERE id = 1")
    create, update, delete = reading.changes()
    assert (create.op, update.op, delete.op) == (Op.CREATE, Op.UPDATE, Op.DELETE)
    assert as_dict(create) == {"id": 1, "name": "one", "n": 10}
    assert as_dict(update) == {"id": 1, "name": "uno", "n": 10}
    assert as_dict(delete, "before")["id"] == 1
    assert replay([create, update, delete]) == {"item": {}}


def test_before_has_what_the_database_keeps(database, reading, session):
    session.execute("INSERT INTO item VALUES (1, 'one', 10)")
    session.execute("UPDATE item SET n = 11")
    session.execute("DELETE FROM item")
    _, update, delete = reading.changes()
    if database.keeps_before:
        assert as_dict(update, "before") == {"id": 1, "name": "one", "n": 10}
        assert as_dict(delete, "before") == {"id": 1, "name": "one", "n": 11}
    else:
        assert update.before is None or as_dict(update, "before") == {"id": 1}
        assert as_dict(delete, "before") == {"id": 1}


def test_one_statement_with_many_rows_is_in_one_transaction_in_order(reading, session):
    session.execute("INSERT INTO item VALUES " + ", ".join(f"({i}, 'x', 0)" for i in range(1, 501)))
    session.execute("UPDATE item SET n = 1")
    session.execute("DELETE FROM item WHERE id > 3")
    transactions = reading.up_to_now()
    changes = [change for each in transactions for change in each.rows]
    ids = [as_dict(change)["id"] for change in changes if change.op is Op.CREATE]
    assert ids == list(range(1, 501))
    assert [c.op for c in changes] == [Op.CREATE] * 500 + [Op.UPDATE] * 500 + [Op.DELETE] * 497
    for each in transactions:
        first = [change.op for change in each.rows]
        assert first.count(Op.CREATE) in (0, 500)
        assert first.count(Op.UPDATE) in (0, 500)
        assert first.count(Op.DELETE) in (0, 497)


def test_a_transaction_is_whole_and_has_its_own_begin_and_commit(database, reading, session):
    for n in range(5):
        session.execute("BEGIN")
        session.execute(f"INSERT INTO item VALUES ({2 * n}, 'a', {n})")
        session.execute(f"INSERT INTO item VALUES ({2 * n + 1}, 'b', {n})")
        session.execute("COMMIT")
    transactions = reading.up_to_now()
    sizes = [len(each.rows) for each in transactions]
    assert sum(sizes) == 10
    if database.groups:
        assert all(size % 2 == 0 for size in sizes)
    else:
        assert sizes == [2] * 5
        assert len({each.begin.xid for each in transactions}) == 5


def test_what_is_read_at_once_keeps_each_transaction_apart_from_those_read_later(reading, session):
    seen = []
    for n in range(3):
        session.execute(f"INSERT INTO item VALUES ({n}, 'a', 0)")
        (transaction,) = reading.up_to_now()
        seen.append(transaction)
    assert len({each.begin.xid for each in seen}) == 3
    positions = [each.begin.position for each in seen]
    resumes = [each.commit.resume for each in seen]
    assert positions == sorted(set(positions))
    assert resumes == sorted(set(resumes))


def test_nothing_is_seen_before_its_commit(database, reading, session):
    if not database.interleaves:
        session.execute("BEGIN")
        session.execute("INSERT INTO item VALUES (1, 'secret', 0)")
        assert not [e for e in reading.source.read(0.2) if hasattr(e, "op")]
    else:
        session.execute("BEGIN")
        session.execute("INSERT INTO item VALUES (1, 'secret', 0)")
        assert reading.changes() == []
    session.execute("COMMIT")
    assert said(reading.changes()) == [("c", 1, "secret")]


def test_a_rollback_leaves_nothing(reading, session):
    session.execute("BEGIN")
    session.execute("INSERT INTO item VALUES (1, 'gone', 0)")
    session.execute("ROLLBACK")
    session.execute("INSERT INTO item VALUES (1, 'there', 0)")
    assert said(reading.changes()) == [("c", 1, "there")]


def test_a_savepoint_that_is_rolled_back_leaves_nothing(reading, session):
    session.execute("BEGIN")
    session.execute("INSERT INTO item VALUES (1, 'kept', 0)")
    session.execute("SAVEPOINT a")
    session.execute("INSERT INTO item VALUES (2, 'gone', 0)")
    session.execute("SAVEPOINT b")
    session.execute("INSERT INTO item VALUES (3, 'gone', 0)")
    session.execute("ROLLBACK TO SAVEPOINT a")
    session.execute("SAVEPOINT c")
    session.execute("INSERT INTO item VALUES (4, 'kept', 0)")
    session.execute("RELEASE SAVEPOINT c")
    session.execute("COMMIT")
    assert said(reading.changes()) == [("c", 1, "kept"), ("c", 4, "kept")]


def test_the_order_within_a_transaction_is_that_of_its_statements(reading, session):
    session.execute("BEGIN")
    session.execute("INSERT INTO item VALUES (1, 'a', 0)")
    session.execute("UPDATE item SET name = 'b'")
    session.execute("DELETE FROM item")
    session.execute("INSERT INTO item VALUES (1, 'c', 0)")
    session.execute("UPDATE item SET name = 'd'")
    session.execute("COMMIT")
    assert said(reading.changes()) == [
        ("c", 1, "a"), ("u", 1, "b"), ("d", None, None), ("c", 1, "c"), ("u", 1, "d"),
    ]  # fmt: skip


def test_interleaved_transactions_come_whole_in_the_order_of_commits(database, reading, session):
    if not database.interleaves:
        pytest.skip("its writers come one after the other")
    other, third = database.session(), database.session()
    for each in (session, other, third):
        each.execute("BEGIN")
    session.execute("INSERT INTO item VALUES (1, 'session', 0)")
    other.execute("INSERT INTO item VALUES (2, 'other', 0)")
    third.execute("INSERT INTO item VALUES (3, 'third', 0)")
    session.execute("INSERT INTO item VALUES (4, 'session', 0)")
    other.execute("INSERT INTO item VALUES (5, 'other', 0)")
    other.execute("COMMIT")
    third.execute("ROLLBACK")
    session.execute("INSERT INTO item VALUES (6, 'session', 0)")
    session.execute("COMMIT")
    first, second = reading.up_to_now()
    assert said(first.rows) == [("c", 2, "other"), ("c", 5, "other")]
    assert said(second.rows) == [("c", 1, "session"), ("c", 4, "session"), ("c", 6, "session")]


def test_a_change_of_the_key_names_the_old_one(reading, session):
    session.execute("INSERT INTO item VALUES (1, 'one', 0)")
    session.execute("UPDATE item SET id = 2, n = 5")
    changes = reading.changes()
    assert replay(changes) == {"item": {(2,): {"id": 2, "name": "one", "n": 5}}}
    *_, last = changes
    if last.op is Op.UPDATE:
        assert as_dict(last, "before")["id"] == 1


def test_null_is_a_value(reading, session):
    session.execute("INSERT INTO item VALUES (1, NULL, NULL)")
    session.execute("UPDATE item SET name = '', n = 0")
    session.execute("UPDATE item SET name = NULL")
    create, update, last = reading.changes()
    assert as_dict(create) == {"id": 1, "name": None, "n": None}
    assert as_dict(update) == {"id": 1, "name": "", "n": 0}
    assert as_dict(last) == {"id": 1, "name": None, "n": 0}


def test_composite_keys(database):
    database.execute("CREATE TABLE pair (b INTEGER, v INTEGER, a VARCHAR(20), PRIMARY KEY (a, b))")
    reading = Reading(database, database.stream("pair"))
    database.execute(
        "INSERT INTO pair VALUES (1, 10, 'x')",
        "UPDATE pair SET v = 11",
        "UPDATE pair SET b = 2",
        "INSERT INTO pair VALUES (1, 12, 'x')",
        "DELETE FROM pair WHERE b = 2",
    )
    changes = reading.changes()
    assert [c.name for c in changes[0].relation.columns if c.key] == ["b", "a"]
    assert replay(changes) == {"pair": {(1, "x"): {"b": 1, "v": 12, "a": "x"}}}


def test_other_tables_stay_away(database, reading, session):
    session.execute("CREATE TABLE private (id INTEGER PRIMARY KEY)")
    session.execute("BEGIN")
    session.execute("INSERT INTO private VALUES (1)")
    session.execute("INSERT INTO item VALUES (1, 'mine', 0)")
    session.execute("INSERT INTO private VALUES (2)")
    session.execute("COMMIT")
    session.execute("INSERT INTO private VALUES (3)")
    assert said(reading.changes()) == [("c", 1, "mine")]


def test_an_emptied_table(database, reading, session):
    session.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0)")
    session.execute("DELETE FROM item")
    session.execute("INSERT INTO item VALUES (3, 'c', 0)")
    changes = reading.changes()
    if database.dialect != "sqlite":
        session.execute("TRUNCATE TABLE item")
        (truncate,) = reading.changes()
        assert truncate.op is Op.TRUNCATE
        changes.append(truncate)
        session.execute("INSERT INTO item VALUES (3, 'c', 0)")
        changes += reading.changes()
    assert replay(changes) == {"item": {(3,): {"id": 3, "name": "c", "n": 0}}}


def test_names_with_dots_quotes_and_spaces(database):
    table = '"a ""b"" c"'
    database.execute(f'CREATE TABLE {table} ("Id x" INTEGER PRIMARY KEY, "it\'s" INTEGER)')
    reading = Reading(database, database.stream('a "b" c'))
    database.execute(f"INSERT INTO {table} VALUES (1, 2)", f'UPDATE {table} SET "it\'s" = 3')
    changes = reading.changes()
    assert replay(changes) == {'a "b" c': {(1,): {"Id x": 1, "it's": 3}}}
    control = database.control(reading._stream)
    relation = control.relation('a "b" c')
    assert control.chunk(relation, None, 10).rows == [(1, 3)]
    assert control.chunk(relation, (1,), 10).rows == []


def test_a_transaction_larger_than_any_buffer(reading, session):
    session.execute("BEGIN")
    for start in range(0, 20_000, 1_000):
        rows = ", ".join(f"({i}, '{'x' * 50}', 0)" for i in range(start, start + 1_000))
        session.execute(f"INSERT INTO item VALUES {rows}")
    session.execute("COMMIT")
    (transaction,) = reading.up_to_now()
    assert [as_dict(change)["id"] for change in transaction.rows] == list(range(20_000))


def test_times_of_commits_are_now(reading, session, database):
    (before,) = database.session().rows(_NOW[database.dialect])[0]
    session.execute("INSERT INTO item VALUES (1, 'a', 0)")
    (after,) = database.session().rows(_NOW[database.dialect])[0]
    (transaction,) = reading.up_to_now()
    assert before - 1000 <= transaction.begin.at_ms <= after + 1000
    assert transaction.begin.origin is None


_NOW = {
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
    "mysql": "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
}
