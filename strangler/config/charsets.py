r"""Which characters a piece of a regular expression can match, as sets that can be compared.

A set holds the codes 0 to 255 and `OTHER` for everything above; whether a category such as `\w`
takes a character is asked of `re` itself. Sets are never too small, so a test for "disjoint" that
succeeds is true.
"""

from __future__ import annotations

import re
from functools import cache
from re import _constants as op  # type: ignore[attr-defined]
from typing import Any

OTHER = 256
EVERYTHING = frozenset(range(OTHER + 1))
NOTHING: frozenset[int] = frozenset()

_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


@cache
def _category(code: Any) -> frozenset[int]:
    takes = re.compile(_CATEGORIES[code]).fullmatch if code in _CATEGORIES else None
    if takes is None:
        return EVERYTHING
    return frozenset(code for code in range(OTHER) if takes(chr(code))) | {OTHER}


def _code(character: int) -> frozenset[int]:
    """A character in either case: a set that is too large only refuses more."""
    forms = {chr(character), chr(character).lower(), chr(character).upper()}
    return frozenset(min(ord(form), OTHER) for form in forms if len(form) == 1)


def _member(code: Any, value: Any) -> frozenset[int]:
    if code is op.LITERAL:
        return _code(value)
    if code is op.RANGE:
        low, high = value
        inside = frozenset().union(*(_code(c) for c in range(low, min(high, OTHER - 1) + 1)))
        return inside | ({OTHER} if high >= OTHER else NOTHING)
    return _category(value) if code is op.CATEGORY else EVERYTHING


def single(code: Any, value: Any) -> frozenset[int] | None:
    """The characters of an item that matches exactly one, or None if it is not such an item."""
    if code is op.LITERAL:
        return _code(value)
    if code is op.NOT_LITERAL:
        return EVERYTHING - {value}
    if code is op.ANY:
        return EVERYTHING
    if code is not op.IN:
        return None
    if value[0][0] is op.NEGATE:
        refused = frozenset().union(*(_exact(*item) for item in value[1:]))
        return EVERYTHING - refused
    return frozenset().union(*(_member(*item) for item in value))


def _exact(code: Any, value: Any) -> frozenset[int]:
    """What a negated set surely refuses: here a set may be too small, never too large."""
    if code is op.LITERAL and value < OTHER:
        return frozenset({value})
    if code is op.RANGE:
        return frozenset(range(value[0], min(value[1], OTHER - 1) + 1))
    return _category(value) - {OTHER} if code is op.CATEGORY else NOTHING


def anything_in(items: Any) -> frozenset[int]:
    """Every character that any part of a sequence can match."""
    return frozenset().union(*(_all(code, value) for code, value in items))


def _all(code: Any, value: Any) -> frozenset[int]:
    one = single(code, value)
    if one is not None:
        return one
    if code is op.AT:
        return NOTHING
    if code is op.SUBPATTERN:
        return anything_in(value[-1])
    if code in REPEATS:
        return anything_in(value[2])
    if code is op.BRANCH:
        return frozenset().union(*(anything_in(branch) for branch in value[1]))
    return EVERYTHING


REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT})


def first_of(items: Any) -> frozenset[int] | None:
    """The characters a sequence can begin with; None if it can be empty."""
    found = NOTHING
    for code, value in items:
        begin = _first(code, value)
        if begin is None:
            found |= _all(code, value)
            continue
        return found | begin
    return None


def _first(code: Any, value: Any) -> frozenset[int] | None:
    """As `first_of`, for one item."""
    one = single(code, value)
    if one is not None:
        return one
    if code is op.SUBPATTERN:
        return first_of(value[-1])
    if code in REPEATS:
        return first_of(value[2]) if value[0] > 0 else None
    if code is op.BRANCH:
        firsts = [first_of(branch) for branch in value[1]]
        return None if None in firsts else frozenset().union(*(f for f in firsts if f))
    return None
