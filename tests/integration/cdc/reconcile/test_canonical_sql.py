"""Each database writes the canonical texts that Python writes for the same values."""

import random
import struct

import psycopg
import pytest
from sqlalchemy import text
from support.shared import a_name

from cdc.change import Column, Kind, Relation
from cdc.config.model import Stream, TableSync, Topics
from cdc.reconcile.canonical import canonical, line, short_hash
from cdc.reconcile.dialects import open_session
from cdc.reconcile.dialects.base import Selected
from cdc.reconcile.forms import Form
from cdc.reconcile.sides import SqlSide
from cdc.sources import open_control
from tests.integration.cdc.reconcile.pipes import engine_of

FORMS = {
    Kind.BOOLEAN: [Form.INTEGER, Form.DECIMAL, Form.NUMBER],
    Kind.INTEGER: [Form.INTEGER, Form.DECIMAL, Form.NUMBER],
    Kind.DECIMAL: [Form.DECIMAL, Form.NUMBER],
    Kind.FLOAT: [Form.NUMBER, Form.SINGLE],
    Kind.TEXT: [Form.TEXT, Form.PADDED, Form.DIGEST],
    Kind.BINARY: [Form.BYTES, Form.HEX],
    Kind.DATE: [Form.MOMENT],
    Kind.TIME: [Form.MOMENT],
    Kind.TIMESTAMP: [Form.MOMENT],
    Kind.TIMESTAMPTZ: [Form.MOMENT],
    Kind.UUID: [Form.UUID],
    Kind.OTHER: [Form.TEXT],
    Kind.INTERVAL: [Form.TEXT],
    Kind.JSON: [Form.TEXT],
}
TEXTS = ["", "NULL", " ", "a ", "a", "A", "|", ":", "0:", "é", "e\u0301", "😀", "x\ty\nz", "%s%%"]
_RANDOM = random.Random(8)
DOUBLES = [
    0.0,
    -0.0,
    0.1,
    1e20,
    1e-7,
    1.5,
    -2.5,
    1e300,
    5e-324,
    123456789.125,
    1e15,
    1e16,
    2**53,
] + [struct.unpack("<d", _RANDOM.randbytes(8))[0] for _ in range(300)]
DOUBLES = [number for number in DOUBLES if abs(number) < 1e305]
SINGLES = [0.1, 1e20, 16777216.0, 3.4e38, 1e-30] + [
    struct.unpack("<f", struct.pack("<f", _RANDOM.uniform(-1e6, 1e6)))[0] for _ in range(300)
]

POSTGRES = {
    "boolean": [True, False],
    "smallint": [0, -1, 32767],
    "bigint": [0, 9223372036854775807, -5],
    "numeric": ["1.50", "1.5", "0", "0.00", "-0.10", "100", "1e30", "NaN", "Infinity"],
    "numeric(10,2)": ["1.50", "100.00", "0"],
    "double precision": [*DOUBLES, "NaN", "-Infinity"],
    "real": SINGLES,
    "text": TEXTS,
    "char(5)": ["a", "ab   ", ""],
    "varchar(30)": TEXTS,
    "bytea": [b"", b"\x00|:", b"\xff"],
    "date": ["2026-11-24", "0044-03-15 BC", "infinity"],
    "time": ["24:00:00", "09:30:00.000001", "09:30:00.10"],
    "timestamp": ["2026-11-24 09:30:00.25", "infinity", "2026-11-24 00:00:00"],
    "timestamptz": ["2026-11-24 09:30:00.250000+02", "-infinity", "0044-03-15 12:00:00+00 BC"],
    "uuid": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "json": ['{"b":1, "a":2}'],
    "jsonb": ['{"b":1, "a":2}'],
    "int[]": ["{1,NULL,3}"],
    "interval": ["1 year 2 days 03:04:05.678"],
    "bit(5)": ["00101"],
}
MARIADB = {
    "tinyint(1)": [0, 1],
    "bigint": [0, 9223372036854775807, -5],
    "bigint unsigned": [18446744073709551615],
    "int(8) zerofill": [0, 42],
    "year": [2026],
    "decimal(20,4)": ["1.5", "100", "0", "-0.1"],
    "decimal(10,2) zerofill": ["1.5", "100"],
    "double": DOUBLES,
    "float": SINGLES,
    "varchar(30)": TEXTS,
    "varchar(30) character set latin1": ["é", "a", "NULL"],
    "longtext": TEXTS,
    "char(5)": ["a", "ab"],
    "varbinary(10)": [b"", b"\x00|:", b"\xff"],
    "binary(4)": [b"ab"],
    "longblob": [b"", b"\x00"],
    "date": ["2026-11-24", "0000-00-00"],
    "time(6)": ["09:30:00.100000", "-838:59:59"],
    "time": ["10:20:30"],
    "datetime(6)": ["2026-11-24 09:30:00.250000", "2026-11-24 00:00:00", "0000-00-00 00:00:00"],
    "datetime": ["2026-11-24 09:30:10"],
    "timestamp(3) null": ["2026-11-24 09:30:00.250"],
    "enum('a','B')": ["a", "B"],
    "set('a','b')": ["a,b", ""],
    "bit(5)": [5],
    "json": ['{"b":1, "a":2}'],
}
SQLITE = {
    "bool": [0, 1, 7],
    "integer": [0, 9223372036854775807, "no number", 1.5],
    "numeric(10,2)": ["1.50", "100", "0.1", "-0.0"],
    "real": [0.1, 1e20, -0.0, 5e-324],
    "text": TEXTS,
    "blob": [b"", b"\x00|:"],
    "datetime": ["2026-11-24 09:30:00.250000", "2026-11-24T09:30:00"],
    "date": ["2026-11-24"],
    "uuid": ["a0eebc999c0b4ef8bb6d6bb9bd380a11"],
}
ONLY = {
    ("postgres", "char(5)"): [Form.PADDED],  # a cast to text loses the blanks
    ("mariadb", "float"): [Form.SINGLE],  # there is no shortest text of four bytes
}
CASES = [
    *(("postgres", of, values) for of, values in POSTGRES.items()),
    *(("mariadb", of, values) for of, values in MARIADB.items()),
    *(("sqlite", of, values) for of, values in SQLITE.items()),
]


@pytest.mark.parametrize(("kind", "of", "values"), CASES, ids=lambda value: str(value)[:30])
def test_sql_writes_what_python_writes(database, kind, of, values):
    url = database(kind)
    engine = engine_of(url)
    with engine.begin() as connection:
        if kind == "mariadb":
            connection.execute(text("SET sql_mode = ''"))
        connection.execute(text(f"CREATE TABLE t (id int PRIMARY KEY, v {of})".replace(":", "\\:")))
        for number, value in enumerate([*values, None]):
            cast = f"CAST(:value AS {of})" if kind == "postgres" else ":value"
            connection.execute(
                text(f"INSERT INTO t VALUES (:id, {cast})"), {"id": number, "value": value}
            )
    engine.dispose()
    control = open_control(Stream("s", url, (TableSync("t", "t"),), Topics("s")))
    try:
        relation = control.relation("t")
        rows = control.chunk(relation, None, 10_000).rows
    finally:
        control.close()
    number, column = relation.columns
    dialect, session = open_session(url, 60)
    try:
        for form in ONLY.get((kind, of), FORMS[column.kind]):
            fields = ((number, Form.INTEGER), (column, form))
            side = SqlSide(dialect, session, session, Selected(relation, fields[:1], fields))
            found = side.values([(str(row[0]),) for row in rows])
            written = {row[0]: canonical(form, row[1]) for row in rows}
            assert {int(key[0]): texts[1] for key, texts in found.items()} == written, form
    finally:
        session.close()


@pytest.mark.parametrize("form", [Form.TEXT, Form.DIGEST])
def test_the_hash_of_a_row_does_not_depend_on_the_database_s_encoding(cluster, form):
    url = cluster.create(a_name("latin"), "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        connection.execute("INSERT INTO t VALUES (1, 'caf\u00e9')")
    columns = Column("id", Kind.INTEGER, "int", key=True), Column("v", Kind.TEXT, "text")
    dialect, session = open_session(url, 60)
    try:
        fields = ((columns[0], Form.INTEGER), (columns[1], form))
        relation = Relation("t", "public", "t", columns)
        side = SqlSide(dialect, session, session, Selected(relation, fields[:1], fields))
        found = side.look_up([("1",)])[("1",)].hashed
    finally:
        session.close()
    written = line([(Form.INTEGER, "1"), (form, canonical(form, "caf\u00e9"))])
    assert found == short_hash(written)
