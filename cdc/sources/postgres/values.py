"""From PostgreSQL's text of a value to the form of docs/formats.md.

The session that wrote the text had the settings of `SETTINGS`: without them it would not be
lossless, or not the same from one server to the next.
"""

from __future__ import annotations

import math
from binascii import a2b_hex, b2a_base64
from typing import Final

from cdc.change import Kind
from cdc.loops import TEXT, Convert, text

__all__ = ["SETTINGS", "binary", "converter", "floating", "text"]

SETTINGS: Final = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
}


def floating(raw: bytes) -> float | str:
    """The number, or the word for what JSON has no number for."""
    number = float(raw)
    return number if math.isfinite(number) else raw.decode()


def binary(raw: bytes) -> str:
    r"""Base64 of `\x0102`."""
    if raw[:2] != b"\\x":
        raise ValueError("binary data that is not in hexadecimal digits")
    return b2a_base64(a2b_hex(raw[2:]), newline=False).decode("ascii")


_CONVERTERS: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: {b"t": True, b"f": False}.__getitem__,
    Kind.INTEGER: int,
    Kind.FLOAT: floating,
    Kind.BINARY: binary,
}


def converter(kind: Kind) -> Convert:
    """What turns the text of a column of this kind into its value."""
    return _CONVERTERS.get(kind, TEXT)
