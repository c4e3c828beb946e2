"""What a column of the log is called, and of which kind it is."""

from __future__ import annotations

from pymysqlreplication.constants import FIELD_TYPE as F

from cdc.change import Kind
from cdc.sources.mysql.charsets import BINARY, Charsets
from cdc.sources.mysql.fields import Field
from cdc.sources.mysql.values import charset_of, labels

_INTEGERS = {
    F.TINY: "tinyint", F.SHORT: "smallint", F.INT24: "mediumint", F.LONG: "int",
    F.LONGLONG: "bigint",
}  # fmt: skip
_TEMPORAL = {
    F.TIME2: (Kind.TIME, "time"), F.DATETIME2: (Kind.TIMESTAMP, "datetime"),
    F.TIMESTAMP2: (Kind.TIMESTAMPTZ, "timestamp"), F.TIME: (Kind.TIME, "time"),
    F.DATETIME: (Kind.TIMESTAMP, "datetime"), F.TIMESTAMP: (Kind.TIMESTAMPTZ, "timestamp"),
}  # fmt: skip
_PLAIN = {
    F.YEAR: (Kind.INTEGER, "year"), F.DATE: (Kind.DATE, "date"), F.NEWDATE: (Kind.DATE, "date"),
    F.GEOMETRY: (Kind.BINARY, "geometry"), F.JSON: (Kind.JSON, "json"),
    F.FLOAT: (Kind.FLOAT, "float"), F.DOUBLE: (Kind.FLOAT, "double"),
}  # fmt: skip
_SIZES = {1: "tiny", 2: "", 3: "medium", 4: "long"}


def describe(field: Field, charsets: Charsets) -> tuple[Kind, str]:
    """Kind and type of a column whose values can be read."""
    kind, meta = field.type, field.meta
    if field.native:
        return (Kind.UUID if field.native == "uuid" else Kind.OTHER), field.native
    sign = " unsigned" if field.unsigned else ""
    if kind in _INTEGERS:
        return Kind.INTEGER, _INTEGERS[kind] + sign
    if kind in _TEMPORAL:
        what, name = _TEMPORAL[kind]
        return what, f"{name}({meta})" if meta else name
    if kind in _PLAIN:
        what, name = _PLAIN[kind]
        return what, name + sign
    if kind == F.NEWDECIMAL:
        return Kind.DECIMAL, f"decimal({meta >> 8},{meta & 0xFF}){sign}"
    if kind == F.BIT:
        return Kind.OTHER, f"bit({meta})"
    if kind in {F.ENUM, F.SET}:
        quoted = ",".join("'" + label.replace("'", "''") + "'" for label in labels(field, charsets))
        return Kind.OTHER, f"{'enum' if kind == F.ENUM else 'set'}({quoted})"
    return _string(field, charsets)


def _string(field: Field, charsets: Charsets) -> tuple[Kind, str]:
    binary = charset_of(field, charsets) == BINARY
    what = Kind.BINARY if binary else Kind.TEXT
    if field.type == F.BLOB:
        return what, _SIZES[field.meta] + ("blob" if binary else "text")
    size = field.meta // charsets[field.charset][1]
    base = "binary" if binary else "char"
    return what, f"{base}({size})" if field.type == F.STRING else f"var{base}({size})"
