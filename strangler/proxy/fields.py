"""Header lines and what they mean to a gateway.

llhttp approves a head before its lines are looked at, so a line is `name ":" OWS value OWS`. Most
lines are the same on every request (`Accept: */*`, `Content-Type: application/json`), so what a
whole line means is remembered: one dictionary look-up instead of approving, cutting and comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

import httptools

T = TypeVar("T")

HeadError = httptools.HttpParserError
"""A head that is not HTTP/1; its text says why."""

_REMEMBERED: Final = 4096
_LONGEST: Final = 256
"""Longer lines are not remembered, so the memory stays below 2 MiB whatever is sent."""


class _Nothing:
    """llhttp is asked for its verdict only."""


_NOTHING: Final = _Nothing()


def approve_request(head: bytes) -> None:
    """Raise HeadError unless `head`, up to its empty line, is one strict HTTP/1 request head.

    A fresh parser each time: no state can leak from one client's request into another's.
    """
    try:
        httptools.HttpRequestParser(_NOTHING).feed_data(head)
    except httptools.HttpParserUpgrade:
        return  # llhttp would stop here; bodies are not its business


def approve_response(head: bytes) -> None:
    """Raise HeadError unless `head`, up to its empty line, is one strict HTTP/1 answer's head."""
    try:
        httptools.HttpResponseParser(_NOTHING).feed_data(head)
    except httptools.HttpParserUpgrade:
        return


Note = Callable[[T, bytes, bytes], None]
"""What a special line does: gets the reader's object, the value, and the whole line."""


def drop(_into: object, _value: bytes, _line: bytes) -> None:
    """The line concerns this connection only, or is not the sender's to say."""


class Lines(Generic[T]):
    """What to do with a line: None to copy it, else a function and the line's value.

    Knows only lines that llhttp has approved as part of some head. A head all of whose lines are
    known needs no other approval than of its first line and of its framing, which is its reader's
    business. Bounded, as clients choose the lines.
    """

    def __init__(
        self, special: Mapping[bytes, Note[T]], is_dropped: Callable[[bytes], bool]
    ) -> None:
        """`special` is by lower-case name; `is_dropped` decides about all other names."""
        self.known: Final[dict[bytes, tuple[Note[T], bytes] | None]] = {}
        """By whole line. A plain dictionary, as it is asked for every line of every head."""
        self._special = special
        self._is_dropped = is_dropped

    def learn(self, line: bytes) -> tuple[Note[T], bytes] | None:
        """Take in a line of a head that has just been approved."""
        name, _, value = line.partition(b":")
        name = name.lower()
        note = self._special.get(name)
        if note is None and self._is_dropped(name):
            note = drop
        known = None if note is None else (note, value.strip(b" \t"))
        if len(line) <= _LONGEST:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[line] = known
        return known


def pairs_of(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Lower-case names and values, in order: what conditions look at."""
    pairs = []
    for line in lines:
        name, _, value = line.partition(b":")
        pairs.append((name.lower(), value.strip(b" \t")))
    return pairs


def without(lines: list[bytes], names: frozenset[bytes]) -> list[bytes]:
    """The lines whose lower-case name is not among `names`."""
    return [line for line in lines if line.partition(b":")[0].lower() not in names]
