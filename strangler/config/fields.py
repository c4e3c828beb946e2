"""Shapes that several sections use: header names and values, labels, timeouts, paths."""

from __future__ import annotations

import re

from strangler.config.model import Timeouts
from strangler.kit.nodes import Node
from strangler.kit.quantities import Duration
from strangler.kit.reader import Reader
from strangler.kit.records import Field, MapOf, Record
from strangler.kit.shapes import JsonSchema, Shape, Text

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""RFC 9110, section 5.6.2."""

HEADER_NAME = Text(
    "a header's name",
    r"[!#$%&'*+.^`|~0-9A-Za-z-]+",
    "use letters, digits and `-`; names with `_` are dropped by the gateway,"
    " as WSGI cannot tell them from those with `-`",
)
HEADER_VALUE = Text(
    "a header's value",
    r"[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?|",
    "use printable characters of Latin-1, no line breaks, and no blanks around it",
)
COOKIE_NAME = Text("a cookie's name", TOKEN, "use letters, digits, `-` and `_`")
TEXT = Text()
OWNER = Text("the name of a team", r"[^\r\n]{1,100}", "use one line of at most 100 characters")
LABELS = MapOf(
    Text(
        "a label's name",
        r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}",
        "use letters, digits, `.`, `_`, `/`, `-`",
    ),
    Text("a label's value"),
    "`labels`",
)
FILE = Text("the path of a file", r"[^\0\r\n]+", "write a path")

TIMEOUTS = Record(
    "`timeouts`",
    [
        Field("connect", Duration(), "From the first SYN to a usable connection. Default 5s."),
        Field(
            "first_byte", Duration(), "From the request's end to the answer's begin. Default 60s."
        ),
        Field("idle", Duration(), "Between two bytes of a body or on a tunnel. Default 60s."),
        Field("total", Duration(), "The whole exchange, retries included. Default off."),
    ],
    Timeouts,
)


class PathText(Shape[str]):
    """An absolute path as it stands in a request: no query, nothing that needs encoding."""

    _ALLOWED = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")

    def __init__(self, what: str = "a path", *, braces: bool = False) -> None:
        self._what = what
        self._braces = braces

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, f"{self._what} such as `/reviews`")
        if text is None:
            return None
        wrong = self._wrong(text)
        if wrong:
            reader.error(node, wrong)
            return None
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^(/|\$\{)"}

    def _wrong(self, text: str) -> str | None:
        """What is wrong with a path, in a whole sentence, or None."""
        if not text.startswith("/"):
            return f"{self._what} begins with `/`: write such as `/reviews`"
        if "?" in text or "#" in text:
            return f"{self._what} ends before `?` or `#`: match the query under `query:`"
        bare = re.sub(r"\{[A-Za-z_][A-Za-z0-9_]*\}", "x", text) if self._braces else text
        if "{" in bare or "}" in bare:
            return self._wrong_braces()
        if self._ALLOWED.fullmatch(bare) is None or re.search(r"%(?![0-9A-Fa-f]{2})", bare):
            return f"{self._what} is written as it is sent: percent-encode this character as in `%C3%A9`"
        return _dodging(bare)

    def _wrong_braces(self) -> str:
        if self._braces:
            return "a parameter is `{name}` with letters, digits and `_`: write such as `/reviews/{id}`"
        return f"{self._what} holds no `{{name}}`: use `template:` for parameters"


def _dodging(path: str) -> str | None:
    """Paths that different servers read differently; a request with one answers 400."""
    if "//" in path:
        return "`//` is read in more than one way: write single slashes"
    if any(segment in {".", ".."} for segment in path.split("/")):
        return (
            "the segments `.` and `..` are read in more than one way: write the path they lead to"
        )
    if re.search(r"%(2[fF]|5[cC]|00)", path):
        return "`%2F`, `%5C` and `%00` are read in more than one way: leave them out"
    return None
