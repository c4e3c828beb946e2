"""The log of a SQLite file: its streams, what they keep of it, and what must not go unnoticed."""

import json
import shutil
import sqlite3
import threading

import pytest
from integration.cdc.sqlite.conftest import changes, drained, replay, said

from cdc.change import Begin, Change, Commit, Reached
from cdc.relay.ports import SourceError
from cdc.sources.sqlite import label_session

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE other (id INTEGER PRIMARY KEY);"


@pytest.fixture
def session(file):
    session = file.session()
    session.executescript(TABLE)
    return session


def started(file, stream, resume=None):
    source = file.source(stream)
    source.identity()
    source.start(resume)
    return source


def test_streams_do_not_disturb_one_another(file, session):
    one, two = file.stream("t", name="one"), file.stream("t", "other", name="two")
    first, second = started(file, one), started(file, two)
    session.execute("INSERT INTO t VALUES (1, 'a')")
    session.execute("INSERT INTO other VALUES (1)")
    seen = drained(first)
    assert [e.relation.table for e in seen if isinstance(e, Change)] == ["t"]
    first.confirm(seen[-1].resume)
    assert first.retained() == 0
    assert second.retained() > 0
    assert [e.relation.table for e in drained(second) if isinstance(e, Change)] == ["t", "other"]
    file.undo(one)
    session.execute("INSERT INTO t VALUES (2, 'b')")
    assert said(changes(second)) == [("c", (2, "b"))]
    with pytest.raises(SourceError):
        file.source(one).start(None)
    file.undo(two)
    names = {row[0] for row in session.execute("SELECT name FROM sqlite_master")}
    assert names == {"t", "other", "sqlite_sequence"}


def test_two_readers_see_the_same_transactions_whenever_they_come(file, session):
    one, two = file.stream("t", name="one"), file.stream("t", name="two")
    first, late = started(file, one), file.source(two)
    beginning = late.start(None)
    late.close()
    seen = []
    for n in range(30):
        session.execute("INSERT INTO t VALUES (?, 0)", (n,))
        if n % 7 == 0:
            seen += drained(first)
    seen += drained(first)
    again = drained(started(file, two, beginning))
    for kind in (Begin, Commit):
        assert [e for e in again if isinstance(e, kind)] == [e for e in seen if isinstance(e, kind)]
    assert len([e for e in seen if isinstance(e, Begin)]) > 3


def test_entries_are_deleted_in_pieces_and_only_when_no_stream_needs_them(file, session):
    one, two = file.stream("t", name="one"), file.stream("t", name="two")
    first, second = started(file, one), started(file, two)
    session.execute(
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 50000) SELECT i, 0 FROM n"
    )
    end = drained(first)[-1].resume
    first.confirm(end)
    assert count(session) == 50_000
    assert drained(second)[-1].resume == end
    second.confirm(end)
    assert 0 < count(session) < 50_000
    for _ in range(10):
        second.read(0.05)
    assert count(session) == 0
    session.execute("INSERT INTO t VALUES (0, 0)")
    assert [event.position for event in drained(first) if isinstance(event, Begin)] == [end + 1]


def count(session):
    return session.execute("SELECT count(*) FROM strangler_changes").fetchone()[0]


def test_changes_of_other_tables_move_the_position(file, session):
    stream = file.stream("t", name="one")
    file.stream("other", name="two")
    source = started(file, stream)
    session.execute("INSERT INTO other VALUES (1)")
    (event,) = drained(source)
    assert isinstance(event, Reached)
    source.confirm(event.resume)
    assert source.retained() == 0


def test_an_applier_is_told_from_everybody_else(file, session):
    stream = file.stream("t")
    source = started(file, stream)
    applier = file.session()
    label_session(applier, "it's")
    session.execute("INSERT INTO t VALUES (1, 'mine')")
    applier.execute("BEGIN IMMEDIATE")
    applier.execute("INSERT INTO t VALUES (2, 'copied')")
    applier.execute("REPLACE INTO t VALUES (1, 'copied')")
    applier.execute("COMMIT")
    session.execute("DELETE FROM t WHERE id = 2")
    events = drained(source)
    origins = [event.origin for event in events if isinstance(event, Begin)]
    assert origins == [None, "strangler:it's", None]
    assert said(e for e in events if isinstance(e, Change)) == [
        ("c", (1, "mine")), ("c", (2, "copied")), ("d", (1, "mine")), ("c", (1, "copied")),
        ("d", (2, "copied")),
    ]  # fmt: skip


def test_a_label_goes_with_its_connection_and_needs_a_log(file, session):
    label_session(session, "early")
    source = started(file, file.stream("t"))
    session.execute("INSERT INTO t VALUES (1, 1)")
    applier = sqlite3.connect(file.path, isolation_level=None)
    label_session(applier, "s")
    label_session(applier, "s")
    applier.execute("INSERT INTO t VALUES (2, 1)")
    applier.close()
    session.execute("INSERT INTO t VALUES (3, 1)")
    origins = [event.origin for event in drained(source) if isinstance(event, Begin)]
    assert origins == [None, "strangler:s", None]


APPLIED = "CREATE TABLE strangler_applied (stream TEXT, topic TEXT, PRIMARY KEY (stream, topic))"


def test_an_applier_without_a_label_stops_a_reverse_stream(file, session):
    session.execute(APPLIED)
    source = started(file, file.stream("t", reverse=True))
    applier = file.session()
    label_session(applier, "s")
    applier.execute("BEGIN")
    applier.execute("INSERT INTO strangler_applied VALUES ('s', 'a')")
    applier.execute("INSERT INTO t VALUES (1, 1)")
    applier.execute("COMMIT")
    assert said(changes(source)) == [("c", (1, 1))]
    session.execute("INSERT INTO strangler_applied VALUES ('s', 'b')")
    with pytest.raises(SourceError, match="label_session") as raised:
        drained(source)
    assert raised.value.temporary is False


def test_a_table_that_was_made_anew_is_noticed_by_a_running_source(file, session):
    stream = file.stream("t")
    source = started(file, stream)
    session.execute("INSERT INTO t VALUES (1, 1)")
    assert len(changes(source)) == 1
    session.executescript(
        "BEGIN; CREATE TABLE new__t (id INTEGER PRIMARY KEY, v, w); INSERT INTO new__t SELECT"
        " id, v, 0 FROM t; DROP TABLE t; ALTER TABLE new__t RENAME TO t; COMMIT;"
    )
    with pytest.raises(SourceError, match="triggers of table t") as raised:
        drained(source)
    assert raised.value.temporary is False
    assert "strangler cdc init" in str(raised.value)
    with pytest.raises(SourceError, match="triggers of table t"):
        file.source(stream).start(None)
    file.prepare(stream)
    source = started(file, stream)
    session.execute("INSERT INTO t VALUES (2, 2, 2)")
    assert said(changes(source)) == [("c", (2, 2, 2))]


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE t ADD COLUMN w", "DROP TRIGGER strangler_delete_t", "DROP TABLE t",
     "ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME COLUMN v TO w",
     "CREATE UNIQUE INDEX t_v ON t (v)", "DELETE FROM strangler_readers"],
)  # fmt: skip
def test_what_makes_the_triggers_untrue_stops_the_stream(file, session, statement):
    stream = file.stream("t")
    source = started(file, stream)
    session.execute(statement)
    if statement.startswith("DELETE"):
        source = file.source(stream)
    with pytest.raises(SourceError) as raised:
        source.start(None)
        drained(source)
    assert raised.value.temporary is False


def test_a_column_cannot_be_dropped_under_the_triggers_but_after_undoing(file, session):
    stream = file.stream("t")
    with pytest.raises(sqlite3.OperationalError, match="strangler_insert_t"):
        session.execute("ALTER TABLE t DROP COLUMN v")
    file.undo(stream)
    session.execute("ALTER TABLE t DROP COLUMN v")
    file.prepare(stream)
    source = started(file, stream)
    session.execute("INSERT INTO t VALUES (1)")
    assert said(changes(source)) == [("c", (1,))]


def test_a_renamed_table_is_captured_once(file, session):
    first = file.stream("t", name="one")
    session.execute("ALTER TABLE t RENAME TO u")
    source = started(file, file.stream("u", name="two"))
    session.execute("INSERT INTO u VALUES (1, 1)")
    assert said(changes(source)) == [("c", (1, 1))]
    file.undo(first)


def test_a_file_in_the_place_of_the_file_is_noticed(file, session, tmp_path):
    stream = file.stream("t")
    source = started(file, stream)
    before = source.identity()
    copy = tmp_path / "copy"
    session.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(file.path, copy)
    copy.replace(file.path)
    with pytest.raises(SourceError, match="replaced") as raised:
        source.read(1.0)
    assert raised.value.temporary is True
    source.close()
    assert source.identity() == before, "a moved file is the same log"


def test_another_file_has_another_identity(file, session, tmp_path):
    source = started(file, file.stream("t"))
    first = source.identity()
    source.close()
    file.path.unlink()
    for name in ("-wal", "-shm"):
        file.path.with_name(file.path.name + name).unlink(missing_ok=True)
    other = sqlite3.connect(file.path, isolation_level=None)
    other.executescript(TABLE)
    second = file.source(file.stream("t"))
    assert second.identity() != first
    other.close()


def test_an_older_copy_is_noticed(file, session, tmp_path):
    stream = file.stream("t")
    session.execute("INSERT INTO t VALUES (1, 1)")
    session.execute("VACUUM INTO ?", (str(tmp_path / "backup"),))
    source = started(file, stream)
    session.execute("INSERT INTO t VALUES (2, 2)")
    resume = drained(source)[-1].resume
    source.close()
    session.close()
    for name in ("-wal", "-shm"):
        file.path.with_name(file.path.name + name).unlink(missing_ok=True)
    (tmp_path / "backup").replace(file.path)
    with pytest.raises(SourceError, match="older copy") as raised:
        file.source(stream).start(resume)
    assert raised.value.temporary is False


def test_a_missing_file_is_not_made(file, session):
    stream = file.stream("t")
    source = file.source(stream)
    for path in file.path.parent.glob("app.sqlite3*"):
        path.unlink()
    with pytest.raises(SourceError):
        source.identity()
    assert not file.path.exists()


def test_no_file_and_no_database(file, tmp_path):
    file.path.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(SourceError) as raised:
        file.stream("t")
    assert raised.value.temporary is False


def test_a_writer_that_takes_long_delays_and_stops_nothing(file, session):
    stream = file.stream("t")
    source = started(file, stream)
    session.execute("INSERT INTO t VALUES (1, 'early')")
    session.execute("BEGIN IMMEDIATE")
    session.execute("INSERT INTO t VALUES (2, 'open')")
    assert not [e for e in source.read(0.3) if isinstance(e, Change)]
    source.confirm(0)
    session.execute("COMMIT")
    assert len(changes(source)) == 2


def test_no_transaction_is_torn_by_a_reader_beside_its_writers(file, session):
    """Three threads write transactions of two rows; in each group the rows are complete."""
    stream = file.stream("t")
    source = started(file, stream)
    failed = []

    def write(first):
        connection = sqlite3.connect(file.path, isolation_level=None, timeout=60)
        try:
            for n in range(first, first + 200, 2):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO t VALUES (?, 1)", (n,))
                connection.execute("INSERT INTO t VALUES (?, 2)", (n + 1,))
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    events = []
    while any(thread.is_alive() for thread in threads):
        events += source.read(0.05)
    for thread in threads:
        thread.join()
    events += drained(source)
    assert not failed
    sizes = group_sizes(events)
    assert sum(sizes) == 600
    assert all(size % 2 == 0 for size in sizes)
    assert len(replay([e for e in events if isinstance(e, Change)])) == 600


def group_sizes(events):
    sizes = []
    for event in events:
        if isinstance(event, Begin):
            sizes.append(0)
        elif isinstance(event, Change):
            sizes[-1] += 1
    return sizes


def test_a_reader_that_is_killed_between_a_cut_and_its_reading_loses_nothing(file, session):
    stream = file.stream("t")
    source = started(file, stream)
    beginning = source.start(None)
    session.execute("INSERT INTO t VALUES (1, 1)")
    first = drained(source)
    session.execute("INSERT INTO t VALUES (2, 1)")
    session.execute("INSERT INTO strangler_cuts SELECT max(id) FROM strangler_changes")
    session.execute("INSERT INTO t VALUES (3, 1)")
    source.close()
    events = drained(started(file, stream, beginning))
    assert [event for event in events if isinstance(event, Commit)][:1] == first[-1:]
    assert group_sizes(events) == [1, 1, 1]


def test_findings_name_what_cannot_be_captured(file):
    session = file.session()
    session.executescript(
        "CREATE TABLE nokey (a); CREATE VIEW seen AS SELECT 1 AS id;"
        "CREATE TABLE empty (id TEXT PRIMARY KEY); INSERT INTO empty VALUES (NULL);"
        "CREATE TABLE partial (id INTEGER PRIMARY KEY, u, gone);"
        "CREATE UNIQUE INDEX partial_u ON partial (u) WHERE gone IS NULL;"
        "CREATE UNIQUE INDEX partial_lower ON partial (lower(u));"
    )
    from support.streams import a_stream

    stream = a_stream(file.url, "nokey", "seen", "empty", "partial", "missing")
    for _ in range(2):
        found = file.findings(stream)
        fatal = [finding.what for finding in found if finding.fatal and not finding.applies]
        assert [next(t for t in ("nokey", "seen", "empty", "missing") if t in what)
                for what in fatal] == ["nokey", "seen", "empty", "missing"]  # fmt: skip
        doubts = [finding.what for finding in found if not finding.fatal]
        assert ["partial_lower" in what or "partial_u" in what for what in doubts] == [True, True]
        assert all(finding.remedy for finding in found)
        file.prepare(stream)


def test_the_marker_is_a_row_of_the_file(file, session):
    stream = file.stream("t")
    control = file.control(stream)
    seq = control.mark("s", "repair", json.dumps({"table": "t", "keys": [[1]]}))
    ((kind, kept, body),) = session.execute("SELECT kind, seq, body FROM strangler_marker")
    assert (kind, kept, json.loads(body)) == ("repair", seq, {"table": "t", "keys": [[1]]})
