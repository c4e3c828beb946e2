"""Whether a regular expression is safe to run on what strangers send."""

from __future__ import annotations

import re

from strangler.kit.shapes import Parsed, UnfitError


def regex(text: str) -> str:
    """A pattern that compiles; raises UnfitError."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnfitError("does not compile", "mend it", f"{error}") from None
    return text


REGEX = Parsed("a regular expression", regex, {"type": "string"})
