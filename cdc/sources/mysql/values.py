"""Values of the binlog's rows, from their bytes to the forms of docs/formats.md.

A reader takes the bytes of an event and a place in them, and gives the value and the place after
it. Readers are made once for each column of a table's shape, so nothing is decided for each row.
"""

from __future__ import annotations

import base64
import ipaddress
import struct
import uuid
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from pymysqlreplication.constants import FIELD_TYPE as F

from cdc.change import Value
from cdc.sources.mysql import jsonb, temporal
from cdc.sources.mysql.charsets import BINARY, CharsetError, Charsets, decoder
from cdc.sources.mysql.fields import Field

Read: TypeAlias = Callable[[bytes, int], tuple[Value, int]]

_INTEGERS = {F.TINY: "b", F.SHORT: "h", F.LONG: "i", F.LONGLONG: "q"}
_DIGITS = 9
"""Decimal digits in each whole word of a DECIMAL."""
_WORD = 4
_BYTES_OF_DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


class ValueTypeError(Exception):
    """A column whose type cannot be read; the message says what to do."""


def reader(field: Field, charsets: Charsets) -> Read:
    """What reads the values of a column. Raises `ValueTypeError` and `CharsetError`."""
    kind = field.type
    if kind in _INTEGERS:
        code = _INTEGERS[kind]
        return _fixed("<" + (code.upper() if field.unsigned else code))
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple(field)
    if field.native:
        return _native(field)
    if kind in {F.VARCHAR, F.VAR_STRING, F.STRING}:
        return _string(field, charsets, 2 if field.meta > 255 else 1)
    if kind == F.BLOB:
        return _string(field, charsets, field.meta)
    if kind == F.ENUM:
        return _enum(field, charsets)
    if kind == F.SET:
        return _set(field, charsets)
    raise ValueTypeError(
        f"column {field.name} has a type that cannot be read from the log (number {kind}: a"
        " compressed column, a vector, or one newer than this program); change its type, or leave"
        " the table out of the stream"
    )


def _fixed(code: str) -> Read:
    unpack, size = struct.Struct(code).unpack_from, struct.calcsize(code)

    def read(data: bytes, at: int) -> tuple[Value, int]:
        return unpack(data, at)[0], at + size

    return read


def _medium(field: Field) -> Read:
    """MEDIUMINT: three bytes, for which struct has no code."""
    signed = not field.unsigned

    def read(data: bytes, at: int) -> tuple[Value, int]:
        return int.from_bytes(data[at : at + 3], "little", signed=signed), at + 3

    return read


def _year(_field: Field) -> Read:
    def read(data: bytes, at: int) -> tuple[Value, int]:
        return data[at] + 1900 if data[at] else 0, at + 1

    return read


def single(data: bytes) -> float:
    """The shortest number that is the same in four bytes: 0.1, not 0.10000000149011612."""
    (value,) = struct.unpack("<f", data)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        # Rounding up may have left the type's range, which pack does not take.
        if abs(short) <= _LARGEST_SINGLE and struct.pack("<f", short) == data:
            return short
    return float(f"{value:.9g}")


_LARGEST_SINGLE = 3.4028234663852886e38


def _float(_field: Field) -> Read:
    def read(data: bytes, at: int) -> tuple[Value, int]:
        return single(data[at : at + 4]), at + 4

    return read


def _decimal(field: Field) -> Read:
    precision, scale = field.meta >> 8, field.meta & 0xFF
    length = sum(size for size, _ in decimal_parts(precision, scale))

    def read(data: bytes, at: int) -> tuple[Value, int]:
        return decimal_text(data[at : at + length], precision, scale), at + length

    return read


@cache
def decimal_parts(precision: int, scale: int) -> list[tuple[int, int]]:
    """The words of a DECIMAL, each with its bytes and its digits.

    Nine digits are four bytes. What is left over stands outermost on both sides of the point.
    """
    words, rest = divmod(precision - scale, _DIGITS)
    parts = [(_BYTES_OF_DIGITS[rest], rest)] * bool(rest) + [(_WORD, _DIGITS)] * words
    words, rest = divmod(scale, _DIGITS)
    return parts + [(_WORD, _DIGITS)] * words + [(_BYTES_OF_DIGITS[rest], rest)] * bool(rest)


def decimal_text(data: bytes, precision: int, scale: int) -> str:
    """A DECIMAL with all its digits; the bytes start with it.

    The sign's bit is inverted so that values sort as bytes; negative ones are complements.
    """
    parts = decimal_parts(precision, scale)
    length = sum(size for size, _ in parts)
    packed = int.from_bytes(data[:length], "big") ^ 1 << 8 * length - 1
    negative = packed >> 8 * length - 1
    raw = (packed ^ (1 << 8 * length) - 1 if negative else packed).to_bytes(length, "big")
    digits, at = "", 0
    for size, width in parts:
        digits += f"{int.from_bytes(raw[at : at + size], 'big'):0{width}d}"
        at += size
    integral = precision - scale
    number = digits[:integral].lstrip("0") or "0"
    return ("-" if negative else "") + number + ("." + digits[integral:] if scale else "")


def _bit(field: Field) -> Read:
    size, width = (field.meta + 7) // 8, field.meta

    def read(data: bytes, at: int) -> tuple[Value, int]:
        return f"{int.from_bytes(data[at : at + size], 'big'):0{width}b}", at + size

    return read


def _string(field: Field, charsets: Charsets, prefix: int) -> Read:
    """Bytes with their length before them: text, or binary."""
    charset = charset_of(field, charsets)
    if charset == BINARY:
        # The log leaves out the zero bytes at the end of BINARY(n).
        return _binary(prefix, field.meta if field.type == F.STRING else 0)
    decode = decoder(charset)

    def read(data: bytes, at: int) -> tuple[Value, int]:
        start = at + prefix
        end = start + int.from_bytes(data[at:start], "little")
        return decode(data[start:end]), end

    return read


def _binary(prefix: int, fill: int) -> Read:
    def read(data: bytes, at: int) -> tuple[Value, int]:
        start = at + prefix
        end = start + int.from_bytes(data[at:start], "little")
        return base64.b64encode(data[start:end].ljust(fill, b"\0")).decode("ascii"), end

    return read


def _native(field: Field) -> Read:
    """MariaDB's UUID and addresses, as the server shows them."""
    size, shown = field.meta, _NATIVE[field.native]

    def read(data: bytes, at: int) -> tuple[Value, int]:
        end = at + 1 + data[at]
        return shown(data[at + 1 : end].ljust(size, b"\0")), end

    return read


def _inet6(data: bytes) -> str:
    address = ipaddress.IPv6Address(data)
    if address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    if not any(data[:12]) and any(data[12:14]):  # the old form of an IPv4 address
        return f"::{ipaddress.IPv4Address(data[12:])}"
    return str(address)


_NATIVE: dict[str, Callable[[bytes], str]] = {
    "uuid": lambda data: str(uuid.UUID(bytes=data)),
    "inet6": _inet6,
    "inet4": lambda data: str(ipaddress.IPv4Address(data)),
}


def _json(field: Field) -> Read:
    prefix = field.meta

    def read(data: bytes, at: int) -> tuple[Value, int]:
        start = at + prefix
        end = start + int.from_bytes(data[at:start], "little")
        return jsonb.text(data[start:end]), end

    return read


def _enum(field: Field, charsets: Charsets) -> Read:
    """ENUM by its name; number 0 is the value that the servers store for an invalid one."""
    names = ["", *labels(field, charsets)]
    size = field.meta

    def read(data: bytes, at: int) -> tuple[Value, int]:
        return names[int.from_bytes(data[at : at + size], "little")], at + size

    return read


def _set(field: Field, charsets: Charsets) -> Read:
    names = labels(field, charsets)
    size = field.meta

    def read(data: bytes, at: int) -> tuple[Value, int]:
        bits = int.from_bytes(data[at : at + size], "little")
        return ",".join(n for i, n in enumerate(names) if bits >> i & 1), at + size

    return read


def charset_of(field: Field, charsets: Charsets) -> str:
    """The name of a column's character set. Raises `CharsetError`."""
    known = charsets.get(field.charset)
    if known is None:
        raise CharsetError(
            f"column {field.name} has the collation {field.charset}, which the server does not list"
        )
    return known[0]


def labels(field: Field, charsets: Charsets) -> list[str]:
    """The names of an ENUM or SET."""
    charset = charset_of(field, charsets)
    decode = decoder("latin1" if charset == BINARY else charset)
    return [decode(label) for label in field.labels]


_SIMPLE: dict[int, Callable[[Field], Read]] = {
    F.INT24: _medium,
    F.YEAR: _year,
    F.FLOAT: _float,
    F.DOUBLE: lambda _field: _fixed("<d"),
    F.NEWDECIMAL: _decimal,
    F.BIT: _bit,
    F.GEOMETRY: lambda field: _binary(field.meta, 0),
    F.JSON: _json,
    F.DATE: lambda _field: temporal.read_date,
    F.NEWDATE: lambda _field: temporal.read_date,
    F.TIME2: lambda field: temporal.time_reader(field.meta),
    F.DATETIME2: lambda field: temporal.datetime_reader(field.meta),
    F.TIMESTAMP2: lambda field: temporal.timestamp_reader(field.meta),
    F.TIME: lambda _field: temporal.read_old_time,
    F.DATETIME: lambda _field: temporal.read_old_datetime,
    F.TIMESTAMP: lambda _field: temporal.read_old_timestamp,
}
