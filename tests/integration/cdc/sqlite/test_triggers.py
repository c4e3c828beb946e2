"""What SQL can do to a table of SQLite, and what the log says of it."""

import subprocess
import sys

import pytest
from integration.cdc.sqlite.conftest import changes, replay, said


@pytest.fixture
def opened(file):
    """Makes tables, and gives a session and a source that reads them."""

    def make(ddl, *tables):
        session = file.session()
        session.executescript(ddl)
        source = file.source(file.stream(*(tables or ("t",))))
        source.start(None)
        return session, source

    return make


def rows(session, table="t", key=1):
    found = session.execute(f"SELECT * FROM {table}").fetchall()
    return {row[:key]: row for row in found}


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO t VALUES (1, 'new', 'nine', 0)",
        "INSERT OR REPLACE INTO t VALUES (9, 'one', 'nine', 0)",
        "INSERT OR REPLACE INTO t VALUES (1, 'two', 'THREE', 0)",
        "INSERT OR REPLACE INTO t VALUES (9, 'one', 'Two', 0)",
        "INSERT OR REPLACE INTO t SELECT id + 1, name, tag, n FROM t ORDER BY id",
        "INSERT OR REPLACE INTO t (name, tag) VALUES ('two', 'other')",
        "INSERT OR REPLACE INTO t VALUES (4, NULL, NULL, 0)",
        "REPLACE INTO t VALUES (1, 'one', 'one', 10)",
        "UPDATE OR REPLACE t SET name = 'two' WHERE id = 1",
        "UPDATE OR REPLACE t SET id = 2, n = 7 WHERE id = 1",
        "UPDATE OR REPLACE t SET rowid = 3 WHERE id = 1",
        "UPDATE OR REPLACE t SET tag = 'same'",
        "UPDATE OR REPLACE t SET id = id + 1",
        "INSERT OR IGNORE INTO t VALUES (1, 'x', 'x', 0), (9, 'one', 'y', 0), (8, 'z', 'z', 0)",
        "INSERT INTO t VALUES (1, 'x', 'x', 0) ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (1, 'x', 'x', 0) ON CONFLICT DO UPDATE SET n = excluded.n + 5",
        "INSERT INTO t VALUES (1, 'x', 'x', 0) ON CONFLICT (id) DO UPDATE SET id = 77",
        "INSERT INTO t VALUES (5, 'one', 'x', 0) ON CONFLICT (name) DO UPDATE SET name = 'uno'",
        "UPDATE OR IGNORE t SET name = 'two'",
        "INSERT OR FAIL INTO t VALUES (5, 'five', 'five', 0), (1, 'x', 'x', 0)",
        "INSERT OR ABORT INTO t VALUES (5, 'five', 'five', 0), (1, 'x', 'x', 0)",
        "INSERT OR ROLLBACK INTO t VALUES (5, 'five', 'five', 0), (1, 'x', 'x', 0)",
        "DELETE FROM t",
        "DELETE FROM t WHERE id > 1",
    ],
)
def test_whatever_happens_on_a_conflict(opened, statement, recursive):
    session, source = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, tag TEXT COLLATE NOCASE, n);"
        "CREATE UNIQUE INDEX t_tag ON t (tag);"
    )
    session.execute(f"PRAGMA recursive_triggers = {recursive}")
    session.execute("INSERT INTO t VALUES (1, 'one', 'one', 1), (2, 'two', 'two', 2)")
    session.execute("INSERT INTO t VALUES (3, 'three', 'three', 3)")
    for _ in range(2):
        try:
            session.execute(statement)
        except session.IntegrityError:
            assert not session.in_transaction
        session.execute("INSERT INTO t (name, n) VALUES (hex(randomblob(8)), 0)")
    assert replay(changes(source)) == rows(session)


@pytest.mark.parametrize("suffix", ["", " WITHOUT ROWID"])
def test_replace_with_composite_and_text_keys(opened, suffix):
    session, source = opened(
        f"CREATE TABLE t (a TEXT, b INTEGER, u, v, PRIMARY KEY (b, a), UNIQUE (u, v)){suffix}"
    )
    session.execute("INSERT INTO t VALUES ('x', 1, 1, 1), ('x', 2, 1, 2), ('y', 1, NULL, 1)")
    session.execute("REPLACE INTO t VALUES ('x', 1, 9, 9)")
    session.execute("REPLACE INTO t VALUES ('z', 1, 9, 9)")
    session.execute("REPLACE INTO t VALUES ('z', 2, NULL, 1)")
    session.execute("UPDATE OR REPLACE t SET a = 'x', u = 1, v = 2 WHERE a = 'z' AND b = 1")
    assert replay(changes(source)) == rows(session, key=2)


def test_a_number_of_a_row_that_is_used_again(opened):
    session, source = opened("CREATE TABLE t (id TEXT PRIMARY KEY, u UNIQUE)")
    session.execute("INSERT INTO t VALUES ('a', 1)")
    session.execute("REPLACE INTO t VALUES ('b', 1)")
    session.execute("REPLACE INTO t VALUES ('a', 1)")
    assert replay(changes(source)) == {("a",): ("a", 1)}


def test_conflict_clauses_of_the_table_itself(opened):
    session, source = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, u UNIQUE ON CONFLICT REPLACE,"
        " n NOT NULL ON CONFLICT REPLACE DEFAULT 5, i UNIQUE ON CONFLICT IGNORE)"
    )
    session.execute("INSERT INTO t VALUES (1, 1, NULL, 1), (2, 2, 2, 2)")
    session.execute("INSERT INTO t VALUES (1, 2, 3, 3)")
    session.execute("INSERT INTO t VALUES (7, 7, 7, 3)")
    assert replay(changes(source)) == rows(session) == {(1,): (1, 2, 3, 3)}


def test_or_ignore_never_drops_a_captured_row(opened):
    session, source = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    session.execute("INSERT OR IGNORE INTO t VALUES (1, NULL), (2, NULL), (1, NULL)")
    session.execute("UPDATE OR IGNORE t SET v = x'00'")
    assert len(changes(source)) == 4


def test_deletes_and_updates_by_foreign_keys(opened):
    session, source = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, boss REFERENCES t ON DELETE CASCADE);"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE"
        " ON UPDATE CASCADE);"
        "CREATE TABLE n (id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE SET NULL"
        " ON UPDATE SET NULL);",
        "t", "c", "n",
    )  # fmt: skip
    session.execute("PRAGMA foreign_keys = ON")
    session.execute("INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)")
    session.execute("INSERT INTO c VALUES (1, 1), (2, 3), (3, 4)")
    session.execute("INSERT INTO n VALUES (1, 3), (2, 4)")
    session.execute("UPDATE t SET id = 40 WHERE id = 4")
    session.execute("REPLACE INTO t VALUES (1, NULL)")
    found = changes(source)
    for table in ("t", "c", "n"):
        mine = [change for change in found if change.relation.table == table]
        assert replay(mine) == rows(session, table)
    assert rows(session, "n") == {(1,): (1, None), (2,): (2, None)}


def test_a_trigger_of_the_application_that_changes_the_new_row(opened):
    session, source = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v, at);"
        "CREATE TRIGGER touch AFTER INSERT ON t BEGIN"
        " UPDATE t SET at = 'now' WHERE id = NEW.id; END;"
        "CREATE TRIGGER again AFTER UPDATE OF v ON t BEGIN"
        " UPDATE t SET at = 'later' WHERE id = NEW.id; END;"
        "CREATE TRIGGER gone AFTER INSERT ON t WHEN NEW.v = 0 BEGIN"
        " DELETE FROM t WHERE id = NEW.id; END;"
    )
    session.execute("INSERT INTO t (id, v) VALUES (1, 1), (2, 0), (3, 3)")
    session.execute("UPDATE t SET v = 4 WHERE id = 3")
    assert replay(changes(source)) == rows(session)
    assert rows(session) == {(1,): (1, 1, "now"), (3,): (3, 4, "later")}


def test_a_trigger_that_the_application_adds_later_is_found(file, opened):
    session, source = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    stream = source._stream
    assert not file.findings(stream)
    session.execute("CREATE TRIGGER late AFTER INSERT ON t BEGIN SELECT 1; END")
    assert [finding.fatal for finding in file.findings(stream)] == [True]
    file.prepare(stream)
    assert not file.findings(stream)


def test_generated_columns_stay_at_home(file, opened):
    session, source = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, twice AS (a * 2), b,"
        " thrice AS (a * 3) STORED, UNIQUE (b))"
    )
    session.execute("INSERT INTO t VALUES (1, 10, 'x')")
    session.execute("REPLACE INTO t VALUES (2, 20, 'x')")
    session.execute("UPDATE t SET a = 30")
    assert said(changes(source)) == [
        ("c", (1, 10, "x")), ("d", (1, 10, "x")), ("c", (2, 20, "x")), ("u", (2, 30, "x")),
    ]  # fmt: skip
    control = file.control(source._stream)
    assert control.chunk(control.relation("t"), None, 9).rows == [(2, 30, "x")]


def test_tables_whose_columns_are_called_like_the_rowid(opened):
    session, source = opened(
        "CREATE TABLE t (rowid TEXT PRIMARY KEY, oid UNIQUE, _rowid_ , v0, shape)"
    )
    session.execute("INSERT INTO t VALUES ('a', 1, 2, 3, 4)")
    session.execute("REPLACE INTO t VALUES ('b', 1, 5, 6, 7)")
    assert replay(changes(source)) == rows(session)


def test_strict_tables(opened):
    session, source = opened("CREATE TABLE t (id INT PRIMARY KEY, n ANY, b BLOB) STRICT")
    session.execute("INSERT INTO t VALUES (1, '1', x'00'), (2, 1, NULL), (3, 1.5, NULL)")
    assert [row for _, row in said(changes(source))] == [
        (1, "1", "AA=="), (2, 1, None), (3, 1.5, None),
    ]  # fmt: skip


def test_a_table_with_many_columns(opened):
    names = [f"c{n}" for n in range(300)]
    session, source = opened(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(names)})")
    session.execute(f"INSERT INTO t VALUES (1, {', '.join(str(n) for n in range(300))})")
    session.execute("UPDATE t SET c299 = 'last'")
    create, update = changes(source)
    assert create.after == (1, *range(300))
    assert update.before == create.after
    assert update.after == (1, *range(299), "last")


def test_a_writer_in_another_process_that_knows_nothing_of_us(file, opened):
    _, source = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "[c.execute('INSERT INTO t VALUES (?, ?)', (n, str(n))) for n in range(100)];"
        "c.commit(); c.execute('DELETE FROM t WHERE id < 99'); c.commit(); c.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(file.path)], check=True, timeout=60)
    found = changes(source)
    assert len(found) == 199
    assert replay(found) == {(99,): (99, "99")}


def test_what_a_writer_is_told_about_its_own_statement(opened):
    session, source = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)")
    cursor = session.execute("INSERT INTO t VALUES (41, 1), (42, 2)")
    assert (cursor.lastrowid, cursor.rowcount) == (42, 2)
    assert session.execute("SELECT last_insert_rowid(), changes()").fetchone() == (42, 2)
    assert session.execute("DELETE FROM t").rowcount == 2
    assert len(changes(source)) == 4


@pytest.mark.parametrize("mode", ["DELETE", "TRUNCATE", "PERSIST", "WAL"])
def test_journal_modes(opened, mode):
    session, source = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    session.execute("BEGIN")
    session.execute("ROLLBACK")
    source.close()
    assert session.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode.lower()
    source.identity()
    source.start(None)
    for n in range(20):
        session.execute("INSERT INTO t VALUES (?, 0)", (n,))
        assert [change.after for change in changes(source)] == [(n, 0)]
