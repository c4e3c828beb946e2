"""Tables in chunks: every row once, in the order of the key, whatever the key is."""

import pytest
from conformance.sources.adapters import DIALECTS

from cdc.change import ABSENT
from cdc.config.model import TableSync
from cdc.relay.ports import SourceError

KEYS = {
    "integer": ("id INTEGER PRIMARY KEY", ["-5", "0", "1", "2", "7", "100", "2147483647"]),
    "bigint": ("id BIGINT PRIMARY KEY", ["-9223372036854775808", "0", "9223372036854775807"]),
    "text": (
        "id VARCHAR(50) PRIMARY KEY",
        ["''", "'a'", "'B'", "'ab'", "'é'", "'z'", "'日本'", "'a b'", "'10'", "'9'", "'o''c'"],
    ),
    "date": ("id DATE PRIMARY KEY", ["'2026-01-01'", "'1999-12-31'", "'2026-11-24'"]),
    "decimal": (
        "id DECIMAL(10, 2) PRIMARY KEY", ["0.10", "-3.50", "12345678.99", "2.00", "10.00"],
    ),
    "boolean": ("id BOOLEAN PRIMARY KEY", ["true", "false"]),
}  # fmt: skip
DIALECT_KEYS = {
    "postgresql": {
        "uuid": ("id uuid PRIMARY KEY", [f"'{n:032x}'" for n in (0, 1, 255, 1 << 100)]),
        "timestamptz": (
            "id timestamptz PRIMARY KEY",
            ["'2026-01-01 00:00:00.000001+00'", "'2026-01-01 00:00:00+02'", "'infinity'",
             "'-infinity'", "'0044-03-15 BC'"],
        ),
        "bytea": ("id bytea PRIMARY KEY", [r"'\x'", r"'\x00'", r"'\xff00'", r"'\xff'"]),
        "numeric": ("id numeric PRIMARY KEY", ["'NaN'", "0.1", "1e30", "'Infinity'", "-1"]),
        "interval": ("id interval PRIMARY KEY", ["'1 day'", "'1 month'", "'25 hours'"]),
    },
    "mysql": {
        "datetime": (
            "id DATETIME(6) PRIMARY KEY",
            ["'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00'", "'1999-01-01 10:00:00'"],
        ),
        "unsigned": ("id BIGINT UNSIGNED PRIMARY KEY", ["0", "18446744073709551615", "5"]),
        "binary": ("id VARBINARY(20) PRIMARY KEY", ["x''", "x'00'", "x'ff00'", "x'ff'"]),
    },
    "sqlite": {
        "datetime": ("id DATETIME PRIMARY KEY", ["'2026-01-01 00:00:00.000001'", "'1999-01-01'"]),
        "blob": ("id BLOB PRIMARY KEY", ["x''", "x'00'", "x'ff00'", "x'ff'"]),
        "mixed": ("id PRIMARY KEY", ["1", "2.5", "'1'", "'a'", "-1e300", "9223372036854775807"]),
        "real": ("id REAL PRIMARY KEY", ["0.1", "9e999", "-9e999", "1"]),
        "nocase": ("id TEXT COLLATE NOCASE PRIMARY KEY", ["'a'", "'B'", "'c'", "'Z'"]),
        "without_rowid": ("id TEXT PRIMARY KEY) WITHOUT ROWID --", ["'a'", "'b'", "'c'"]),
    },
}  # fmt: skip


CASES = [
    pytest.param(database, column, values, id=f"{database}-{kind}")
    for database, dialect in DIALECTS.items()
    for kind, (column, values) in {**KEYS, **DIALECT_KEYS[dialect]}.items()
]


def pages(control, relation, limit, where=None):
    """All rows, chunk by chunk, as a snapshot reads them."""
    rows, after = [], None
    while True:
        chunk = control.chunk(relation, after, limit, where)
        assert len(chunk.rows) <= limit
        assert chunk.relation is relation
        rows += chunk.rows
        if len(chunk.rows) < limit:
            return rows
        after = tuple(chunk.rows[-1][index] for index in relation.key)


@pytest.mark.parametrize(("database", "column", "values"), CASES, indirect=["database"])
def test_every_row_once_in_pages_of_any_size(database, column, values):
    if "--" in column:
        database.execute("CREATE TABLE item (v INTEGER, id TEXT PRIMARY KEY) WITHOUT ROWID")
    else:
        database.execute(f"CREATE TABLE item (v INTEGER, {column})")
    for n, value in enumerate(values):
        database.execute(f"INSERT INTO item (v, id) VALUES ({n}, {value})")
    stream = database.stream("item")
    control = database.control(stream)
    relation = control.relation("item")
    whole = pages(control, relation, 1_000)
    assert sorted(row[0] for row in whole) == list(range(len(values)))
    for limit in (1, 2, 3):
        assert pages(control, relation, limit) == whole
    keys = [(row[1],) for row in whole]
    assert sorted(r[0] for r in control.rows(relation, keys).rows) == list(range(len(values)))
    for key in keys:
        (row,) = control.rows(relation, [key]).rows
        assert (row[1],) == key


def test_composite_keys_in_another_order_than_the_columns(database):
    database.execute(
        "CREATE TABLE pair (b INTEGER, v INTEGER, a VARCHAR(20), c INTEGER, PRIMARY KEY (a, c, b))"
    )
    values = ", ".join(
        f"({b}, {n}, '{a}', {c})"
        for n, (a, b, c) in enumerate((a, b, c) for a in "xyz" for b in range(4) for c in range(3))
    )
    database.execute(f"INSERT INTO pair VALUES {values}")
    control = database.control(database.stream("pair"))
    relation = control.relation("pair")
    assert [relation.columns[index].name for index in relation.key] == ["b", "a", "c"]
    whole = pages(control, relation, 100)
    assert sorted(row[1] for row in whole) == list(range(36))
    for limit in (1, 5, 7, 36):
        assert pages(control, relation, limit) == whole
    keys = [tuple(row[index] for index in relation.key) for row in whole[:3]]
    found = control.rows(relation, [*keys, (99, "x", 0)]).rows
    assert sorted(found) == sorted(whole[:3])


def test_a_condition(database):
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, v INTEGER)")
    values = ", ".join(f"({n}, {n % 3})" for n in range(1, 31))
    database.execute(f"INSERT INTO item VALUES {values}")
    control = database.control(database.stream("item"))
    relation = control.relation("item")
    rows = pages(control, relation, 4, "v = 1 OR id = 3")
    assert [row[0] for row in rows] == [1, 3, *range(4, 31, 3)]
    with pytest.raises(SourceError):
        control.chunk(relation, None, 4, "no_such_column = 1")
    assert pages(control, relation, 40)


def test_an_empty_table(database):
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, v INTEGER)")
    control = database.control(database.stream("item"))
    relation = control.relation("item")
    assert list(control.chunk(relation, None, 10).rows) == []
    assert list(control.rows(relation, [(1,)]).rows) == []
    assert list(control.rows(relation, []).rows) == []
    assert control.estimate(relation) >= 0


def test_rows_that_come_and_go_while_pages_are_read(database):
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, v INTEGER)")
    values = ", ".join(f"({n}, 0)" for n in range(0, 100, 2))
    database.execute(f"INSERT INTO item VALUES {values}")
    session = database.session()
    control = database.control(database.stream("item"))
    relation = control.relation("item")
    seen, after = [], None
    for step in range(1, 200, 2):
        rows = control.chunk(relation, after, 5).rows
        seen += [row[0] for row in rows]
        if len(rows) < 5:
            break
        after = (rows[-1][0],)
        session.execute(f"INSERT INTO item VALUES ({step}, 1)")
        session.execute(f"DELETE FROM item WHERE id = {rows[0][0]}")
        session.execute(f"DELETE FROM item WHERE id = {rows[-1][0]}")
    assert seen == sorted(set(seen))
    assert set(range(0, 100, 2)) <= set(seen)


def test_the_estimate_is_about_right(database):
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, v INTEGER)")
    values = ", ".join(f"({n}, 0)" for n in range(1000))
    database.execute(f"INSERT INTO item VALUES {values}")
    if database.dialect == "postgresql":
        database.execute("ANALYZE item")
    if database.dialect == "mysql":
        database.session().rows("ANALYZE TABLE item")
    control = database.control(database.stream("item"))
    assert 500 <= control.estimate(control.relation("item")) <= 2000


def test_a_table_without_a_key_is_refused_with_a_sentence(database):
    database.execute(
        "CREATE TABLE log (at INTEGER, line VARCHAR(100))",
        "CREATE TABLE item (id INTEGER PRIMARY KEY)",
    )
    control = database.control(database.stream("item"))
    with pytest.raises(SourceError, match="log") as raised:
        control.relation("log")
    assert raised.value.temporary is False
    assert "key" in str(raised.value)
    with pytest.raises(SourceError, match="nowhere") as raised:
        control.relation("nowhere")
    assert raised.value.temporary is False


def test_a_key_that_the_stream_names(database):
    database.execute(
        "CREATE TABLE log (at INTEGER NOT NULL, line VARCHAR(100) NOT NULL, v INTEGER)",
        "CREATE UNIQUE INDEX log_key ON log (line, at)",
        "INSERT INTO log VALUES (1, 'b', 0), (1, 'a', 1), (2, 'a', 2)",
    )
    stream = database.stream(TableSync("log", "log", key=("at", "line")))
    control = database.control(stream)
    relation = control.relation("log", ("at", "line"))
    assert [relation.columns[index].name for index in relation.key] == ["at", "line"]
    assert sorted(row[2] for row in pages(control, relation, 2)) == [0, 1, 2]
    with pytest.raises(SourceError, match="nothing") as raised:
        control.relation("log", ("nothing",))
    assert raised.value.temporary is False


def test_no_value_of_a_chunk_is_absent(database):
    database.execute(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)",
        f"INSERT INTO item VALUES (1, '{'long' * 5_000}')",
    )
    control = database.control(database.stream("item"))
    ((id_, value),) = control.chunk(control.relation("item"), None, 10).rows
    assert id_ == 1
    assert value is not ABSENT
    assert value == "long" * 5_000


def test_a_table_that_was_altered_since_is_looked_at_again(database):
    database.execute(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, v INTEGER)", "INSERT INTO item VALUES (1, 10)"
    )
    control = database.control(database.stream("item"))
    relation = control.relation("item")
    assert list(control.chunk(relation, None, 10).rows) == [(1, 10)]
    database.execute("ALTER TABLE item ADD COLUMN more INTEGER DEFAULT 5")
    for read in (
        lambda: control.chunk(relation, None, 10),
        lambda: control.rows(relation, [(1,)]),
    ):
        with pytest.raises(SourceError, match="was altered while") as raised:
            read()
        assert raised.value.temporary is True
    relation = control.relation("item")
    assert list(control.chunk(relation, None, 10).rows) == [(1, 10, 5)]


WIDE = 300_000
WIDTHS = {
    "wide": [WIDE] * 14,
    "narrow, then wide": [5] * 60 + [WIDE] * 14,
    "wide, then narrow": [WIDE] * 14 + [5] * 60,
    "one wider than a chunk": [5, 8 * WIDE, 5],
}


@pytest.mark.parametrize("widths", WIDTHS.values(), ids=WIDTHS)
def test_a_chunk_ends_where_its_rows_are_bytes_enough(database, widths):
    text = "LONGTEXT" if database.dialect == "mysql" else "TEXT"
    database.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, v {text})")
    session = database.session()
    for number, width in enumerate(widths):
        session.execute(f"INSERT INTO item VALUES ({number}, '{'long ' * (width // 5)}')")
    control = database.control(database.stream("item"))
    relation, most = control.relation("item"), 4 * WIDE
    sizes, after, seen = [], None, []
    while True:
        chunk = control.chunk(relation, after, 1_000, None, most)
        assert len(chunk.rows) >= 1
        sizes.append(sum(len(row[1]) for row in chunk.rows[:-1]))
        seen += [row[0] for row in chunk.rows]
        if not chunk.cut:
            break
        after = (chunk.rows[-1][0],)
        # The session is as good as new, for a marker too.
        assert control.mark("suite", "barrier", "{}")
    assert seen == list(range(len(widths)))
    assert max(sizes) < most
    assert len(sizes) > 1
    assert control.chunk(relation, None, 1_000, None, 10**9).cut is False
    assert len(control.rows(relation, [(0,), (1,)]).rows) == 2
