"""Shapes of scalars that YAML has types for: truth values, whole numbers, words of a list."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from strangler.kit.problems import did_you_mean, listed
from strangler.kit.shapes import Parsed, UnfitError

E = TypeVar("E", bound=StrEnum)

_TRUTH = {"true": True, "false": False}
_MEANT = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUTH:
        meant = _MEANT.get(lowered)
        raise UnfitError(
            "is neither true nor false",
            "write `true` or `false`",
            f"write `{meant}`" if meant else None,
        )
    return _TRUTH[lowered]


BOOL = Parsed("`true` or `false`", _boolean, {"type": "boolean"})
"""`true` or `false`; YAML 1.1's other spellings are refused by name."""


def integer(low: int, high: int, wanted: str = "a whole number") -> Parsed[int]:
    """A whole number within bounds, both included."""

    def parse(text: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
            raise UnfitError(f"is not {wanted}", "write digits only")
        value = int(text)
        if not low <= value <= high:
            raise UnfitError("is out of bounds", f"write {wanted} from {low} to {high}")
        return value

    return Parsed(wanted, parse, {"type": "integer", "minimum": low, "maximum": high})


def choice(kind: type[E]) -> Parsed[E]:
    """One of the values of an enumeration."""
    members = {member.value: member for member in kind}
    words = listed(members)

    def parse(text: str) -> E:
        if text not in members:
            close = did_you_mean(text, members)
            advice = f"write one of {words}"
            raise UnfitError("is not known here", advice, f"{advice}{close}")
        return members[text]

    return Parsed(f"one of {words}", parse, {"enum": list(members)})
