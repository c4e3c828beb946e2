"""A route's header rules, ready to be applied to the lines of a head."""

from __future__ import annotations

import re
from collections.abc import Callable

from strangler.config.model import HeaderRules, Headers

Lines = list[bytes]
"""Header lines, `Name: value`, without CRLF."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[^\0\r\n]*")
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})


def line_editor(rules: HeaderRules) -> Callable[[Lines], Lines]:
    """A function that applies the rules, first remove, then set, then add.

    Raises ValueError for a malformed name or value and for fields that frame messages.
    """
    for name in rules.remove:
        _check(name, "")
    for name, value in (*rules.set, *rules.add):
        _check(name, value)
    dropped = frozenset(
        name.lower().encode("ascii") for name in (*rules.remove, *(name for name, _ in rules.set))
    )
    added = [_line(name, value) for name, value in _last_of_each(rules.set) + rules.add]

    def edit(lines: Lines) -> Lines:
        if not dropped:
            return lines + added
        return [line for line in lines if line.partition(b":")[0].lower() not in dropped] + added

    return edit


def _last_of_each(pairs: Headers) -> Headers:
    """Setting a field twice leaves the last value."""
    return tuple({name.lower(): (name, value) for name, value in pairs}.values())


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError(f"header {name!r} cannot be written into a message")
    if name.lower() in _FRAMING:
        raise ValueError(f"header {name!r} frames the message and cannot be changed")


def _line(name: str, value: str) -> bytes:
    return name.encode("ascii") + b": " + value.strip(" \t").encode("utf-8")
