"""Setting a real MariaDB up for a stream, and removing the stream again."""

import pytest
from support.mariadb import binlog_mariadb, fresh

from cdc.relay.ports import SourceError
from cdc.sources.mysql import MysqlControl, MysqlPreflight, MysqlSource
from tests.integration.cdc.mysql.reading import stream


@pytest.fixture
def preflights():
    opened = []

    def open_one(configured):
        opened.append(MysqlPreflight(configured))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def whats(findings):
    return " | ".join(finding.what for finding in findings)


def test_a_server_is_set_up_and_then_has_no_findings(preflights, tmp_path):
    with binlog_mariadb("--binlog-row-metadata=NO_LOG", "--binlog-row-image=MINIMAL") as server:
        server.run("CREATE TABLE t (id INT PRIMARY KEY)", "SET GLOBAL binlog_format = STATEMENT")
        one = preflights(stream(server.url(), "t"))
        before = one.check()
        for setting in ("binlog_format", "binlog_row_image", "binlog_row_metadata"):
            assert setting in whats(before)
        assert all(finding.fatal and finding.applies for finding in before)
        assert len(one.apply()) == len(before) == 4
        assert one.check() == []
        assert one.apply() == []
        source = MysqlSource(stream(server.url(), "t"), tmp_path)
        source.start(None)
        source.check()
        server.run("SET GLOBAL binlog_row_image = NOBLOB")
        with pytest.raises(SourceError, match="binlog_row_image is NOBLOB, not FULL") as raised:
            source.check()
        assert not raised.value.temporary
        source.close()


def test_a_server_without_a_binlog_is_told(preflights):
    with binlog_mariadb("--skip-log-bin") as server:
        server.run("CREATE TABLE t (id INT PRIMARY KEY)")
        (found,) = [f for f in preflights(stream(server.url(), "t")).check() if not f.applies]
        assert "no binlog" in found.what


def test_tables_are_looked_at(server, preflights):
    url = fresh(server, "looked_at")
    server.run(
        "CREATE TABLE good (id INT PRIMARY KEY)",
        "CREATE TABLE keyless (id INT)",
        "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM",
        "CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
        "CREATE TABLE child (id INT PRIMARY KEY, up INT,"
        " CONSTRAINT chain FOREIGN KEY (up) REFERENCES good (id) ON DELETE CASCADE)",
        "CREATE TABLE packed (id INT PRIMARY KEY, v TEXT COMPRESSED)",
        "CREATE VIEW seen AS SELECT * FROM good",
        database="looked_at",
    )
    names = ("good", "keyless", "old", "versioned", "child", "packed", "seen", "missing")
    one = preflights(stream(url, *names))
    one.apply()
    found = one.check()
    said = whats(found)
    for part in ("keyless has no primary key", "old has no transactions", "versioned keeps its",
                 "key chain of child changes rows by itself", "column v has the type",
                 "no table looked_at.missing"):  # fmt: skip
        assert part in said
    assert "good" not in said.replace("looked_at", "")
    assert [f.fatal for f in found if "no transactions" in f.what] == [False]


def test_missing_rights_are_told(server, preflights):
    fresh(server, "rights")
    server.run(
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE OR REPLACE USER poor@localhost",
        "GRANT SELECT, CREATE ON rights.* TO poor@localhost",
        database="rights",
    )  # fmt: skip
    url = server.url("rights", user="poor")
    said = whats(preflights(stream(url, "t")).check())
    assert "may not ask for the state of the log" in said
    assert "may not read the log" in said
    server.run("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO poor@localhost")
    assert "may not" not in whats(preflights(stream(url, "t")).check())


def test_undoing_keeps_what_other_streams_use(server, preflights):
    url = fresh(server, "undone")
    server.run("CREATE TABLE t (id INT PRIMARY KEY)", database="undone")
    one = preflights(stream(url, "t"))
    one.apply()
    control = MysqlControl(stream(url, "t"))
    control.mark("s", "heartbeat", "{}")
    control.mark("another", "heartbeat", "{}")
    assert len(one.undo()) == 1
    server.run("DELETE FROM strangler_marker WHERE stream = 'another'", database="undone")
    assert one.undo() == ["DROP TABLE strangler_marker"]
    assert one.undo() == []
    control.close()


def test_a_server_made_anew_has_another_identity(tmp_path, preflights):
    found = []
    for _ in range(2):
        with binlog_mariadb() as server:
            configured = stream(server.url(), "t")
            source = MysqlSource(configured, tmp_path)
            with pytest.raises(SourceError, match="strangler cdc init"):
                source.identity()
            one = preflights(configured)
            one.apply()
            found.append(source.identity())
            assert source.identity() == found[-1]
            one.close()
            server.stop()
            server.start()
            assert source.identity() == found[-1]
            source.close()
    assert found[0].differences(found[1]) != []


def test_what_the_server_keeps_is_counted(case):
    one = MysqlPreflight(case.stream)
    one.apply()
    one.close()
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(1000))")
    start = case.source.start(None)
    case.run("INSERT INTO t SELECT seq, REPEAT('x', 1000) FROM seq_1_to_1000", "FLUSH BINARY LOGS")
    assert 1_000_000 <= case.source.retained() <= 1_200_000
    resume = case.commits(1)[-1].resume
    case.source.confirm(resume)
    assert case.source.retained() < 10_000
    assert resume > start
