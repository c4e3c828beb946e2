"""Header lines and what they mean to a gateway.

llhttp has approved a head before its lines come here, so a line is `name ":" OWS value OWS`.
Most lines are the same on every request (`Accept: */*`, `Content-Type: application/json`), so
what a whole line means is remembered: one dictionary look-up instead of cutting and comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import httptools

COPIED: Final = 0
"""The line concerns nobody between the ends: it is passed on byte for byte."""
DROPPED: Final = -1
"""The line concerns this connection only, or is not the sender's to say."""

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


class LineKinds(dict[bytes, int]):
    """What kind a line is: `COPIED`, `DROPPED`, or a number of its reader's own.

    A dictionary that asks for the lines it has not seen; bounded, as clients choose the lines.
    """

    def __init__(self, special: Mapping[bytes, int], plain: Callable[[bytes], int]) -> None:
        """`special` is by lower-case name; `plain` decides about all other names."""
        super().__init__()
        self._special = special
        self._plain = plain

    def __missing__(self, line: bytes) -> int:
        name = line.partition(b":")[0].lower()
        kind = self._special.get(name)
        if kind is None:
            kind = self._plain(name)
        if len(line) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[line] = kind
        return kind


def value_of(line: bytes) -> bytes:
    """The value of a line, without the white space around it."""
    return line.partition(b":")[2].strip(b" \t")


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
