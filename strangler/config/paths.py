"""Shapes of paths, as they stand in a request: no query, nothing that needs encoding.

What two servers may read in two ways (`//`, `..`, `%2F`) is refused here, because a request with
it is answered with 400 unless all its readings lead to one route. For what is matched that holds
for `;` too, which some servers cut; a path that the gateway itself writes may have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from strangler.kit.shapes import Parsed, UnfitError

_ALLOWED = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SEPARATOR = re.compile(r"%(2[fF]|5[cC]|00)")
_ENCODED_DOT = re.compile(r"%2[eE]")
_SEMICOLON = re.compile(r";|%3[bB]")
_SCHEMA = {"type": "string", "pattern": r"^(/|\$\{)"}


def path(text: str) -> str:
    """A path without parameters; raises UnfitError."""
    if "{" in text or "}" in text:
        raise UnfitError("holds a parameter", "match it with `template:`, which reads `{name}`")
    _check(text)
    return text


def matched_path(text: str) -> str:
    """A path that requests are compared with; raises UnfitError."""
    path(text)
    _check_parameters(text)
    return text


def template(text: str) -> str:
    """A path whose segments are text or `{name}`; raises UnfitError."""
    names = _PARAMETER.findall(text)
    bare = _PARAMETER.sub("x", text)
    if "{" in bare or "}" in bare:
        raise UnfitError(
            "is not a template", "write a parameter as `{name}`, such as `/reviews/{id}`"
        )
    _check(bare)
    _check_parameters(bare)
    if any("{" in part and not _PARAMETER.fullmatch(part) for part in text.split("/")):
        raise UnfitError("mixes text and `{name}` in one segment", "match it with `regex:`")
    if len(set(names)) != len(names):
        raise UnfitError("has a name twice", "give each parameter its own")
    if not names:
        raise UnfitError("has no `{name}`", "match it with `path:`")
    return text


def _check(text: str) -> None:
    if not text.startswith("/"):
        raise UnfitError("does not begin with `/`", "write such as `/reviews`")
    if "?" in text or "#" in text:
        raise UnfitError(
            "goes on after the path", "end it before `?`; match the query with `query:`"
        )
    if _ALLOWED.fullmatch(text) is None or _LOOSE_PERCENT.search(text):
        raise UnfitError(
            "holds a character that is not sent so", "percent-encode it, as in `%C3%A9`"
        )
    _check_single_reading(text)


def _check_single_reading(text: str) -> None:
    if "//" in text:
        raise UnfitError("holds `//`, which servers read in two ways", "write single slashes")
    if any(segment in {".", ".."} for segment in _ENCODED_DOT.sub(".", text).split("/")):
        raise UnfitError("holds `.` or `..` as a segment", "write the path that they lead to")
    if _ENCODED_SEPARATOR.search(text):
        raise UnfitError(
            "holds `%2F`, `%5C` or `%00`, which servers read in two ways", "leave it out"
        )


def _check_parameters(text: str) -> None:
    if _SEMICOLON.search(text):
        raise UnfitError(
            "holds `;`, which servers read in two ways",
            "match the path before it, or both with `regex:`, as in `/a(;.*)?`",
        )


def _shape(what: str, parse: Callable[[str], str]) -> Parsed[str]:
    return Parsed(f"{what} such as `/reviews`", parse, _SCHEMA)


PATH = _shape("a path", path)
PREFIX = _shape("a prefix", path)
MATCHED_PATH = _shape("a path", matched_path)
MATCHED_PREFIX = _shape("a prefix", matched_path)
TEMPLATE = _shape("a template", template)
