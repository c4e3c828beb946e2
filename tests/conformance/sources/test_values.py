"""Values: the same from the log and from a chunk, as docs/formats.md says, and writable again."""

import base64
import contextlib
import functools
import re
from collections import defaultdict

import orjson
import psycopg
import pytest
from conformance.sources import types_mariadb, types_postgres, types_sqlite
from conformance.sources.adapters import DIALECTS
from conformance.sources.conftest import make
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
    pytest.param(kind, name, id=f"{kind}-{name}") for kind in DIALECTS for name in MATRIX[kind]
]


class Everything:
    """A table for each type of one database, all of them written to and read by one source."""

    def __init__(self, database, kind) -> None:
        self.dialect, self.session = database.dialect, database.session()
        if self.dialect == "postgresql":
            for statement in types_postgres.SETUP:
                self.session.execute(statement)
        types = {name: declared for name, (declared, _) in MATRIX[kind].items()}
        self.missing = {name: why for name in types if (why := self._missing(types[name]))}
        self.tables = {name: f"item{n}" for n, name in enumerate(types) if name not in self.missing}
        for name, table in self.tables.items():
            for each in (table, copy_of(table)):
                self.session.execute(
                    f"CREATE TABLE {each} (id INTEGER PRIMARY KEY, v {types[name]})"
                )
        stream = database.stream(*self.tables.values())
        reading = Reading(database, stream)
        for name, table in self.tables.items():
            for number, literal in enumerate(MATRIX[kind][name][1]):
                self.session.execute(f"INSERT INTO {table} VALUES ({number}, {literal})")
        self.logged = defaultdict(dict)
        for change in reading.changes():
            if change.op is Op.CREATE:
                self.logged[change.relation.name][change.after[0]] = change
        control = database.control(stream)
        self.relations = {table: control.relation(table) for table in self.tables.values()}
        self.rows = {
            table: dict(control.chunk(relation, None, 1_000).rows)
            for table, relation in self.relations.items()
        }

    def _missing(self, declared) -> str | None:
        """Why this server has no such type."""
        if self.dialect == "postgresql" and declared == "xml":
            try:
                self.session.execute("SELECT '<a/>'::xml")
            except psycopg.errors.FeatureNotSupported:
                return "this server was built without XML"
        if self.dialect == "postgresql" and declared == "hstore":
            if not self.session.rows(HSTORE):
                return "this server has no extension hstore"
            self.session.execute("CREATE EXTENSION hstore")
        return None


HSTORE = "SELECT 1 FROM pg_available_extensions WHERE name = 'hstore'"


@pytest.fixture(scope="module")
def everything(request, tmp_path_factory):
    """Reads every type of a database, once: `everything("mariadb")`."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def read(kind):
            database = stack.enter_context(make(request, kind, tmp_path_factory.mktemp(kind)))
            return Everything(database, kind)

        yield read


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_values(everything, kind, name):
    found, (declared, values) = everything(kind), MATRIX[kind][name]
    if name in found.missing:
        pytest.skip(found.missing[name])
    table = found.tables[name]
    rows, logged, column = found.rows[table], found.logged[table], found.relations[table].columns[1]
    assert {number: change.after[1] for number, change in logged.items()} == rows
    for change in logged.values():
        assert change.relation.columns[1].kind is column.kind
    for number, (literal, expected) in enumerate(values.items()):
        assert_as_expected(literal, rows[number], expected)
        if expected is not DEAD:
            write_back(found, table, declared, column.kind, number, rows[number])
    differing = found.session.rows(DIFFERING[found.dialect].format(item=table, copy=copy_of(table)))
    dead = [n for n, expected in enumerate(values.values()) if expected is DEAD]
    assert [row[0] for row in differing] == dead


def copy_of(table):
    return f"{table}_copy"


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
@pytest.mark.parametrize("declared", types_mariadb.REFUSED)
def test_a_type_that_is_not_read_from_the_log_is_refused_with_a_sentence(database, declared):
    database.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, v {declared})")
    control = database.control(a_stream(database.url, "item"))
    named = re.escape(declared.split()[0].lower())
    with pytest.raises(SourceError, match=f"column v has the type {named}") as raised:
        control.relation("item")
    assert raised.value.temporary is False


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


def write_back(found, table, declared, kind, number, value):
    """As an applier would: the value's JSON form as text, except for numbers and bytes."""
    if kind is Kind.TIMESTAMPTZ and found.dialect == "mysql" and value is not None:
        value = value.removesuffix("+00")
    if declared.startswith("BIT") and found.dialect == "mysql":
        value = int(value, 2)
    if isinstance(value, str) and kind is Kind.BINARY:
        value = base64.b64decode(value)
    elif value is not None and found.dialect == "postgresql":
        value = str(value).lower() if isinstance(value, bool) else str(value)
    elif value in ("Infinity", "-Infinity") and kind is Kind.FLOAT:
        value = float(value)
    found.session.execute(PUT[found.dialect].format(copy=copy_of(table)), (number, value))


PUT = {
    "sqlite": "INSERT INTO {copy} VALUES (?, ?)",
    "postgresql": "INSERT INTO {copy} VALUES (%s, %s)",
    "mysql": "INSERT INTO {copy} VALUES (%s, %s)",
}
DIFFERING = {
    "sqlite": "SELECT id FROM {item} AS item LEFT JOIN {copy} AS copy USING (id)"
    " WHERE item.v IS NOT copy.v OR typeof(item.v) <> typeof(copy.v) ORDER BY id",
    "postgresql": "SELECT id FROM {item} AS item LEFT JOIN {copy} AS copy USING (id)"
    " WHERE item.v::text IS DISTINCT FROM copy.v::text ORDER BY id",
    "mysql": "SELECT id FROM {item} AS item LEFT JOIN {copy} AS copy USING (id)"
    " WHERE NOT (HEX(item.v) <=> HEX(copy.v)) ORDER BY id",
}
