"""Tables that change under a reader that is behind: each row is read as it was when it was written.

The log names columns, labels and character sets with each table (`binlog_row_metadata`), so that
what the catalogue says by now does not matter.
"""

import pytest

from tests.integration.cdc.mysql.reading import transactions

CHANGES = {
    "enum": (
        "ENUM('a','b','c')",
        [("'b'", "b"), ("ENUM('c','b','a','d')", None), ("'a'", "a"), ("'d'", "d"),
         ("ENUM('d','a','b','c')", None), ("'c'", "c")],
    ),
    "set": (
        "SET('a','b')",
        [("'a,b'", "a,b"), ("SET('a','z','b')", None), ("'z,b'", "z,b")],
    ),
    "unsigned": (
        "SMALLINT",
        [("-5", -5), ("INT", None), ("70000", 70_000), ("BIGINT", None), ("-1", -1),
         ("VARCHAR(30)", None), ("'word'", "word")],
    ),
    "signs": (
        "INT UNSIGNED",
        [("4294967295", 4_294_967_295), ("BIGINT UNSIGNED", None),
         ("18446744073709551615", 2**64 - 1)],
    ),
    "charset": (
        "VARCHAR(20) CHARACTER SET latin1",
        [("'é'", "é"), ("VARCHAR(20) CHARACTER SET utf8mb4", None), ("'😀'", "😀"),
         ("VARBINARY(80)", None), ("x'00ff'", "AP8=")],
    ),
    "time": (
        "DATETIME",
        [("'2026-11-24 09:30:00'", "2026-11-24 09:30:00"), ("DATETIME(6)", None),
         ("'2026-11-24 09:30:00.000001'", "2026-11-24 09:30:00.000001"), ("DATE", None),
         ("'2026-11-24'", "2026-11-24")],
    ),
    "bits": ("BIT(3)", [("b'101'", "101"), ("BIT(9)", None), ("b'1'", "000000001")]),
}  # fmt: skip


@pytest.mark.parametrize("of", CHANGES)
def test_a_reader_that_comes_late_reads_rows_as_they_were(case, of):
    declared, steps = CHANGES[of]
    case.run(f"CREATE TABLE t (id INT PRIMARY KEY, v {declared})")
    resume = case.source.start(None)
    wanted = []
    for number, (given, value) in enumerate(steps):
        if value is None:
            case.run(f"ALTER TABLE t MODIFY v {given}")
        else:
            case.run("SET sql_mode = ''", f"INSERT INTO t VALUES ({number}, {given})")
            wanted.append(value)
    case.run("ALTER TABLE t RENAME COLUMN v TO w, ADD COLUMN v TEXT FIRST")
    assert [change.after[1] for change in case.changes(len(wanted))] == wanted
    case.again(resume)  # with the catalogue of today
    found = transactions(case.commits(len(wanted)))
    assert [changes[0].after[1] for _, changes, _ in found] == wanted
    names = {tuple(c.name for c in changes[0].relation.columns) for _, changes, _ in found}
    assert names == {("id", "v")}
