"""Declared types and stored values: which kind, which JSON form, and back."""

import orjson
import pytest

from cdc.change import Kind
from cdc.sources.sqlite.values import kind_of, reader, text, to_raw


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("INTEGER", Kind.INTEGER), ("bigint unsigned", Kind.INTEGER), ("varchar(20)", Kind.TEXT),
        ("", Kind.OTHER), ("bool", Kind.BOOLEAN), ("decimal", Kind.DECIMAL),
        ("NUMERIC(10, 2)", Kind.DECIMAL), ("datetime", Kind.TIMESTAMP), ("date", Kind.DATE),
        ("time", Kind.TIME), ("double precision", Kind.FLOAT), ("VARBINARY(3)", Kind.BINARY),
        ("interval", Kind.OTHER), ("point", Kind.OTHER), ("uuid", Kind.UUID), ("JSON", Kind.JSON),
        ("timestamp with time zone", Kind.TIMESTAMP), ("ANY", Kind.OTHER),
    ],
)  # fmt: skip
def test_kinds(declared, kind):
    assert kind_of(declared) is kind


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Kind.INTEGER, 5), (Kind.INTEGER, 1.5), (Kind.INTEGER, "abc"), (Kind.BINARY, b"\x00\xff"),
        (Kind.BINARY, 7), (Kind.FLOAT, 0.1), (Kind.FLOAT, float("inf")),
        (Kind.FLOAT, float("-inf")), (Kind.TEXT, "ü"), (Kind.OTHER, 2.0), (Kind.BOOLEAN, 1),
        (Kind.BOOLEAN, 2),
    ],
)  # fmt: skip
def test_there_and_back(kind, raw):
    value = reader(kind)(raw)
    orjson.dumps(value)
    assert to_raw(kind, value) == raw


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Kind.TEXT, b"bytes"), (Kind.INTEGER, b""), (Kind.BINARY, "text"), (Kind.BINARY, ""),
        (Kind.OTHER, float("inf")), (Kind.TEXT, text(b"\xff")), (Kind.BINARY, text(b"\xff")),
    ],
)  # fmt: skip
def test_what_has_no_form_cannot_be_written_by_mistake(kind, raw):
    with pytest.raises(TypeError):
        orjson.dumps(reader(kind)(raw))
