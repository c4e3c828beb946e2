"""The canonical texts in Python: for SQLite, for rows that no SQL can compare, and as the rule.

Values come in the forms of docs/formats.md. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cdc.reconcile.forms import PREFIXED, Form

HASH_DIGITS: Final = 15
"""Hexadecimal digits of an MD5 that are summed: 60 bits, a positive number in every database."""
LEAST_SINGLE: Final = 1.4e-45
GREATEST_SINGLE: Final = 3.40282356e38
"""What four bytes can hold; beyond it, databases refuse to round."""
_OFFSET: Final = re.compile(r"\+00(?= BC$|$)")
_FRACTION: Final = re.compile(r"(:\d\d\.\d*?)0+(?!\d)")
_ENDLESS: Final = {"nan": "NaN", "infinity": "Infinity", "inf": "Infinity",
                   "-infinity": "-Infinity", "-inf": "-Infinity"}  # fmt: skip


def canonical(form: Form, value: Any) -> str | None:
    """A value's text; None for NULL.

    What does not fit its form (SQLite stores anything anywhere) has a text that nothing else has.
    """
    if value is None:
        return None
    try:
        return _WRITERS[form](value)
    except (ValueError, InvalidOperation, OverflowError, TypeError):
        return "?" + text(value).encode("utf-8", "surrogateescape").hex()


def text(value: Any) -> str:
    """A value as its JSON form writes it, a string as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def line(fields: Iterable[tuple[Form, str | None]]) -> str:
    """The texts of a row as one, from which they could be told apart again.

    Forms without free text cannot be empty, nor hold `|`. Other texts have their length in bytes
    before them, and NULL has none: `:` is NULL, `0:` is empty.
    """
    return "".join(_field(form, written) for form, written in fields)


def _field(form: Form, written: str | None) -> str:
    if form not in PREFIXED:
        return (written or "") + "|"
    if written is None:
        return ":|"
    return f"{len(written.encode('utf-8', 'surrogateescape'))}:{written}|"


def digest(line: str | bytes) -> str:
    """MD5 in hexadecimal: fast in every database, and nobody attacks a comparison of copies."""
    data = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def short_hash(line: str | bytes) -> int:
    """The number that is summed for a row."""
    return int(digest(line)[:HASH_DIGITS], 16)


def _integer(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("no integer")
    return str(int(value))


def _decimal(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    written = str(value).strip()
    if written.lower() in _ENDLESS:
        return _ENDLESS[written.lower()]
    number = Decimal(repr(value) if isinstance(value, float) else written)
    if not number:
        return "0"
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _number(value: Any) -> str:
    plain = _decimal(value)
    if plain in _ENDLESS.values() or plain == "0":
        return plain
    sign, digits, exponent = Decimal(plain).as_tuple()
    assert isinstance(exponent, int)
    written = "".join(map(str, digits)).lstrip("0")
    short = written.rstrip("0")
    return f"{'-' if sign else ''}{short}e{exponent + len(written) - len(short)}"


def _single(value: Any) -> str:
    number = float(value)
    if LEAST_SINGLE <= abs(number) <= GREATEST_SINGLE:
        number = struct.unpack("<f", struct.pack("<f", number))[0]
    return _number(number)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(str(value), validate=True)


def _moment(value: Any) -> str:
    written = _FRACTION.sub(r"\1", _OFFSET.sub("", str(value).strip()))
    written = written.replace("T", " ") if written[10:11] == "T" else written
    if "|" in written or not written:
        raise ValueError("no moment")
    return re.sub(r"\.(?!\d)", "", written)


def _uuid(value: Any) -> str:
    plain = str(value).lower().replace("-", "").strip("{}")
    if not re.fullmatch(r"[0-9a-f]{32}", plain):
        raise ValueError("no UUID")
    return plain


def _jsonb(value: Any) -> str:
    """Not as PostgreSQL writes it, but equal where its jsonb is: order and spaces do not matter."""
    loaded = json.loads(str(value), parse_float=_json_number, parse_int=_json_number)
    return json.dumps(loaded, sort_keys=True, ensure_ascii=False)


def _json_number(written: str) -> list[str]:
    """All digits of a number, in a shape that no JSON of PostgreSQL's has."""
    return ["\0", _number(written)]


_WRITERS: Final[dict[Form, Callable[[Any], str]]] = {
    Form.INTEGER: _integer,
    Form.DECIMAL: _decimal,
    Form.FLOAT: _number,
    Form.NUMBER: _number,
    Form.SINGLE: _single,
    Form.TEXT: text,
    Form.PADDED: lambda value: text(value).rstrip(" "),
    Form.DIGEST: lambda value: digest(text(value)),
    Form.BYTES: lambda value: digest(_bytes(value)),
    Form.HEX: lambda value: _bytes(value).hex(),
    Form.MOMENT: _moment,
    Form.UUID: _uuid,
    Form.JSONB: _jsonb,
}
