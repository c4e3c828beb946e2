"""Shapes that several sections use: header names and values, labels, timeouts."""

from __future__ import annotations

from strangler.config.model import Timeouts
from strangler.kit.quantities import DURATION
from strangler.kit.records import Field, MapOf, Record
from strangler.kit.shapes import text

TCHAR = r"[!#$%&'*+.^_`|~0-9A-Za-z-]"
"""A character of a token (RFC 9110, section 5.6.2)."""

HEADER_NAME = text(
    "a header's name",
    r"[!#$%&'*+.^`|~0-9A-Za-z-]+",
    "use letters, digits and `-`; names with `_` are dropped by the gateway,"
    " as WSGI cannot tell them from those with `-`",
)
HEADER_VALUE = text(
    "a header's value",
    r"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?",
    "use printable characters of Latin-1, no line breaks, and no blanks around it",
)
COOKIE_NAME = text("a cookie's name", rf"{TCHAR}+", "use letters, digits, `-` and `_`")
TOKEN = text("a token", rf"{TCHAR}+", "use letters, digits, `-` and `_`")
TEXT = text()
OWNER = text("the name of a team", r"[^\r\n]{1,100}", "use one line of at most 100 characters")
FILE = text("the path of a file", r"[^\0\r\n]+", "write a path")
LABELS = MapOf(
    text(
        "a label's name",
        r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}",
        "use up to 63 letters, digits, `.`, `_`, `/` and `-`",
    ),
    TEXT,
    "`labels`",
)

TIMEOUTS = Record(
    "`timeouts`",
    [
        Field("connect", DURATION, "From the first SYN to a usable connection. Default 5s."),
        Field(
            "first_byte", DURATION, "From request's end to the answer's first byte. Default 60s."
        ),
        Field("idle", DURATION, "Between two bytes of a body or on a tunnel. Default 60s."),
        Field("total", DURATION, "The whole exchange, retries included. Default off."),
    ],
    Timeouts,
)
