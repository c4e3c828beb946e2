"""Whether a regular expression is safe to run on what strangers send."""

from __future__ import annotations

import re


def why_refused(pattern: str) -> str | None:
    """Why a pattern may not be used, as the end of `this regular expression ...`, or None."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"does not compile: {error}"
    return None
