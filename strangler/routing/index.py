"""The routes of one host condition, indexed by path.

Kinds of path are tried in the order of the precedence: exact, template, longest prefix, regex,
any path. Within a kind the routes of one path text are a `Found`; if none of these takes the
request, the next place is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from operator import itemgetter
from typing import Any, TypeAlias

from strangler.config.model import Match, PathKind
from strangler.routing.conditions import Conditions, text_matcher
from strangler.routing.fields import Headers
from strangler.routing.paths import canonical

Entry: TypeAlias = tuple[int, Match]
"""A route's index and what it matches."""
Candidate: TypeAlias = tuple[int, frozenset[bytes] | None, Conditions | None]
"""Route, methods (None for any), other conditions (None for none)."""
Found: TypeAlias = int | tuple[Candidate, ...]
"""The routes of one place in order of precedence; an int if the first takes every request."""


def _rank(entry: Entry) -> tuple[bool, int, int, int, int]:
    index, match = entry
    return (
        not match.methods,
        -len(match.headers),
        -len(match.query),
        -len(match.cookies),
        index,
    )


def _candidate(entry: Entry) -> Candidate:
    index, match = entry
    methods = {method.encode("utf-8", "surrogateescape") for method in match.methods}
    if b"GET" in methods:
        methods.add(b"HEAD")
    conditioned = match.headers or match.query or match.cookies
    return index, frozenset(methods) or None, Conditions(match) if conditioned else None


def _takes_all(candidate: Candidate) -> bool:
    return candidate[1] is None and candidate[2] is None


def compile_found(entries: Iterable[Entry]) -> Found:
    """The routes of one place by precedence; what can never be reached is left out."""
    candidates = [_candidate(entry) for entry in sorted(entries, key=_rank)]
    reached = list(takewhile(lambda candidate: not _takes_all(candidate), candidates))
    if not reached:
        return candidates[0][0]
    return tuple(candidates[: len(reached) + 1])


def pick(found: Found, method: bytes, query: bytes, headers: Headers) -> int:
    """The first route of a place that takes the request, or -1."""
    if isinstance(found, int):
        return found
    for route, methods, conditions in found:
        if (methods is None or method in methods) and (
            conditions is None or conditions.hold(query, headers)
        ):
            return route
    return -1


class _Node:
    """A segment of a prefix; `nearest` is the closest prefix at or above it, `above` the next."""

    __slots__ = ("above", "children", "found", "nearest")

    def __init__(self, nearest: _Node | None) -> None:
        self.children: dict[bytes, _Node] = {}
        self.nearest = nearest
        self.above: _Node | None = None
        self.found: Found = -1


class _Shape:
    """Templates with text at the same positions: the text there leads to their routes."""

    __slots__ = ("at", "places", "texts")

    def __init__(self, length: int, texts: tuple[int, ...]) -> None:
        self.texts: Callable[[list[bytes]], Any] = itemgetter(*texts)
        self.at = tuple(position for position in range(length) if position not in texts)
        self.places: dict[Any, Found] = {}


def _text(match: Match) -> bytes:
    return canonical(match.path.encode("utf-8", "surrogateescape"))


def _by_text(entries: list[Entry], kind: PathKind) -> dict[bytes, list[Entry]]:
    """Entries of one kind by their canonical text; a prefix's trailing slash is ignored."""
    groups: dict[bytes, list[Entry]] = {}
    for entry in entries:
        if entry[1].kind is kind:
            text = _text(entry[1])
            text = text.removesuffix(b"/") if kind is PathKind.PREFIX else text
            groups.setdefault(text, []).append(entry)
    return groups


def _is_parameter(segment: bytes) -> bool:
    return segment.startswith(b"{") and segment.endswith(b"}")


def _compile_templates(entries: list[Entry]) -> dict[int, tuple[_Shape, ...]]:
    """Shapes by number of segments; more text first, then text at the earlier position."""
    shapes: dict[int, dict[tuple[int, ...], _Shape]] = {}
    places: dict[tuple[int, tuple[int, ...], Any], list[Entry]] = {}
    for group in _by_text(entries, PathKind.TEMPLATE).items():
        segments = group[0].split(b"/")
        texts = tuple(at for at, segment in enumerate(segments) if not _is_parameter(segment))
        shape = shapes.setdefault(len(segments), {}).setdefault(texts, _Shape(len(segments), texts))
        places.setdefault((len(segments), texts, shape.texts(segments)), []).extend(group[1])
    for (length, texts, key), found in places.items():
        shapes[length][texts].places[key] = compile_found(found)
    return {
        length: tuple(group[texts] for texts in sorted(group, key=lambda at: (-len(at), at)))
        for length, group in shapes.items()
    }


def _compile_prefixes(entries: list[Entry]) -> _Node | None:
    """A tree of segments. Shorter prefixes are put in first, so that longer ones find them."""
    groups = _by_text(entries, PathKind.PREFIX)
    root = _Node(None)
    for text in sorted(groups, key=lambda text: text.count(b"/")):
        node = root
        for segment in text.split(b"/"):
            nearest = node.nearest
            node = node.children.setdefault(segment, _Node(nearest))
        node.above, node.nearest, node.found = node.nearest, node, compile_found(groups[text])
    return root if groups else None


class PathIndex:
    """Routes that share a host condition."""

    __slots__ = ("_any", "_exact", "_prefixes", "_regexes", "_split", "_templates")

    def __init__(self, entries: list[Entry]) -> None:
        self._exact = {
            text: compile_found(group) for text, group in _by_text(entries, PathKind.EXACT).items()
        }
        self._templates = _compile_templates(entries)
        self._prefixes = _compile_prefixes(entries)
        self._split = bool(self._templates) or self._prefixes is not None
        self._regexes = tuple(
            (text_matcher(entry[1].path), compile_found([entry]))
            for entry in entries
            if entry[1].kind is PathKind.REGEX
        )
        anywhere = [entry for entry in entries if entry[1].kind is PathKind.ANY]
        self._any = compile_found(anywhere) if anywhere else ()

    def match(self, method: bytes, path: bytes, query: bytes, headers: Headers) -> int:
        """The route that takes the request, given one reading of its path, or -1."""
        found = self._exact.get(path)
        if found is not None and (route := pick(found, method, query, headers)) >= 0:
            return route
        if self._split:
            segments = path.split(b"/")
            if self._templates:
                route = self._match_templates(segments, method, query, headers)
                if route >= 0:
                    return route
            if self._prefixes is not None:
                route = self._match_prefixes(self._prefixes, segments, method, query, headers)
                if route >= 0:
                    return route
        for matches, candidates in self._regexes:
            if matches(path) and (route := pick(candidates, method, query, headers)) >= 0:
                return route
        return pick(self._any, method, query, headers)

    def _match_templates(
        self, segments: list[bytes], method: bytes, query: bytes, headers: Headers
    ) -> int:
        for shape in self._templates.get(len(segments), ()):
            found = shape.places.get(shape.texts(segments))
            if found is None or not all(map(segments.__getitem__, shape.at)):
                continue
            route = pick(found, method, query, headers)
            if route >= 0:
                return route
        return -1

    @staticmethod
    def _match_prefixes(
        node: _Node, segments: list[bytes], method: bytes, query: bytes, headers: Headers
    ) -> int:
        for segment in segments:
            child = node.children.get(segment)
            if child is None:
                break
            node = child
        place = node.nearest
        while place is not None:
            route = pick(place.found, method, query, headers)
            if route >= 0:
                return route
            place = place.above
        return -1
