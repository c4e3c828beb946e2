"""Every type: the value in the log, the same in a chunk, and the kind the same in both."""

import base64
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass

import pytest
from support.mariadb import fresh
from support.shared import a_name

from cdc.change import Change, Relation
from cdc.relay.ports import Chunk
from cdc.sources.mysql import MysqlControl
from tests.integration.cdc.mysql.reading import Case


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


NUMBERS = {
    "TINYINT": ("integer", {"-128": -128, "127": 127, "NULL": None}),
    "TINYINT(1)": ("integer", {"1": 1, "0": 0, "2": 2}),
    "TINYINT UNSIGNED": ("integer", {"255": 255, "0": 0}),
    "SMALLINT": ("integer", {"-32768": -32768, "32767": 32767}),
    "SMALLINT UNSIGNED": ("integer", {"65535": 65535}),
    "MEDIUMINT": ("integer", {"-8388608": -8388608, "8388607": 8388607}),
    "MEDIUMINT UNSIGNED": ("integer", {"16777215": 16777215}),
    "INT": ("integer", {"-2147483648": -2147483648, "2147483647": 2147483647}),
    "INT UNSIGNED": ("integer", {"4294967295": 4294967295}),
    "INT(8) UNSIGNED ZEROFILL": ("integer", {"42": 42}),
    "BIGINT": ("integer", {"-9223372036854775808": -(2**63), "9223372036854775807": 2**63 - 1}),
    "BIGINT UNSIGNED": ("integer", {"18446744073709551615": 2**64 - 1}),
    "YEAR": ("integer", {"1901": 1901, "2155": 2155, "0000": 0}),
    "FLOAT": ("float", {"0.1": 0.1, "-3.4e38": -3.4e38, "1e-30": 1e-30, "16777216": 16777216.0}),
    "FLOAT(10,2)": ("float", {"1234.57": 1234.57}),
    "DOUBLE": ("float", {"0.1": 0.1, "1.7976931348623157e308": 1.7976931348623157e308,
                         "-2.2250738585072014e-308": -2.2250738585072014e-308,
                         "0.30000000000000004": 0.30000000000000004}),
    "DOUBLE(12,3)": ("float", {"123456789.125": 123456789.125}),
    "DECIMAL(10,2)": ("decimal", {"0.1": "0.10", "-99999999.99": "-99999999.99", "0": "0.00",
                                  "-0.01": "-0.01"}),
    "DECIMAL(65,30)": ("decimal", {"1.5": "1.5" + "0" * 29, "-" + "9" * 35 + "." + "9" * 30:
                                   "-" + "9" * 35 + "." + "9" * 30}),
    "DECIMAL(18,9)": ("decimal", {"123456789.000000001": "123456789.000000001"}),
    "DECIMAL(5,5)": ("decimal", {"0.00001": "0.00001", "-0.5": "-0.50000"}),
    "DECIMAL(20,0)": ("decimal", {"12345678901234567890": "12345678901234567890"}),
    "DECIMAL(10,3) ZEROFILL": ("decimal", {"0.1": "0.100", "12": "12.000"}),
    "BIT(1)": ("other", {"b'1'": "1", "b'0'": "0"}),
    "BIT(10)": ("other", {"b'1000000001'": "1000000001", "b'101'": "0000000101"}),
    "BIT(64)": ("other", {"b'" + "1" * 64 + "'": "1" * 64}),
}  # fmt: skip
TIMES = {
    "DATE": ("date", {"'2026-11-24'": "2026-11-24", "'0000-00-00'": "0000-00-00",
                      "'2026-00-15'": "2026-00-15", "'9999-12-31'": "9999-12-31",
                      "'1000-01-00'": "1000-01-00", "'2026-02-31'": "2026-02-31"}),
    "TIME": ("time", {"'-838:59:59'": "-838:59:59", "'838:59:59'": "838:59:59",
                      "'00:00:05'": "00:00:05", "'-00:00:01'": "-00:00:01"}),
    "TIME(1)": ("time", {"'-12:34:56.7'": "-12:34:56.7"}),
    "TIME(3)": ("time", {"'-838:59:59.001'": "-838:59:59.001", "'-00:00:00.5'": "-00:00:00.5"}),
    "TIME(6)": ("time", {"'838:59:59.999999'": "838:59:59.999999",
                         "'-00:00:00.000001'": "-00:00:00.000001", "'01:02:03': ": "x"}),
    "DATETIME": ("timestamp", {"'2026-11-24 09:30:00'": "2026-11-24 09:30:00",
                               "'0000-00-00 00:00:00'": "0000-00-00 00:00:00",
                               "'2026-00-15 01:02:03'": "2026-00-15 01:02:03"}),
    "DATETIME(2)": ("timestamp", {"'2026-11-24 09:30:00.25'": "2026-11-24 09:30:00.25"}),
    "DATETIME(4)": ("timestamp", {"'9999-12-31 23:59:59.9999'": "9999-12-31 23:59:59.9999"}),
    "DATETIME(6)": ("timestamp", {"'1000-01-01 00:00:00.000001'": "1000-01-01 00:00:00.000001",
                                  "'2026-11-24 09:30:00.250000'": "2026-11-24 09:30:00.25"}),
    "TIMESTAMP NULL": ("timestamptz", {"'2026-11-24 09:30:00'": "2026-11-24 09:30:00+00",
                                       "'0000-00-00 00:00:00'": "0000-00-00 00:00:00+00",
                                       "'2038-01-19 03:14:07'": "2038-01-19 03:14:07+00",
                                       "NULL": None}),
    "TIMESTAMP(6) NULL": ("timestamptz",
                          {"'1970-01-01 00:00:01.5'": "1970-01-01 00:00:01.5+00"}),
}  # fmt: skip
del TIMES["TIME(6)"][1]["'01:02:03': "]
TEXTS = {
    "CHAR(10)": ("text", {"'a'": "a", "''": "", "' x  '": " x", "'ü€𝄞'": "ü€𝄞"}),
    "VARCHAR(300)": ("text", {"REPEAT('é', 300)": "é" * 300, "'x  '": "x  "}),
    "VARCHAR(50) CHARACTER SET latin1": ("text", {"'é€'": "é€", "x'81'": "\x81"}),
    "VARCHAR(50) CHARACTER SET utf8mb3": ("text", {"'ü€'": "ü€"}),
    "VARCHAR(50) CHARACTER SET utf16": ("text", {"'ü𝄞'": "ü𝄞"}),
    "VARCHAR(50) CHARACTER SET sjis": ("text", {"'日本'": "日本"}),
    "CHAR(5) CHARACTER SET ascii": ("text", {"'abc'": "abc"}),
    "VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci": ("text", {"'ä'": "ä"}),
    "TINYTEXT": ("text", {"'t'": "t", "''": ""}),
    "TEXT": ("text", {"'line\\nü'": "line\nü"}),
    "MEDIUMTEXT": ("text", {"REPEAT('m', 70000)": "m" * 70000}),
    "LONGTEXT CHARACTER SET latin1": ("text", {"'é'": "é"}),
    "JSON": ("text", {"""'{"b": [1, 2.50], "a": null}'""": '{"b": [1, 2.50], "a": null}'}),
    "BINARY(4)": ("binary", {"x'DEAD'": b64(b"\xde\xad\0\0"), "x'00'": b64(b"\0" * 4)}),
    "VARBINARY(300)": ("binary", {"x'DE00'": b64(b"\xde\0"), "''": ""}),
    "BLOB": ("binary", {"x'DEADBEEF'": b64(b"\xde\xad\xbe\xef"), "x'2020'": b64(b"  ")}),
    "LONGBLOB": ("binary", {"x'FF'": b64(b"\xff")}),
    "ENUM('small','größe','it''s','a,b')": ("other", {"'größe'": "größe", "'it''s'": "it's",
                                                      "'nothing'": ""}),
    "ENUM('ä','ö') CHARACTER SET latin1": ("other", {"'ö'": "ö"}),
    "SET('a','b','ü','d','e','f','g','h','i')": ("other", {"'a,ü,i'": "a,ü,i", "''": ""}),
    "POINT": ("binary", {"ST_GeomFromText('POINT(1 2)', 4326)":
                         b64(bytes.fromhex("e6100000" "0101000000" "000000000000f03f"
                                           "0000000000000040"))}),
    "UUID": ("uuid", {f"'{v}'": v for v in (
        "123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
        "01890a5d-ac96-774b-bcce-b302099a8057", "f47ac10b-58cc-4372-a567-0e02b2c3d400")}),
    "INET6": ("other", {f"'{v}'": v for v in (
        "::", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1", "::1.2.3.4", "::1:0:0",
        "fe80::1:0:0:1", "1:0:0:2::3", "::12", "ff00::")}),
    "INET4": ("other", {"'10.0.0.1'": "10.0.0.1", "'0.0.0.0'": "0.0.0.0"}),
    "BINARY(16)": ("binary", {"x'01'": b64(b"\1" + bytes(15))}),
    "GEOMETRY": ("binary", {"NULL": None}),
}  # fmt: skip


COLUMNS = {**NUMBERS, **TIMES, **TEXTS}


@dataclass(frozen=True)
class Read:
    """What was read of one table."""

    changes: list[Change]
    relation: Relation
    chunk: Chunk
    again: Chunk


@pytest.fixture(scope="module")
def read(server, tmp_path_factory) -> dict[str, Read]:
    """A table for each type, all of them written to and read by one source: a second each saved."""
    name, tables = a_name("types"), {f"t{n}": column for n, column in enumerate(COLUMNS)}
    fresh(server, name)
    logged = defaultdict(list)
    with (
        Case(server, name, tmp_path_factory.mktemp("types"), *tables) as case,
        closing(MysqlControl(case.stream)) as control,
    ):
        case.run(*(f"CREATE TABLE {t} (id INT PRIMARY KEY, v {c})" for t, c in tables.items()))
        case.source.start(None)
        inserts = [
            f"INSERT INTO {table} VALUES ({number}, {literal})"
            for table, column in tables.items()
            for number, literal in enumerate(COLUMNS[column][1])
        ]
        case.run("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'", *inserts)
        for change in case.changes(len(inserts)):
            logged[change.relation.table].append(change)
        found = {}
        for table, column in tables.items():
            relation = control.relation(table)
            keys = [(number,) for number in range(len(COLUMNS[column][1]))]
            chunk, again = control.chunk(relation, None, 100), control.rows(relation, keys)
            found[column] = Read(logged[table], relation, chunk, again)
    return found


ALL = {**NUMBERS, **TIMES, **TEXTS}
TABLES = {column: f"t{number}" for number, column in enumerate(ALL)}


@pytest.fixture(scope="module")
def logged(server, tmp_path_factory):
    """A stream's control, and what its log said of each table; one source reads all types."""
    fresh(server, "types")
    with Case(server, "types", tmp_path_factory.mktemp("types"), *TABLES.values(), "last") as case:
        with server.connect("types") as session, session.cursor() as cursor:
            run(cursor, "CREATE TABLE last (id INT PRIMARY KEY)")
            for column, table in TABLES.items():
                run(cursor, f"CREATE TABLE {table} (id INT PRIMARY KEY, v {column})")
            case.source.start(None)
            run(cursor, "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
            for column, table in TABLES.items():
                for number, literal in enumerate(ALL[column][1]):
                    run(cursor, f"INSERT INTO {table} VALUES ({number}, {literal})")
            run(cursor, "INSERT INTO last VALUES (0)")
        changes = {table: [] for table in (*TABLES.values(), "last")}
        for event in case.until(lambda es: any(is_last(event) for event in es)):
            if type(event) is Change:
                changes[event.relation.table].append(event)
        control = MysqlControl(case.stream)
        try:
            yield control, changes
        finally:
            control.close()


def run(cursor, statement):
    """Execute it, and name it where it fails: what it belongs to is one of many types."""
    try:
        cursor.execute(statement)
    except Exception as error:
        error.add_note(statement)
        raise


def is_last(event):
    return type(event) is Change and event.relation.table == "last"


@pytest.mark.parametrize("column", ALL)
def test_a_value_is_the_same_in_the_log_and_in_a_chunk(logged, column):
    (kind, values), table = ALL[column], TABLES[column]
    control, changes = logged[0], logged[1][table]
    assert [change.after[1] for change in changes] == list(values.values())
    relation = control.relation(table)
    chunk = control.chunk(relation, None, 100)
    again = control.rows(relation, [(i,) for i in range(len(values))])
    assert [row[1] for row in chunk.rows] == list(values.values())
    assert sorted(again.rows) == sorted(chunk.rows)
    assert (changes[0].relation.columns[1].kind, relation.columns[1].kind) == (kind, kind)
