"""Single values of a routes.yaml changed in its text, everything else left as its author wrote it.

The text's nodes say where a value stands, and the new one is spliced in there. Comments, quotes,
layout and line endings stay, because nothing but the touched scalars is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from typing import NamedTuple

from strangler.config.actions import WHOLE
from strangler.kit import pieces
from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Node, Scalar, Sequence
from strangler.kit.problems import listed
from strangler.kit.quantities import hundredths, percent_text

_BOM = "\ufeff"


PLAIN_VERSION = re.compile(
    r"^\ufeff?version:[ \t]+([0-9]{1,16})(?=[ \t]*(?:#.*)?\r?$)", re.MULTILINE
)
"""How nearly every file says its number: found without reading the rest."""


class EditError(ValueError):
    """A value cannot be changed in place; the message says why and what to do instead."""


class Splice(NamedTuple):
    """A new text for [start, end)."""

    start: int
    end: int
    text: str


def set_version(text: str, version: int) -> str:
    """The text with another `version:`. Raises EditError."""
    plain = list(PLAIN_VERSION.finditer(text))
    if len(plain) == 1:
        start, end = plain[0].span(1)
        return f"{text[:start]}{version}{text[end:]}"
    _, root = _read(text)
    entry = _entry(root, "version")
    if entry is None:
        raise EditError(f"the file has no `version:`: add the line `version: {version}`")
    return _spliced(text, [_replace(_own_scalar(*entry), str(version))])


def set_split(text: str, routes: Collection[str], shares: MappingOf[str, int]) -> str:
    """The text with another split on each of the named routes, in hundredths that sum to 10000.

    An upstream of the file that `shares` does not name gets 0 and keeps its place; one that the
    file does not have is added last. `upstream: x` becomes a `split`; a `split` stays one.
    Raises EditError.
    """
    if sum(shares.values()) != WHOLE:
        raise EditError(f"the shares sum to {percent_text(sum(shares.values()))}, not to 100")
    splices = _in_pieces(text.removeprefix(_BOM), routes, shares)
    if splices is not None:
        return _spliced(text, splices)
    body, root = _read(text)
    found = {_name(route): route for route in _routes(root)}
    missing = [name for name in routes if name not in found]
    if missing:
        raise EditError(f"the file has no route {listed(missing)}")
    splices = [splice for name in routes for splice in _split(body, found[name], shares)]
    return _spliced(text, splices)


def _in_pieces(
    body: str, routes: Collection[str], shares: MappingOf[str, int]
) -> list[Splice] | None:
    """As `set_split`, reading no other route; None if that cannot be done."""
    section = (pieces.sections(body) or {}).get("routes")
    splices, found = [], set()
    for item in (section and pieces.items(section)) or ():
        if not any(name in item.text for name in routes):
            continue
        nodes = pieces.read_items([item.text])
        if nodes is None or not isinstance(route := nodes[0], Mapping):
            return None
        name = _name(route)
        if name in found:
            return None
        if name not in routes:
            continue
        try:
            local = _split(item.text, route, shares)
        except EditError:
            return None  # said with the right line when the whole is read
        found.add(name)
        splices += [Splice(s.start + item.start, s.end + item.start, s.text) for s in local]
    return splices if found == set(routes) else None


def set_kill(text: str, group: str, *, kill: bool) -> str:
    """The text with another `kill` of a group: where it is said already, else on its first route.

    Raises EditError.
    """
    body, root = _read(text)
    members = [route for route in _routes(root) if _group(route) == group]
    if not members:
        raise EditError(f"no route of the file belongs to the group `{group}`")
    groups = root.get("groups")
    declared = groups.get(group) if isinstance(groups, Mapping) else None
    places = [place for place in (declared, *members) if isinstance(place, Mapping)]
    said = [entry for place in places if (entry := _entry(place, "kill"))]
    word = "true" if kill else "false"
    if said:
        splices = [_replace(_own_scalar(*entry), word) for entry in said]
    else:
        splices = [_insert(body, members[0], "name", f"kill: {word}")] if kill else []
    return _spliced(text, splices)


def _read(text: str) -> tuple[str, Mapping]:
    """The text without a byte order mark, which marks do not count, and its root."""
    body = text.removeprefix(_BOM)
    root, _ = compose(body, {})
    if not isinstance(root, Mapping):
        raise EditError("the file cannot be read as YAML: see `strangler check`")
    return body, root


def _spliced(text: str, splices: list[Splice]) -> str:
    body = text.removeprefix(_BOM)
    for start, end, new in sorted(splices, reverse=True):
        body = body[:start] + new + body[end:]
    return _BOM + body if text.startswith(_BOM) else body


def _routes(root: Mapping) -> list[Mapping]:
    routes = root.get("routes")
    items = routes.items if isinstance(routes, Sequence) else []
    return [item for item in items if isinstance(item, Mapping)]


def _text(route: Mapping, key: str) -> str | None:
    value = route.get(key)
    return value.raw if isinstance(value, Scalar) else None


def _name(route: Mapping) -> str | None:
    return _text(route, "name")


def _group(route: Mapping) -> str | None:
    return _text(route, "group") or _name(route)


def _entry(mapping: Mapping, key: str) -> tuple[Scalar, Node] | None:
    return next((entry for entry in mapping.entries if entry[0].raw == key), None)


def _check_own(key: Scalar, value: Node) -> None:
    """A value that stands elsewhere, or also counts elsewhere, must not be changed here."""
    if value.start.index < key.start.index or value.anchor is not None:
        raise EditError(
            f"line {key.line}: {key.shown} is shared through an anchor, so changing it here would"
            " change it elsewhere: write it out in each place"
        )


def _own_scalar(key: Scalar, value: Node) -> Scalar:
    if not isinstance(value, Scalar):
        raise EditError(f"line {key.line}: {key.shown} is not a single value")
    _check_own(key, value)
    if "${" in value.raw:
        raise EditError(
            f"line {key.line}: {key.shown} comes from a variable: change it there, or write the"
            " value itself"
        )
    if value.quote in {"|", ">"}:
        raise EditError(f"line {key.line}: {key.shown} is a block of text: write it on one line")
    return value


def _replace(node: Scalar, new: str) -> Splice:
    """A scalar's new text within the quotes it has."""
    start, end = node.start.index, node.end.index
    if start == end:
        return Splice(start, end, f" {new}")
    return Splice(start, end, f"{node.quote}{new}{node.quote}")


def _split(body: str, route: Mapping, shares: MappingOf[str, int]) -> list[Splice]:
    whole, split = _entry(route, "upstream"), _entry(route, "split")
    if whole is not None:
        return _upstream_to_split(*whole, shares)
    if split is None or not isinstance(split[1], Mapping):
        raise EditError(f"the route `{_name(route)}` has no split: it redirects or answers itself")
    _check_own(*split)
    return _shares(body, split[1], shares)


def _upstream_to_split(key: Scalar, value: Node, shares: MappingOf[str, int]) -> list[Splice]:
    name = _own_scalar(key, value)
    if shares.get(name.raw) == WHOLE:
        return []
    ordered = {name.raw: shares.get(name.raw, 0), **shares}
    inner = ", ".join(_pair(upstream, share) for upstream, share in ordered.items())
    return [
        Splice(key.start.index, key.end.index, "split"),
        Splice(name.start.index, name.end.index, f"{{{inner}}}"),
    ]


def _shares(body: str, split: Mapping, shares: MappingOf[str, int]) -> list[Splice]:
    splices = []
    for key, value in split.entries:
        scalar, new = _own_scalar(key, value), shares.get(key.raw, 0)
        if hundredths(scalar.raw) != new:
            splices.append(_replace(scalar, percent_text(new)))
    known = {key.raw for key, _ in split.entries}
    last = split.entries[-1][0].raw
    added = [_pair(name, share) for name, share in shares.items() if name not in known]
    if added:
        joint = ", " if split.flow else f"{_eol(body)}{' ' * (split.column - 1)}"
        splices.append(_insert(body, split, last, joint.join(added)))
    return splices


def _pair(name: str, share: int) -> str:
    return f"{name}: {percent_text(share)}"


def _insert(body: str, mapping: Mapping, after: str, entry: str) -> Splice:
    """An entry put behind another one, which is a scalar, in the style of the mapping."""
    place = _entry(mapping, after)
    assert place is not None
    end = place[1].end.index
    if mapping.flow:
        return Splice(end, end, f", {entry}")
    line_end = body.find("\n", end)
    line_end = len(body) if line_end < 0 else line_end - (body[line_end - 1] == "\r")
    return Splice(line_end, line_end, f"{_eol(body)}{' ' * (mapping.column - 1)}{entry}")


def _eol(body: str) -> str:
    """The line ending that the file uses."""
    first = body.find("\n")
    return "\r\n" if first > 0 and body[first - 1] == "\r" else "\n"
