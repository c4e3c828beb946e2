"""Values: the same from the log and from a chunk, as docs/formats.md says, and writable again."""

import base64
import re

import orjson
import psycopg
import pytest
from conformance.sources import types_mariadb, types_postgres, types_sqlite
from conformance.sources.adapters import DIALECTS
from conformance.sources.reading import Reading
from conformance.sources.types_sqlite import DEAD
from support.streams import a_stream

from cdc.change import Kind, Op
from cdc.relay.ports import SourceError

MATRIX = {
    "sqlite": types_sqlite.TYPES,
    "postgresql": types_postgres.TYPES | types_postgres.HSTORE,
    "postgresql15": types_postgres.TYPES,
    "postgresql16": types_postgres.TYPES,
    "mariadb": types_mariadb.TYPES,
}
CASES = [
    pytest.param(database, declared, values, id=f"{database}-{name}")
    for database in DIALECTS
    for name, (declared, values) in MATRIX[database].items()
]


@pytest.mark.parametrize(("database", "declared", "values"), CASES, indirect=["database"])
def test_values(database, declared, values):
    set_up(database, declared)
    for table in ("item", "copy"):
        database.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v {declared})")
    stream = database.stream("item")
    reading = Reading(database, stream)
    session = database.session()
    for number, literal in enumerate(values):
        session.execute(f"INSERT INTO item VALUES ({number}, {literal})")
    logged = {change.after[0]: change for change in reading.changes() if change.op is Op.CREATE}
    control = database.control(stream)
    relation = control.relation("item")
    rows = dict(control.chunk(relation, None, 1_000).rows)
    column = relation.columns[1]
    assert {number: change.after[1] for number, change in logged.items()} == rows
    for change in logged.values():
        assert change.relation.columns[1].kind is column.kind
    for number, (literal, expected) in enumerate(values.items()):
        assert_as_expected(literal, rows[number], expected)
        if expected is not DEAD:
            write_back(database, session, declared, column.kind, number, rows[number])
    differing = session.rows(DIFFERING[database.dialect])
    dead = [n for n, expected in enumerate(values.values()) if expected is DEAD]
    assert [row[0] for row in differing] == dead


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
@pytest.mark.parametrize("declared", types_mariadb.REFUSED)
def test_a_type_that_is_not_read_from_the_log_is_refused_with_a_sentence(database, declared):
    database.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, v {declared})")
    control = database.control(a_stream(database.url, "item"))
    named = re.escape(declared.split()[0].lower())
    with pytest.raises(SourceError, match=f"column v has the type {named}") as raised:
        control.relation("item")
    assert raised.value.temporary is False


def set_up(database, declared):
    if database.dialect != "postgresql":
        return
    database.execute(*types_postgres.SETUP)
    if declared == "xml":
        try:
            database.execute("SELECT '<a/>'::xml")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this server was built without XML")
    if declared == "hstore":
        available = database.session().rows(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'hstore'"
        )
        if not available:
            pytest.skip("this server has no extension hstore")
        database.execute("CREATE EXTENSION hstore")


def assert_as_expected(literal, value, expected):
    if expected is DEAD:
        with pytest.raises(TypeError):
            orjson.dumps(value)
        return
    orjson.dumps(value)
    if expected is not ...:
        assert (literal, type(value), value) == (literal, type(expected), expected)
    else:
        assert value is not None


def write_back(database, session, declared, kind, number, value):
    """As an applier would: the value's JSON form as text, except for numbers and bytes."""
    if kind is Kind.TIMESTAMPTZ and database.dialect == "mysql" and value is not None:
        value = value.removesuffix("+00")
    if declared.startswith("BIT") and database.dialect == "mysql":
        value = int(value, 2)
    if isinstance(value, str) and kind is Kind.BINARY:
        value = base64.b64decode(value)
    elif value is not None and database.dialect == "postgresql":
        value = str(value).lower() if isinstance(value, bool) else str(value)
    elif value in ("Infinity", "-Infinity") and kind is Kind.FLOAT:
        value = float(value)
    session.execute(PUT[database.dialect], (number, value))


PUT = {
    "sqlite": "INSERT INTO copy VALUES (?, ?)",
    "postgresql": "INSERT INTO copy VALUES (%s, %s)",
    "mysql": "INSERT INTO copy VALUES (%s, %s)",
}
DIFFERING = {
    "sqlite": "SELECT id FROM item LEFT JOIN copy USING (id) WHERE item.v IS NOT copy.v"
    " OR typeof(item.v) <> typeof(copy.v) ORDER BY id",
    "postgresql": "SELECT id FROM item LEFT JOIN copy USING (id)"
    " WHERE item.v::text IS DISTINCT FROM copy.v::text ORDER BY id",
    "mysql": "SELECT id FROM item LEFT JOIN copy USING (id)"
    " WHERE NOT (HEX(item.v) <=> HEX(copy.v)) ORDER BY id",
}
