"""Markers, chunks and single rows on a real MariaDB."""

import threading

import pytest

from cdc.relay.ports import SourceError
from cdc.sources.mysql import MysqlControl, MysqlPreflight
from tests.integration.cdc.mysql.reading import stream, transactions


@pytest.fixture
def control(case):
    control = MysqlControl(case.stream)
    yield control
    control.close()


def paged(control, limit, where=None, key=()):
    """All rows, chunk by chunk."""
    relation = control.relation("t", key)
    found, after = [], None
    while chunk := control.chunk(relation, after, limit, where).rows:
        assert len(chunk) <= limit
        found += chunk
        after = tuple(chunk[-1][index] for index in relation.key)
    return found


KEYS = {
    "composite": ("a INT, b VARCHAR(5), c INT, PRIMARY KEY (b, a)",
                  "(1,'x',1),(2,'x',1),(1,'y',1),(3,'X2',1),(2,'',1),(-1,'y',1)"),
    "unsigned": ("a BIGINT UNSIGNED PRIMARY KEY",
                 "(18446744073709551615),(9223372036854775808),(0)"),
    "decimal": ("a DECIMAL(30,10) PRIMARY KEY",
                "(12345678901234567890.0000000001),(12345678901234567890.0000000002),(-1)"),
    "float": ("a FLOAT PRIMARY KEY", "(0.1),(0.2),(16777216),(-3.3e38)"),
    "double": ("a DOUBLE PRIMARY KEY", "(0.1),(0.30000000000000004),(0.3),(1e300)"),
    "text": ("a VARCHAR(20) PRIMARY KEY",
             "('a'),('B'),('ä2'),('z'),(''),('\\\\'),('it''s'),('100%')"),
    "latin1": ("a VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY", "('é'),('e1'),('f'),('É2')"),
    "binary": ("a VARBINARY(20) PRIMARY KEY", "(x'00'),(x'0000'),(x'FF'),(x'27'),('')"),
    "fixed": ("a BINARY(3) PRIMARY KEY", "(x'000000'),(x'000001'),(x'FF')"),
    "date": ("a DATE PRIMARY KEY", "('2026-00-15'),('0000-00-00'),('2026-01-01'),('1000-01-01')"),
    "time": ("a TIME(3) PRIMARY KEY",
             "('-838:59:59'),('00:00:00.001'),('838:59:59'),('-00:00:01')"),
    "datetime": ("a DATETIME(6) PRIMARY KEY", "('2026-01-01 00:00:00.1'),('2026-01-01'),(0)"),
    "timestamp": ("a TIMESTAMP(6) PRIMARY KEY", "('2026-01-01 00:00:00.1'),('2026-01-01')"),
    "enum": ("a ENUM('z','y','x') PRIMARY KEY", "('z'),('y'),('x')"),
    "set": ("a SET('b','a') PRIMARY KEY", "(''),('b'),('a'),('a,b')"),
    "bit": ("a BIT(12) PRIMARY KEY", "(b'0'),(b'1'),(b'100000000000')"),
    "year": ("a YEAR PRIMARY KEY", "(2026),(1901),(0),(2155)"),
    "uuid": ("a UUID PRIMARY KEY", "(UUID()),(UUID()),('01890a5d-ac96-774b-bcce-b302099a8057')"),
    "names": ("`a``b %s` INT, `order` INT, PRIMARY KEY (`order`, `a``b %s`)", "(1,2),(2,1)"),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_chunks_hold_each_row_once_whatever_the_key(case, control, key, limit):
    columns, values = KEYS[key]
    # One run with parameters' signs in the statement, so that they are taken as they are.
    case.run(f"CREATE TABLE t ({columns})", "SET sql_mode = ''", f"INSERT INTO t VALUES {values}")
    found = paged(control, limit)
    assert len(found) == len(set(found)) == case.run("SELECT COUNT(*) FROM t")[0][0]
    relation = control.relation("t")
    keys = [tuple(row[index] for index in relation.key) for row in found]
    assert sorted(control.rows(relation, keys).rows) == sorted(found)
    assert control.chunk(relation, keys[-1], 10).rows == []


def test_a_condition_narrows_a_chunk(case, control):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9))",
             "INSERT INTO t VALUES (1, 'a%'), (2, 'b'), (3, 'a')")  # fmt: skip
    assert paged(control, 1, "v LIKE 'a%' OR v = 'c'") == [(1, "a%"), (3, "a")]


def test_rows_that_do_not_exist_are_left_out(case, control):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (3)")
    relation = control.relation("t")
    assert control.rows(relation, [(1,), (2,), (3,)]).rows == [(1,), (3,)]
    assert control.rows(relation, []).rows == []
    assert control.chunk(relation, None, 5).visible is None


def test_a_table_without_a_primary_key_needs_a_named_one(case, control):
    case.run("CREATE TABLE t (id INT, v INT)", "INSERT INTO t VALUES (1, 2)")
    with pytest.raises(SourceError, match="no primary key"):
        control.relation("t")
    with pytest.raises(SourceError, match="no column nope"):
        control.relation("t", ["nope"])
    assert control.relation("t", ["id"]).key == (0,)
    with pytest.raises(SourceError, match="no table") as raised:
        control.relation("missing")
    assert not raised.value.temporary


def test_the_log_takes_the_named_key(case):
    named = stream(case.server.url(case.name), "t", key=("v",))
    case.source = type(case.source)(named, case.folder)
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    case.source.start(None)
    case.run("INSERT INTO t VALUES (1, 2)")
    assert case.changes(1)[0].relation.key == (1,)


def test_markers_are_numbered_in_the_order_of_the_log(case):
    preflight = MysqlPreflight(case.stream)
    preflight.apply()
    preflight.close()
    case.source.start(None)
    numbers: list[int] = []

    def write(kind):
        control = MysqlControl(case.stream)
        numbers.extend(control.mark("s", kind, '{"n": 1}') for _ in range(10))
        control.close()

    threads = [threading.Thread(target=write, args=(kind,)) for kind in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(numbers) == list(range(1, 41))
    logged = [changes[0] for _, changes, _ in transactions(case.commits(40))]
    assert {change.relation.table for change in logged} == {"strangler_marker"}
    columns = [column.name for column in logged[0].relation.columns]
    assert [change.after[columns.index("seq")] for change in logged] == list(range(1, 41))


def test_an_estimate_is_near_the_number_of_rows(case, control):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_1000",
             "ANALYZE TABLE t")  # fmt: skip
    assert 500 <= control.estimate(control.relation("t")) <= 2000


def test_a_session_that_was_cut_is_a_temporary_error_and_then_a_new_one(case, control):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)")
    control.relation("t")
    for (number,) in case.run(
        f"SELECT id FROM information_schema.processlist WHERE db = '{case.name}'"
        " AND id <> CONNECTION_ID()"
    ):
        case.run(f"KILL {number}")
    with pytest.raises(SourceError) as raised:
        control.relation("t")
    assert raised.value.temporary
    assert control.relation("t").key == (0,)


def test_the_newest_marker_waits_for_one_that_may_be_in_the_log_already(case, control):
    """A semi-synchronous commit is in the binlog before it can be seen."""
    preflight = MysqlPreflight(case.stream)
    preflight.apply()
    preflight.close()
    control.mark("s", "low", "{}")
    with case.server.connect(case.name) as session, session.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE strangler_marker SET seq = 7 WHERE stream = 's'")
        found = []
        asking = threading.Thread(target=lambda: found.append(control.newest_marker("s")))
        asking.start()
        asking.join(0.5)
        assert found == []
        cursor.execute("COMMIT")
        asking.join(30)
    assert found == [7]
