# ruff: noqa: DTZ001, E501 - what comes without a zone is compared without one; one case, one line
"""Every kind of value arrives as it left, or is refused in a sentence; nothing is bent silently."""

import datetime as dt
import itertools
from decimal import Decimal

import pytest
from support.appliers import Bench

NUMBERS = itertools.count()

BIG = 9223372036854775807

COMMON = [
    ("bigint", BIG, BIG),
    ("bigint", -BIG - 1, -BIG - 1),
    ("varchar(100)", "naïve ☃ 🐍 'quoted' \"twice\" \\ % ? {} :x", None),
    ("varchar(100)", "", ""),
    ("varchar(100)", None, None),
    ("text", "x" * 60_000, None),
    ("int", True, 1),
    ("int", False, 0),
]
TYPES = {
    "postgresql": [
        ("boolean", 1, True),
        ("boolean", True, True),
        ("numeric", "123456789012345678901234567890.10", Decimal("123456789012345678901234567890.10")),
        ("numeric", "NaN", "NaN"),
        ("numeric(20,0)", 18446744073709551615, Decimal(18446744073709551615)),
        ("double precision", 0.1, 0.1),
        ("double precision", "-Infinity", float("-inf")),
        ("bytea", "3q2+7w==", b"\xde\xad\xbe\xef"),
        ("bytea", "", b""),
        ("date", "0044-03-15 BC", "0044-03-15 BC"),
        ("date", "infinity", "infinity"),
        ("time", "24:00:00", "24:00:00"),
        ("timestamp", "2026-11-24 09:30:00.25", dt.datetime(2026, 11, 24, 9, 30, 0, 250000)),
        ("timestamp", "294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999"),
        ("timestamptz", "2026-11-20 09:30:00.25+00", "2026-11-20 09:30:00.25+00"),
        ("interval", "P1Y2M3DT4H5M6.789S", "1 year 2 mons 3 days 04:05:06.789"),
        ("jsonb", '{"a": 1}', {"a": 1}),
        ("json", '{"a":  [1, null]}', '{"a":  [1, null]}'),
        ("uuid", "c0ffee00-0000-4000-8000-000000000000", "c0ffee00-0000-4000-8000-000000000000"),
        ("int[]", "{1,NULL,3}", [1, None, 3]),
        ("int4range", "[1,5)", "[1,5)"),
        ("bit(4)", "1010", "1010"),
        ("char(5)", "ab", "ab"),
        ("inet", "::1/128", "::1/128"),
        ("money", "$1,234.50", "$1,234.50"),
    ],
    "mariadb": [
        ("tinyint(1)", True, 1),
        ("bigint unsigned", 18446744073709551615, 18446744073709551615),
        ("decimal(30,2)", "1234567890123456789012345678.10", Decimal("1234567890123456789012345678.10")),
        ("double", 0.1, 0.1),
        ("varbinary(10)", "3q2+7w==", b"\xde\xad\xbe\xef"),
        ("blob", "", b""),
        ("date", "0000-00-00", "0000-00-00"),
        ("datetime(6)", "2026-11-20 09:30:00.25+00", dt.datetime(2026, 11, 20, 9, 30, 0, 250000)),
        ("timestamp(6) NULL", "2026-11-20 09:30:00.25+00", dt.datetime(2026, 11, 20, 9, 30, 0, 250000)),
        ("time", "-838:59:59", dt.timedelta(hours=-838, minutes=-59, seconds=-59)),
        ("json", '{"a": 1}', '{"a": 1}'),
        ("enum('a','b')", "b", "b"),
        ("year", 2026, 2026),
        ("bit(5)", "10101", b"\x15"),
        ("bit(1)", True, b"\x01"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ],
    "sqlite": [
        ("bool", True, 1),
        ("blob", "3q2+7w==", b"\xde\xad\xbe\xef"),
        ("datetime", "2026-11-20 09:30:00.25+00", "2026-11-20 09:30:00.25"),
        ("real", 0.1, 0.1),
        ("real", "-Infinity", float("-inf")),
        ("double precision", "Infinity", float("inf")),
        ("text", "0.10", "0.10"),
    ],
}  # fmt: skip
REFUSED = {
    "postgresql": [
        ("date", "0000-00-00", "v (date) cannot hold a zero date"),
        ("varchar(3)", "abcd", "StringDataRightTruncation"),
        ("int", 9223372036854775807, "v (integer) cannot hold this number"),
        ("int", "0.5", "v (integer) cannot hold"),
        ("text", "a\0b", "v (text) cannot hold a text with a zero byte"),
        ("bytea", "no base64!", "v (bytea) cannot hold"),
        ("int NOT NULL", None, "column v"),
        ("int CHECK (v > 0)", -1, "_v_check"),
        ("jsonb", "{", "v (jsonb) cannot hold"),
    ],
    "mariadb": [
        ("varchar(3)", "abcd", "v (varchar) cannot hold"),
        ("int", 9223372036854775807, "v (int) cannot hold this number"),
        ("date", "0044-03-15 BC", "v (date) cannot hold"),
        ("double", "Infinity", "v (double) cannot hold Infinity"),
        ("bit(5)", "12", "v (bit) cannot hold"),
        ("varbinary(9)", "no base64!", "v (varbinary) cannot hold"),
        ("int NOT NULL", None, "v (int) cannot hold NULL"),
    ],
    "sqlite": [
        ("blob", "no base64!", "v (BLOB) cannot hold"),
        ("int NOT NULL", None, ".v"),
        ("bigint", 18446744073709551615, "v (bigint) cannot hold this number"),
    ],
}


@pytest.fixture
def table(shared_url):
    """Applies one row with one value of a type, into a table of its own; the bench."""
    made = []

    def apply(type_, value):
        name = f"t{next(NUMBERS)}"
        s = Bench(shared_url, f"CREATE TABLE {name} (id int PRIMARY KEY, v {type_})", name)
        made.append(s)
        s.table = name
        s.script.put(name, {"id": 1, "v": value})
        s.step()
        return s

    yield apply
    for bench in made:
        bench.close()


def cases(known):
    return [
        pytest.param(kind, *case, id=f"{kind}-{case[0]}-{str(case[1])[:12]}")
        for kind, of_kind in known.items()
        for case in of_kind
    ]


def held(s):
    return s.sql("SELECT reason FROM strangler_parked WHERE topic = :t", t=f"shop.{s.table}")


@pytest.mark.parametrize(
    ("shared_url", "type_", "value", "expected"),
    cases({kind: COMMON + own for kind, own in TYPES.items()}),
    indirect=["shared_url"],
)
def test_a_value_arrives(table, shared_url, type_, value, expected):
    s = table(type_, value)
    expected = value if expected is None else expected
    text = {"postgresql": "CAST(v AS text)", "mysql": "CAST(v AS char)"}.get(s.engine.name, "v")
    column = text if isinstance(expected, str) else "v"
    assert held(s) == []
    assert s.sql(f"SELECT {column} FROM {s.table}") == [(expected,)]


@pytest.mark.parametrize(
    ("shared_url", "type_", "value", "sentence"), cases(REFUSED), indirect=["shared_url"]
)
def test_a_value_that_has_no_place_is_named_and_not_shown(
    table, shared_url, type_, value, sentence
):
    s = table(type_, value)
    [(reason,)] = held(s)
    assert sentence in reason
    assert value in {None, -1, "Infinity"} or str(value) not in reason
    assert s.sql(f"SELECT * FROM {s.table}") == []
