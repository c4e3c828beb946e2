"""From PostgreSQL's text of a value to the form of docs/formats.md.

The session that wrote the text had the settings of `SETTINGS`: without them it would not be
lossless, or not the same from one server to the next.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from typing import Final, TypeAlias

from cdc.change import Kind, Value

Convert: TypeAlias = Callable[[bytes], Value]

SETTINGS: Final = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
}


def text(raw: bytes) -> str:
    """Text; bytes that are no UTF-8 (a database in SQL_ASCII) stay visible as such."""
    return raw.decode("utf-8", "surrogateescape")


def boolean(raw: bytes) -> bool:
    """`t` or `f`."""
    return raw == b"t"


def floating(raw: bytes) -> float | str:
    """The number, or the word for what JSON has no number for."""
    number = float(raw)
    return number if math.isfinite(number) else raw.decode()


def binary(raw: bytes) -> str:
    r"""Base64 of `\x0102`."""
    return b64encode(bytes.fromhex(raw[2:].decode("ascii"))).decode("ascii")


_CONVERTERS: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: boolean,
    Kind.INTEGER: int,
    Kind.FLOAT: floating,
    Kind.BINARY: binary,
}


def converter(kind: Kind) -> Convert:
    """What turns the text of a column of this kind into its value."""
    return _CONVERTERS.get(kind, text)
