"""MySQL's binary JSON, to the text that MySQL itself writes for it.

MariaDB keeps JSON as text, so only MySQL's log has this. mysql-replication makes Python objects of
it, in which a decimal is a float and a date is bytes; the text keeps what was there.
"""

from __future__ import annotations

import base64
import json
import struct

from cdc.sources.mysql import temporal


def text(document: bytes) -> str:
    """The text of a document; an empty one is what old servers wrote for `null`."""
    return _value(document[0], document, 1) if document else "null"


def _value(kind: int, data: bytes, at: int) -> str:
    """The value of a type at a place."""
    if kind <= _LARGE_ARRAY:
        return _container(kind, data, at)
    if kind == _LITERAL:
        return ("null", "true", "false")[data[at]]
    if kind in _NUMBERS:
        code = _NUMBERS[kind]
        return str(struct.unpack_from(code, data, at)[0])
    if kind == _DOUBLE:
        return _double(struct.unpack_from("<d", data, at)[0])
    if kind == _STRING:
        size, at = _length(data, at)
        return json.dumps(data[at : at + size].decode("utf-8", "replace"), ensure_ascii=False)
    if kind == _OPAQUE:
        size, start = _length(data, at + 1)
        return _opaque(data[at], data[start : start + size])
    raise ValueError(f"binary JSON with the unknown type {kind}")


_LARGE_ARRAY, _LITERAL, _DOUBLE, _STRING, _OPAQUE = 3, 4, 11, 12, 15
_NUMBERS = {5: "<h", 6: "<H", 7: "<i", 8: "<I", 9: "<q", 10: "<Q"}
_INLINE_SMALL, _INLINE_LARGE = {4, 5, 6}, {4, 5, 6, 7, 8}
_DECIMAL, _DATE, _TIME, _DATETIME, _TIMESTAMP = 246, 10, 11, 12, 7


def _container(kind: int, data: bytes, start: int) -> str:
    """An object (types 0 and 1) or an array (2 and 3); all offsets count from its start.

    After the number of members and the size in bytes come the keys (offset, length) and the values
    (type, then the offset, or the value itself where it is small enough).
    """
    large, is_object = kind & 1, kind < 2
    width = 4 if large else 2
    inline = _INLINE_LARGE if large else _INLINE_SMALL

    def number(at: int, size: int = width) -> int:
        return int.from_bytes(data[at : at + size], "little")

    count, first = number(start), start + 2 * width
    values = first + (count * (width + 2) if is_object else 0)
    parts = []
    for index in range(count):
        at = values + index * (width + 1)
        place = at + 1 if data[at] in inline else start + number(at + 1)
        part = _value(data[at], data, place)
        if is_object:
            entry = first + index * (width + 2)
            begin = start + number(entry)
            key = data[begin : begin + number(entry + width, 2)].decode("utf-8", "replace")
            part = f"{json.dumps(key, ensure_ascii=False)}: {part}"
        parts.append(part)
    inner = ", ".join(parts)
    return f"{{{inner}}}" if is_object else f"[{inner}]"


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length in groups of seven bits, the lowest first; and the place after it."""
    size = shift = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size, at


def _double(value: float) -> str:
    shown = repr(value)
    return shown.replace("e+", "e") if "e" in shown else shown


def _opaque(kind: int, data: bytes) -> str:
    """A value that JSON has no type for: decimals as numbers, the others as strings."""
    if kind == _DECIMAL:
        from cdc.sources.mysql.values import decimal_text  # which itself reads JSON columns

        return decimal_text(data[2:], data[0], data[1])
    if kind in {_DATE, _TIME, _DATETIME, _TIMESTAMP}:
        return f'"{_temporal(kind, int.from_bytes(data[:8], "little", signed=True))}"'
    return json.dumps(f"base64:type{kind}:{base64.b64encode(data).decode('ascii')}")


def _temporal(kind: int, packed: int) -> str:
    """A date or time as JSON holds it: 24 bits of fraction below the whole; six digits shown."""
    sign, packed = ("-", -packed) if packed < 0 else ("", packed)
    micros, whole = packed & 0xFF_FFFF, packed >> 24
    clock = f"{whole >> 12 & 0x1F:02d}:{whole >> 6 & 63:02d}:{whole & 63:02d}.{micros:06d}"
    if kind == _TIME:
        return f"{sign}{whole >> 12:02d}{clock[2:]}"
    year, month = divmod(whole >> 22, 13)
    day = temporal.date_text(year, month, whole >> 17 & 31)
    return day if kind == _DATE else f"{day} {clock}"
