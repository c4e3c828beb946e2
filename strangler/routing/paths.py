"""The ways in which a path may be read, so that no path dodges a route.

Servers disagree about a path's bytes: Django decodes `%2F` and keeps `//` and `..`, others resolve
dot segments first, merge slashes, cut `;parameters` or take a backslash for a slash. Routes are
matched on the *canonical* reading; a path that some server may read otherwise has several
readings, and the table demands that all of them lead to one route.

The canonical reading decodes every percent-escape once, apart from `%2F`, `%5C` and `%25`, which
are kept (in upper case): decoding these would change the path's structure. Hence `%61` is `a`,
`%252F` is never a slash, and bytes that are not UTF-8 stay the bytes they are. The texts in the
route table are put into the same form. Invalid escapes (`%zz`) are ordinary bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_SEGMENTS = 256
"""A path with more segments *and* something to read in two ways is refused: it bounds the work."""

_STRUCTURE = b"/\\%"
_DECODED = {
    b"%02X" % byte: b"%%%02X" % byte if byte in _STRUCTURE else bytes((byte,))
    for byte in range(256)
}
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_PARAMETERS = re.compile(rb";[^/]*")
_SLASHES = re.compile(rb"/{2,}")


def is_plain(path: bytes) -> bool:
    """Whether the path has one reading only, its own bytes. May say no to a plain path."""
    text = path.decode("latin-1")  # searching a str for a character is much faster than bytes
    return not (
        "%" in text
        or "//" in text
        or "/." in text
        or ";" in text
        or "\\" in text
        or "#" in text
        or "\0" in text
    )


def canonical(path: bytes) -> bytes:
    """The reading that routes are written and matched in; never raises."""
    if b"%" not in path:
        return path
    return _ESCAPE.sub(lambda escape: _DECODED[escape[1].upper()], path)


def readings(path: bytes) -> frozenset[bytes]:
    """Every way a server may read `path`, the canonical one among them; at most 40.

    Empty if the path is to be refused whatever it matches: a NUL (C programs end the text there),
    a `#` (RFC 9112 3.2 has no fragments in a request), or too many segments to try.
    """
    first = canonical(path)
    if is_plain(first):
        return frozenset((first,))
    if b"\0" in first or b"#" in path or _segments(first) > MAX_SEGMENTS:
        return frozenset()
    found = {first}
    for change in (_decode_separators, _backslash_as_slash, _cut_parameters):
        found |= {change(reading) for reading in found}
    return frozenset(form for reading in found for form in _normal_forms(reading))


def _segments(path: bytes) -> int:
    return path.count(b"/") + path.count(b"\\") + path.count(b"%2F") + path.count(b"%5C")


def _decode_separators(path: bytes) -> bytes:
    return path.replace(b"%2F", b"/").replace(b"%5C", b"\\")


def _backslash_as_slash(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def _cut_parameters(path: bytes) -> bytes:
    return _PARAMETERS.sub(b"", path)


def _merge_slashes(path: bytes) -> bytes:
    return _SLASHES.sub(b"/", path)


def _resolve_dots(path: bytes) -> bytes:
    """RFC 3986 5.2.4: `.` is dropped, `..` takes the segment before it, `/..` is `/`."""
    if b"/." not in path or not path.startswith(b"/"):
        return path
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in {b".", b".."}:
        kept.append(b"")
    return b"/" + b"/".join(kept)


_ORDERS: tuple[tuple[Callable[[bytes], bytes], ...], ...] = (
    (),
    (_merge_slashes,),
    (_resolve_dots,),
    (_merge_slashes, _resolve_dots),
    (_resolve_dots, _merge_slashes),
)
"""Servers that do both do them in either order, and `/a//../b` is then `/b` or `/a/b`."""


def _normal_forms(path: bytes) -> set[bytes]:
    forms = set()
    for order in _ORDERS:
        form = path
        for change in order:
            form = change(form)
        forms.add(form)
    return forms
