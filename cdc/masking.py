"""What leaves the source's host instead of a masked value.

A mask is made for one column of one relation, once, and is then a function from value to value. It
gives the same result for the same value whenever the log is read again. NULL stays NULL, which
says nothing about anybody; a value that the log did not carry stays absent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Final, TypeAlias

import orjson

from cdc.change import ABSENT, Absent, Column, Kind, Value
from cdc.config.model import Mask

Transform: TypeAlias = Callable[[Value], Value]

_BITS: Final = 256
_INTEGER: Final = re.compile(r"-?[0-9]{1,40}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?|NaN|-?Infinity")
_ENDLESS: Final = ("NaN", "Infinity", "-Infinity")


def masked(mask: Mask, column: Column) -> Transform:
    """The function that masks a column's values.

    Raises `ValueError` with the rest of a sentence for a constant that the column cannot hold.
    """
    if mask.salt is not None:
        return _hash(mask.salt.encode())
    constant = _constant(mask.replace or "", column.kind)
    return lambda value: value if value is None or value is ABSENT else constant


def _hash(salt: bytes) -> Transform:
    """BLAKE2b-256 (RFC 7693), keyed, so that whoever lacks the salt cannot try values."""
    keyed = blake2b(key=salt, digest_size=_BITS // 8)

    def hashed(value: Value) -> Value:
        if value is None or isinstance(value, Absent):
            return value
        state = keyed.copy()
        state.update(_text(value).encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    return hashed


def _text(value: bool | float | str) -> str:
    """A value as JSON writes it, a string without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _constant(text: str, kind: Kind) -> Value:
    """A constant in the form of docs/formats.md for its column's kind."""
    match kind:
        case Kind.BOOLEAN if text in {"true", "false"}:
            return text == "true"
        case Kind.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case Kind.FLOAT if _DECIMAL.fullmatch(text):
            return text if text in _ENDLESS else float(text)
        case Kind.DECIMAL if _DECIMAL.fullmatch(text):
            return text
        case Kind.BOOLEAN | Kind.INTEGER | Kind.FLOAT | Kind.DECIMAL:
            raise ValueError(f"{kind.value} columns cannot hold the constant: write another one")
        case Kind.BINARY:
            return base64.b64encode(text.encode()).decode()
        case Kind.JSON:
            return _json(text)
        case _:
            return text


def _json(text: str) -> str:
    try:
        orjson.loads(text)
    except ValueError:
        raise ValueError(
            """json columns cannot hold the constant: write JSON, such as '"hidden"' or '{}'"""
        ) from None
    return text
