"""Values that are written in different ways and are the same: no comparison may tell them apart."""

import pytest

from cdc.reconcile.report import Lack, Outcome
from cdc.reconcile.verify import verify

WIDE = {
    "postgres": "CREATE TABLE t (id int PRIMARY KEY, d double precision, r real, n numeric,"
                " s timestamp, z timestamptz, m time, c char(5), a text, b text)",
    "mariadb": "CREATE TABLE t (id int PRIMARY KEY, d double, r float, n decimal(30,10),"
               " s datetime(6), z timestamp(6) NULL, m time(6), c char(5), a longtext, b longtext)",
    "sqlite": "CREATE TABLE t (id integer PRIMARY KEY, d double, r real, n numeric(30,10),"
              " s datetime, z datetime, m time, c char(5), a text, b text)",
}  # fmt: skip
PAIRS = [("postgres", "postgres"), ("postgres", "mariadb"), ("mariadb", "postgres"),
         ("postgres", "sqlite"), ("mariadb", "mariadb")]  # fmt: skip
ROWS = (
    "(1, -0.0, 0.1, 1.50, '2026-11-24 09:30:00.100000', '2026-11-24 09:30:00.10', '10:00:00.5',"
    " 'ab', '', 'NULL')",
    "(2, 0.30000000000000004, 16777216, 100, '2026-11-24 00:00:00', '2026-11-24 00:00:00',"
    " '00:00:00', '', 'NULL', NULL)",
    "(3, 1e22, 1.5, 0.0, '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999',"
    " '23:59:59.999999', 'abcde', NULL, '')",
    "(4, 123456.789, 3.25, -0.10, NULL, NULL, NULL, NULL, 'x', NULL)",
    "(5, 0, 0, 1234567.0001, '2026-01-01', '2026-01-01', '01:02:03', 'a', NULL, 'x')",
)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_copy_is_equal_and_what_only_looks_alike_is_not(pipe, source, target):
    p = pipe(source, target, "t")
    p.source(WIDE[source])
    p.target(WIDE[target])
    p.source(*(f"INSERT INTO t VALUES {row}".replace(":", "\\:") for row in ROWS))
    p.start()
    clean = verify(p.stream)
    assert clean.outcome is Outcome.EQUAL, clean.to_json()
    p.target("UPDATE t SET d = 0.0 WHERE id = 1", "UPDATE t SET d = -0.0 WHERE id = 5",
             "UPDATE t SET n = 1.500 WHERE id = 1")  # fmt: skip
    again = verify(p.stream)
    assert again.outcome is Outcome.EQUAL, again.to_json()
    p.target("UPDATE t SET a = b, b = a WHERE id = 3" if target != "mariadb" else
             "UPDATE t SET a = '', b = NULL WHERE id = 3",
             "UPDATE t SET a = NULL, b = 'x' WHERE id = 4",
             "UPDATE t SET d = 123456.78900000002 WHERE id = 4",
             "UPDATE t SET a = NULL WHERE id = 2", "UPDATE t SET a = ' ' WHERE id = 1")  # fmt: skip
    [table] = verify(p.stream).tables
    assert {(d.kind, d.key, d.columns) for d in table.differences} == {
        (Lack.DIFFERENT, (1,), ("a",)), (Lack.DIFFERENT, (2,), ("a",)),
        (Lack.DIFFERENT, (3,), ("a", "b")), (Lack.DIFFERENT, (4,), ("d", "a", "b")),
    }  # fmt: skip


def test_what_a_target_cannot_hold_exactly_is_no_copy(pipe):
    """It rounds without a word, so nobody but a comparison tells."""
    p = pipe("postgres", "postgres", "t")
    p.source("CREATE TABLE t (id int PRIMARY KEY, s timestamp(6), n numeric(20,4), d float8)")
    p.target("CREATE TABLE t (id int PRIMARY KEY, s timestamp(3), n numeric(20,2), d float4)")
    p.source(
        "INSERT INTO t VALUES (1, '2026-11-24 09\\:30\\:00.123', 1.50, 0.5),"
        " (2, '2026-11-24 09\\:30\\:00.123456', 1.50, 0.5), (3, NULL, 1.2345, 0.5),"
        " (4, NULL, NULL, 0.123456789)"
    )
    p.start()
    [table] = verify(p.stream).tables
    assert {(d.key, d.columns) for d in table.differences} == {
        ((2,), ("s",)), ((3,), ("n",)), ((4,), ("d",)),
    }  # fmt: skip


@pytest.mark.parametrize("target", ["postgres", "mariadb", "sqlite"])
def test_keys_that_differ_in_case_or_blanks_are_rows_of_their_own(pipe, target):
    p = pipe("postgres", target, "k")
    p.source("CREATE TABLE k (id varchar(20) PRIMARY KEY, v int)")
    collate = " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin" if target == "mariadb" else ""
    p.target(f"CREATE TABLE k (id varchar(20){collate} PRIMARY KEY, v int)")
    keys = ["a", "A", "a ", " a", "\u00e9", "e\u0301", "É", "", " ", "NULL", "null", "ß", "ss", "ẞ"]
    for number, key in enumerate(keys):
        p.source("INSERT INTO k VALUES (:key, :number)", key=key, number=number)
    p.start()
    clean = verify(p.stream)
    assert clean.outcome is Outcome.EQUAL, clean.to_json()
    assert clean.tables[0].target_rows == len(keys)
    p.target("DELETE FROM k WHERE v = 2", "UPDATE k SET v = 100 WHERE v = 1")
    [table] = verify(p.stream).tables
    assert {(d.kind, d.key) for d in table.differences} == {
        (Lack.MISSING, ("a ",)), (Lack.DIFFERENT, ("A",)),
    }  # fmt: skip
