"""Whether a regular expression is safe to run on what strangers send.

Python's engine backtracks: `(a+)+` on thirty characters takes longer than anybody waits. The
pattern's tree is walked and whatever can be matched in many ways under a repetition is refused.
This is conservative, so a few harmless patterns are refused with the rest; those with a separator
in each round, such as `(?:/[^/]+)*` and `(?:[a-z]+-)*`, are recognised as safe.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from strangler.config.charsets import (
    NOTHING,
    REPEATS,
    anything_in,
    first_of,
    single,
)
from strangler.kit.shapes import Parsed, UnfitError

LONGEST = 1000
_MANY = 8
"""A repetition of at most so many rounds is no danger by itself."""
_OPEN_REPEATS = 2
"""Repetitions in a row that may take each other's characters; a third makes it cubic."""


class _RiskError(Exception):
    """Why a pattern could take too long."""


def regex(text: str) -> str:
    """A pattern that compiles and cannot blow up; raises UnfitError."""
    if len(text) > LONGEST:
        raise UnfitError("is too long", f"write at most {LONGEST} characters")
    try:
        re.compile(text)
        _check(parser.parse(text))
    except (re.error, OverflowError, RecursionError) as error:
        raise UnfitError("does not compile", "mend it", f"{error}") from None
    except _RiskError as risk:
        raise UnfitError("can take very long on some requests", str(risk)) from None
    return text


REGEX = Parsed("a regular expression", regex, {"type": "string"})


def literal_beginning(pattern: str) -> tuple[str, bool]:
    """The text every match begins with, and whether that is the whole match."""
    tree = parser.parse(pattern)
    text = ""
    if tree.state.flags & re.IGNORECASE:
        return text, False
    for code, value in tree:
        if code is op.LITERAL:
            text += chr(value)
        elif code is not op.AT:
            return text, False
    return text, True


def _check(items: Any) -> None:
    """Raise _RiskError if a sequence, or anything in it, can be matched in too many ways."""
    for code, value in items:
        if code in {op.GROUPREF, op.GROUPREF_EXISTS}:
            raise _RiskError("write it without a reference to a group")
        for inner in _inner(code, value):
            _check(inner)
        if code in REPEATS and value[1] > 1:
            _check_round(value[2], many=value[1] > _MANY)
    _check_row(items)


def _inner(code: Any, value: Any) -> list[Any]:
    """The sequences inside an item."""
    if code is op.SUBPATTERN:
        return [value[-1]]
    if code in REPEATS:
        return [value[2]]
    if code is op.BRANCH:
        return list(value[1])
    if code in {op.ASSERT, op.ASSERT_NOT}:
        return [value[1]]
    return [value] if code is op.ATOMIC_GROUP else []


def _flat(items: Any) -> list[Any]:
    """A sequence with its plain groups opened."""
    flat: list[Any] = []
    for code, value in items:
        flat.extend(_flat(value[-1]) if code is op.SUBPATTERN else [(code, value)])
    return flat


def _check_round(body: Any, *, many: bool) -> None:
    """One round of a repetition: it must be clear where the round begins or ends."""
    items = _flat(body)
    if many and first_of(items) is None:
        raise _RiskError("what is repeated can be empty: write `+` instead of `*` or `?` inside")
    if many and _ambiguous(items):
        raise _RiskError("two alternatives under a repetition begin alike: make them differ")
    if _varies(items, many=many) and not _separated(items):
        raise _RiskError(
            "a repetition inside a repetition:"
            " begin each round with a character that occurs nowhere else in it"
        )


def _ambiguous(items: Any) -> bool:
    """Whether a sequence holds, at any depth, alternatives that can begin alike."""
    return any(
        (code is op.BRANCH and _overlap(value[1])) or any(map(_ambiguous, _inner(code, value)))
        for code, value in items
    )


def _overlap(branches: Any) -> bool:
    """Whether two alternatives can begin with the same character, or one can be empty."""
    seen: frozenset[int] = NOTHING
    for branch in branches:
        begin = first_of(branch)
        if begin is None or begin & seen:
            return True
        seen |= begin
    return False


def _varies(items: Any, *, many: bool) -> bool:
    """Whether one round can have different lengths; for few rounds only without bound."""
    for code, value in items:
        if code in REPEATS and (value[1] > _MANY or (many and value[0] != value[1])):
            return True
        if any(_varies(_flat(inner), many=many) for inner in _inner(code, value)):
            return True
    return False


def _separated(items: list[Any]) -> bool:
    """Whether the first or the last character of a round occurs nowhere else in it."""
    for separator, rest in ((items[0], items[1:]), (items[-1], items[:-1])):
        characters = single(*separator)
        if characters is not None and not characters & anything_in(rest):
            return True
    return False


def _open(code: Any, value: Any) -> bool:
    """Whether an item is or holds a repetition of many rounds."""
    if code in REPEATS and value[1] > _MANY:
        return True
    return any(_open(*item) for inner in _inner(code, value) for item in inner)


def _check_row(items: Any) -> None:
    """Repetitions that follow one another and can take over each other's characters."""
    row: frozenset[int] = NOTHING
    length = 0
    for code, value in _flat(items):
        characters = anything_in([(code, value)])
        if _open(code, value):
            length = length + 1 if characters & row else 1
            row = characters
        elif code is not op.AT and not (code in REPEATS and value[0] == 0) and not characters & row:
            row, length = NOTHING, 0
        if length > _OPEN_REPEATS:
            raise _RiskError(
                "three repetitions in a row match the same characters:"
                " put something between them that they cannot match, as in `[^/]+/`"
            )
