"""What counts as committed, in the shapes that the log has for it."""

import os

import pytest
from support.mariadb import binlog_mariadb, fresh

from cdc.change import Change, Commit, Reached
from cdc.relay.ports import SourceError
from tests.integration.cdc.mysql.reading import Case, rows, transactions

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(1000))"
LARGE = "INSERT INTO t SELECT seq, REPEAT('x', 1000) FROM seq_1000_to_4000"
"""Three megabytes: more than is held until the end has been seen."""


def ids(events):
    return [event.after[0] for event in events if type(event) is Change]


def seen(case, *statements):
    """What comes of statements, up to the row that is written after them."""
    case.run(*statements, "INSERT INTO t VALUES (-1, 'last')")
    events = case.until(
        lambda es: any(type(e) is Change and e.after and e.after[0] == -1 for e in es)
    )
    return [i for i in ids(events) if i != -1]


@pytest.fixture
def t(case):
    case.run(TABLE, "CREATE TABLE m (id INT) ENGINE=MyISAM")
    case.source.start(None)
    return case


@pytest.mark.parametrize("more", ["SELECT 1", LARGE], ids=["small", "large"])
def test_rows_that_were_rolled_back_to_a_savepoint_are_not_passed_on(t, more):
    # The temporary table makes the server keep in the log what was rolled back.
    found = seen(
        t, "BEGIN", "INSERT INTO t VALUES (1, '')", "CREATE TEMPORARY TABLE x (id INT)",
        "SAVEPOINT a", "INSERT INTO t VALUES (2, '')", "SAVEPOINT b", "ROLLBACK TO a",
        "INSERT INTO t VALUES (3, '')", "SAVEPOINT `a`", "INSERT INTO t VALUES (4, '')", more,
        "ROLLBACK TO SAVEPOINT A", "INSERT INTO t VALUES (5, '')", "COMMIT",
    )  # fmt: skip
    assert found == [1, 3, 5]


@pytest.mark.parametrize("more", ["SELECT 1", LARGE], ids=["small", "large"])
def test_a_logged_transaction_that_was_rolled_back_is_not_passed_on(t, more):
    assert seen(
        t, "BEGIN", "CREATE TEMPORARY TABLE x (id INT)", "INSERT INTO t VALUES (1, '')", more,
        "DROP TEMPORARY TABLE x", "ROLLBACK",
    ) == []  # fmt: skip


def test_a_large_transaction_comes_whole_and_in_bounded_reads(t):
    t.run(LARGE)
    events = t.until(lambda es: any(type(e) is Commit for e in es))
    assert ids(events) == list(range(1000, 4001))
    assert len(transactions([e for e in events if type(e) is not Reached])) == 1


@pytest.mark.parametrize("more", ["SELECT 1", LARGE], ids=["small", "large"])
def test_a_prepared_transaction_is_passed_on_at_its_commit(t, more):
    name = f"'{t.name}', 'b', 7"
    t.run(f"XA START {name}", "INSERT INTO t VALUES (1, '')", more, f"XA END {name}",
          f"XA PREPARE {name}")  # fmt: skip
    assert seen(t) == []
    t.run(f"XA COMMIT {name}")
    events = t.commits(1)
    assert ids(events)[:1] == [1]
    assert len(ids(events)) == (1 if more == "SELECT 1" else 3002)
    ((begin, _, commit),) = transactions(events)
    assert begin.position < commit.resume
    assert begin.xid == commit.gtid


def test_a_prepared_transaction_that_is_rolled_back_is_not_passed_on(t):
    assert seen(
        t, "XA START 'y'", "INSERT INTO t VALUES (1, '')", "XA END 'y'", "XA PREPARE 'y'",
        "XA ROLLBACK 'y'",
    ) == []  # fmt: skip


def test_xa_in_one_phase_is_a_transaction_like_any_other(t):
    assert seen(
        t, "XA START 'z'", "INSERT INTO t VALUES (1, '')", "XA END 'z'", "XA COMMIT 'z' ONE PHASE"
    ) == [1]


def test_a_transaction_that_was_prepared_before_reading_began_is_found(case):
    case.run(TABLE)
    case.run("XA START 'w'", "INSERT INTO t VALUES (1, '')", "XA END 'w'", "XA PREPARE 'w'")
    case.run("FLUSH BINARY LOGS")
    case.source.start(None)
    assert seen(case, "XA COMMIT 'w'") == [1]


def test_tables_without_transactions_are_read(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=MyISAM")
    case.source.start(None)
    case.run("INSERT INTO t VALUES (1, 1), (2, 1)", "UPDATE t SET v = 2 WHERE id = 1")
    assert [rows(changes) for _, changes, _ in transactions(case.commits(2))] == [
        [("c", None, (1, 1)), ("c", None, (2, 1))],
        [("u", (1, 1), (1, 2))],
    ]


def test_a_new_shape_comes_with_its_first_row(t):
    t.run("INSERT INTO t VALUES (1, 'a')", "ALTER TABLE t ADD n DECIMAL(5,2) DEFAULT 1 FIRST",
          "INSERT INTO t VALUES (2.5, 2, 'b')", "ALTER TABLE t DROP v, MODIFY n BIGINT UNSIGNED",
          "INSERT INTO t VALUES (18446744073709551615, 3)")  # fmt: skip
    changes = t.changes(3)
    assert [change.after for change in changes] == [(1, "a"), ("2.50", 2, "b"), (2**64 - 1, 3)]
    shapes = [[(c.name, c.type) for c in change.relation.columns] for change in changes]
    assert shapes[1] == [("n", "decimal(5,2)"), ("id", "int"), ("v", "varchar(1000)")]
    assert shapes[2] == [("n", "bigint unsigned"), ("id", "int")]


def test_a_table_is_created_and_filled_in_one_statement(case):
    case.run("CREATE TABLE other (id INT)")
    case.source.start(None)
    case.run("CREATE TABLE t (id INT PRIMARY KEY) SELECT 5 AS id UNION SELECT 6")
    assert ids(case.commits(1)) == [5, 6]


def test_a_truncated_table_is_reported(t):
    t.run("INSERT INTO t VALUES (1, '')", "TRUNCATE t", "TRUNCATE TABLE m")
    events = t.commits(2)
    assert rows(events) == [("c", None, (1, "")), ("t", None, None)]


def test_a_table_is_truncated_before_its_first_row_was_seen(t):
    t.run(f"TRUNCATE TABLE `{t.name}`.`t`")
    (change,) = t.changes(1)
    assert (change.op, change.relation.table) == ("t", "t")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO t VALUES (1, '')", "changed t by a statement"),
        ("UPDATE `t` SET v = 'm'", "changed t by a statement"),
        ("DELETE FROM {db}.t WHERE id > 0", "changed t by a statement"),
    ],
)
def test_a_statement_that_changes_a_table_stops_the_stream(t, statement, said):
    t.run("SET binlog_format = STATEMENT", "INSERT INTO m VALUES (1)", statement.format(db=t.name))
    with pytest.raises(SourceError, match=said) as raised:
        t.until(lambda _: False)
    assert not raised.value.temporary


def test_a_statement_elsewhere_does_not_stop_the_stream(t):
    fresh(t.server, f"{t.name}_other")
    other = f"{t.name}_other"
    found = seen(
        t, "SET binlog_format = STATEMENT", "INSERT INTO m VALUES (1) /* not t */",
        f"CREATE TABLE {other}.t (id INT)", f"INSERT INTO {other}.t VALUES (1)",
        "UPDATE m SET id = 2 WHERE 't' = 't'", "SET binlog_format = ROW",
    )  # fmt: skip
    assert found == []


def test_a_removed_partition_stops_the_stream(case):
    case.run(
        "CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20))"
    )
    case.source.start(None)
    case.run("ALTER TABLE t DROP PARTITION a")
    with pytest.raises(SourceError, match="removed a partition"):
        case.until(lambda _: False)


def test_a_partial_row_stops_the_stream_and_names_the_transaction(t):
    t.run("INSERT INTO t VALUES (1, '')", "SET binlog_row_image = MINIMAL", "UPDATE t SET v = 'b'")
    with pytest.raises(SourceError, match=r"transaction 0-1-\d+ .*MINIMAL") as raised:
        t.until(lambda _: False)
    assert not raised.value.temporary


def test_checksums_and_compression_may_change_while_the_log_is_read(tmp_path):
    with (
        binlog_mariadb("--binlog-checksum=NONE") as server,
        Case(server, "shop", tmp_path) as case,
    ):
        case.run(TABLE)
        resume = case.source.start(None)
        case.run(
            "INSERT INTO t VALUES (1, 'a')", "SET GLOBAL binlog_checksum = CRC32",
            "INSERT INTO t VALUES (2, 'b')", "SET GLOBAL log_bin_compress = ON",
            "SET GLOBAL log_bin_compress_min_len = 10",
            "INSERT INTO t VALUES (3, REPEAT('c', 900))", "UPDATE t SET v = 'd' WHERE id = 3",
            "SET GLOBAL binlog_checksum = NONE", "DELETE FROM t WHERE id = 3",
        )  # fmt: skip
        wanted = [
            ("c", None, (1, "a")), ("c", None, (2, "b")), ("c", None, (3, "c" * 900)),
            ("u", (3, "c" * 900), (3, "d")), ("d", (3, "d"), None),
        ]  # fmt: skip
        assert rows(case.commits(5)) == wanted
        case.again(resume)
        assert rows(case.commits(5)) == wanted


@pytest.mark.parametrize("large", [False, True])
def test_a_transaction_that_a_crash_cut_off_is_not_passed_on(tmp_path, large):
    with binlog_mariadb() as server, Case(server, "shop", tmp_path) as case:
        case.run(TABLE)
        resume = case.source.start(None)
        case.source.close()
        case.run("INSERT INTO t VALUES (1, '')")
        ((file, before, *_),) = case.run("SHOW MASTER STATUS")
        case.run(LARGE if large else "INSERT INTO t VALUES (2, ''), (3, '')")
        ((_, after, *_),) = case.run("SHOW MASTER STATUS")
        server.kill()
        # The disk had not got the end of it; InnoDB's part is rolled back at the start then.
        os.truncate(server.path / "data" / file, after - 31)
        assert before < after - 31
        server.start("--sync-binlog=0")
        case.run("INSERT INTO t VALUES (9, '')")
        case.again(resume)
        assert ids(case.commits(2)) == [1, 9]


def test_an_applier_is_known_by_the_first_row_of_its_transaction(server, tmp_path):
    fresh(server, "reverse")
    with Case(server, "reverse", tmp_path, reverse=True) as case:
        case.run(TABLE, "CREATE TABLE strangler_applied (stream VARCHAR(50), topic VARCHAR(50),"
                 " n INT, PRIMARY KEY (stream, topic))")  # fmt: skip
        case.source.start(None)
        case.run("BEGIN", "INSERT INTO strangler_applied VALUES ('forward', 't', 1)",
                 "INSERT INTO t VALUES (1, '')", "COMMIT", "BEGIN", "INSERT INTO t VALUES (2, '')",
                 "UPDATE strangler_applied SET n = 2", "COMMIT", "BEGIN",
                 "UPDATE strangler_applied SET n = 3", "INSERT INTO t VALUES (3, '')",
                 "COMMIT")  # fmt: skip
        found = transactions(case.commits(3))
        assert [begin.origin for begin, _, _ in found] == [
            "strangler:forward", None, "strangler:forward"
        ]  # fmt: skip
        assert [[c.after[0] for c in changes] for _, changes, _ in found] == [[1], [2], [3]]


def test_settings_that_lose_changes_are_refused_at_the_start(tmp_path):
    with binlog_mariadb("--binlog-row-metadata=MINIMAL") as server:
        server.run("SET GLOBAL binlog_format = MIXED")
        with Case(server, "shop", tmp_path) as case:
            with pytest.raises(SourceError, match=r"MIXED.*MINIMAL") as raised:
                case.source.start(None)
            assert not raised.value.temporary
