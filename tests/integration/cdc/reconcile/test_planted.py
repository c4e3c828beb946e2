"""Differences of every kind, between databases of every kind, while the stream runs."""

import pytest

from cdc.config.model import Mask, TableSync
from cdc.reconcile.desk import Options
from cdc.reconcile.report import Lack, Outcome
from cdc.reconcile.verify import verify

DDL = {
    "postgres": (
        "CREATE TABLE t (id bigint PRIMARY KEY, a text, b numeric(12,4), c timestamptz,"
        " d bytea, e double precision, f boolean, g uuid, h date)"
    ),
    "mariadb": (
        "CREATE TABLE t (id bigint PRIMARY KEY, a text, b decimal(12,4), c datetime(6),"
        " d longblob, e double, f boolean, g char(36), h date)"
    ),
    "sqlite": (
        "CREATE TABLE t (id integer PRIMARY KEY, a text, b decimal(12,4), c datetime,"
        " d blob, e real, f bool, g uuid, h date)"
    ),
}
PAIRS = [
    ("postgres", "postgres"), ("mariadb", "postgres"), ("postgres", "sqlite"),
    ("postgres", "mariadb"), ("sqlite", "postgres"), ("mariadb", "mariadb"),
]  # fmt: skip
BLOB = {"postgres": "'\\x{}'", "mariadb": "x'{}'", "sqlite": "x'{}'"}
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a{:02d}"


def row(kind, number, *, a="'text'", b="1.5000", c="'2026-11-24 09:30:00.250000'", e="0.1"):
    zone = c[:-1] + "+00'" if kind == "postgres" and c != "NULL" else c
    true = "true" if kind == "postgres" else "1"
    blob = BLOB[kind].format("00ff")
    uuid = UUID.format(number % 100)
    values = f"{number}, {a}, {b}, {zone}, {blob}, {e}, {true}, '{uuid}', '2026-11-24'"
    return f"INSERT INTO t VALUES ({values})"


ROWS = {
    1: {}, 2: {"a": "''"}, 3: {"a": "NULL"}, 4: {"a": "'NULL'"}, 5: {"a": "'Case'"},
    6: {"a": "'\u00e9'"}, 7: {"b": "-0.1000"}, 8: {"e": "1e20"}, 9: {"c": "NULL"},
    10: {"a": "'first'"}, 11: {"a": "'second'"}, 12: {"e": "-0.0"}, 13: {"b": "0"},
    14: {"a": "'😀 0:|'"}, 15: {"e": "1e-7"},
}  # fmt: skip
PLANTED = {
    (1,): ("UPDATE t SET a = 'tex\u0075 ' WHERE id = 1", ("a",)),
    (2,): ("UPDATE t SET a = NULL WHERE id = 2", ("a",)),
    (3,): ("UPDATE t SET a = '' WHERE id = 3", ("a",)),
    (4,): ("UPDATE t SET a = NULL WHERE id = 4", ("a",)),
    (5,): ("UPDATE t SET a = 'case' WHERE id = 5", ("a",)),
    (6,): ("UPDATE t SET a = 'e\u0301' WHERE id = 6", ("a",)),
    (7,): ("UPDATE t SET b = -0.1001 WHERE id = 7", ("b",)),
    (8,): ("UPDATE t SET e = 100000000000000016384 WHERE id = 8", ("e",)),
    (9,): ("UPDATE t SET f = NULL, h = '2026-11-25' WHERE id = 9", ("f", "h")),
    (10,): ("UPDATE t SET a = 'second' WHERE id = 10", ("a",)),
    (11,): ("UPDATE t SET a = 'first' WHERE id = 11", ("a",)),
}
MICROSECOND = {
    "postgres": "UPDATE t SET c = c + interval '1 microsecond' WHERE id = 15",
    "mariadb": "UPDATE t SET c = c + INTERVAL 1 MICROSECOND WHERE id = 15",
    "sqlite": "UPDATE t SET c = '2026-11-24 09:30:00.250001' WHERE id = 15",
}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_nothing_is_found_in_a_copy_and_all_that_is_planted(pipe, source, target):
    p = pipe(source, target, "t")
    p.source(DDL[source].replace(":", "\\:"))
    p.target(DDL[target])
    p.source(*(row(source, n, **values).replace(":", "\\:") for n, values in ROWS.items()))
    p.start()
    p.source(*(row(source, n) for n in (20, 30, 40)), "UPDATE t SET b = 2.5 WHERE id = 40")
    clean = verify(p.stream)
    assert clean.outcome is Outcome.EQUAL, clean.to_json()
    assert clean.tables[0].source_rows == clean.tables[0].target_rows == 18
    p.target(*(statement for statement, _ in PLANTED.values()), MICROSECOND[target])
    p.target("DELETE FROM t WHERE id = 20", "DELETE FROM t WHERE id = 40")
    p.target(row(target, 41), row(target, -1))
    found = verify(p.stream, options=Options(range_rows=7)).tables[0]
    assert {d.key: d.columns for d in found.differences if d.kind is Lack.DIFFERENT} == {
        **{key: columns for key, (_, columns) in PLANTED.items()}, (15,): ("c",),
    }  # fmt: skip
    assert {d.key for d in found.differences if d.kind is Lack.MISSING} == {(20,), (40,)}
    assert {d.key for d in found.differences if d.kind is Lack.EXTRA} == {(41,), (-1,)}
    assert (found.different, found.missing, found.extra) == (12, 2, 2)
    assert all(d.source is None for d in found.differences), "values are shown when asked only"


TEXT_KEYS = {
    "postgres": "CREATE TABLE k (a text, b int, v text, PRIMARY KEY (a, b))",
    "mariadb": (
        "CREATE TABLE k (a varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, b int, v text,"
        " PRIMARY KEY (a, b))"
    ),
    "sqlite": "CREATE TABLE k (a text, b integer, v text, PRIMARY KEY (a, b))",
}


@pytest.mark.parametrize(("source", "target"), PAIRS[:4])
def test_text_keys_are_compared_by_their_bytes(pipe, source, target):
    p = pipe(source, target, "k")
    p.source(TEXT_KEYS[source])
    p.target(TEXT_KEYS[target])
    keys = ["a", "A", "\u00e9", "e\u0301", "ä", "z", "0", "_", "a-b", "ab", "😀", "|:", ""]
    for number, key in enumerate(keys):
        p.source("INSERT INTO k VALUES (:a, :b, 'v')", a=key, b=number % 2)
    p.start()
    clean = verify(p.stream)
    assert clean.outcome is Outcome.EQUAL, clean.to_json()
    assert clean.tables[0].source_rows == len(keys)
    p.target("UPDATE k SET a = 'b' WHERE a = 'a'", "UPDATE k SET v = 'V' WHERE a = 'A'")
    found = verify(p.stream).tables[0]
    assert {(d.kind, d.key) for d in found.differences} == {
        (Lack.MISSING, ("a", 0)), (Lack.EXTRA, ("b", 0)), (Lack.DIFFERENT, ("A", 1)),
    }  # fmt: skip


def doubled(row):
    """The conversion of the test below."""
    return {**row, "v": f"{row['v']}{row['v']}"}


def test_columns_that_are_left_out_renamed_or_converted(pipe):
    tables = (
        TableSync("m", "people", exclude=("secret",), mask={"mail": Mask("hidden")},
                  columns={"name": "full_name"}),
        TableSync("c", "c", convert=f"{__name__}:doubled"),
    )  # fmt: skip
    p = pipe("postgres", "postgres", *tables)
    p.source(
        "CREATE TABLE m (id int PRIMARY KEY, name text, mail text, secret text)",
        "CREATE TABLE c (id int PRIMARY KEY, v text)",
        "INSERT INTO m VALUES (1, 'Ann', 'a@example.org', 's')",
        "INSERT INTO c SELECT i, 'x' FROM generate_series(1, 30) i",
    )
    p.target(
        "CREATE TABLE people (id int PRIMARY KEY, full_name text, mail text, note text)",
        "CREATE TABLE c (id int PRIMARY KEY, v text)",
    )
    p.start()
    clean = verify(p.stream)
    assert clean.outcome is Outcome.EQUAL, clean.to_json()
    people, converted = clean.tables
    assert dict(people.left_out) == {
        "mail": "it is masked on its way", "secret": "it does not leave the source",
        "note": "only the target has it",
    }  # fmt: skip
    assert "doubled" in converted.how
    p.target(
        "UPDATE people SET full_name = 'Anne'", "UPDATE c SET v = 'x' WHERE id = 3",
        "DELETE FROM c WHERE id = 30", "INSERT INTO c VALUES (31, 'yy')",
    )  # fmt: skip
    people, converted = verify(p.stream, options=Options(show_values=True)).tables
    [difference] = people.differences
    assert (difference.columns, difference.source, difference.target) == (
        ("name",), {"name": "Ann"}, {"name": "Anne"},
    )  # fmt: skip
    assert {(d.kind, d.key) for d in converted.differences} == {
        (Lack.DIFFERENT, (3,)), (Lack.MISSING, (30,)), (Lack.EXTRA, (31,)),
    }  # fmt: skip


@pytest.mark.parametrize(("source", "target"), [("json", "jsonb"), ("jsonb", "json")])
def test_json_whose_keys_stand_in_another_order(pipe, source, target):
    p = pipe("postgres", "postgres", "j")
    p.source(f"CREATE TABLE j (id int PRIMARY KEY, v {source})")
    p.target(f"CREATE TABLE j (id int PRIMARY KEY, v {target})")
    p.source(
        """INSERT INTO j VALUES (1, '{"bb"\\:1, "a"\\:[1.50, null]}'), (2, NULL), (3, 'null')"""
    )
    p.start()
    assert verify(p.stream).outcome is Outcome.EQUAL
    p.target("""UPDATE j SET v = '{"bb"\\:1, "a"\\:[1.51, null]}' WHERE id = 1""",
             "UPDATE j SET v = NULL WHERE id = 3")  # fmt: skip
    assert {d.key for d in verify(p.stream).tables[0].differences} == {(1,), (3,)}


def test_json_of_different_databases_is_compared_in_python(pipe):
    p = pipe("mariadb", "postgres", "j")
    p.source("CREATE TABLE j (id int PRIMARY KEY, v json)")
    p.target("CREATE TABLE j (id int PRIMARY KEY, v jsonb)")
    p.source("""INSERT INTO j VALUES (1, '{"bb"\\:1,"a"\\:[1.50]}'), (2, '[]')""")
    p.start()
    report = verify(p.stream)
    assert report.outcome is Outcome.EQUAL, report.to_json()
    assert "JSON" in report.tables[0].how
    p.target("UPDATE j SET v = '{}' WHERE id = 2")
    assert {d.key for d in verify(p.stream).tables[0].differences} == {(2,)}
