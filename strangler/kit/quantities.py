"""Shapes of quantities: durations, sizes and percentages, read from their text.

Percentages never pass through a float: `12.5` is 1250 hundredths because its digits say so.
"""

from __future__ import annotations

import re

from strangler.kit.shapes import Parsed, UnfitError

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_NEAR_BYTES = {"k": "KiB", "m": "MiB", "g": "GiB"}
_TEN_YEARS = 3650 * 86_400.0

_DURATION = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB)?")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
_NUMBER_AND_WORD = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")

_REFERENCE = r".*\$\{.*"


def seconds(text: str) -> float:
    """`250ms` as 0.25; raises UnfitError."""
    if text == "0":
        return 0.0
    parts = _DURATION.fullmatch(text)
    if parts is None:
        raise UnfitError(
            "is not a duration",
            "write a number and one of `ms`, `s`, `m`, `h`, `d`, such as `5s`",
            _nearest_duration(text),
        )
    digits = parts[2] or ""
    value = int(parts[1] + digits) * _MILLISECONDS[parts[3]] / float(1000 * 10 ** len(digits))
    if value > _TEN_YEARS:
        raise UnfitError("is longer than ten years", "write less")
    return value


def positive_seconds(text: str) -> float:
    """A duration that is not 0; raises UnfitError."""
    value = seconds(text)
    if value == 0:
        raise UnfitError("would mean at once", "write a duration above 0, such as `5s`")
    return value


def size(text: str) -> int:
    """`64KiB` as 65536; raises UnfitError."""
    parts = _SIZE.fullmatch(text)
    if parts is None:
        raise UnfitError(
            "is not a size",
            "write whole bytes, or `KiB`, `MiB` or `GiB`, such as `64KiB`",
            _nearest_size(text),
        )
    return int(parts[1]) * _BYTES[parts[2] or ""]


def hundredths(text: str) -> int | None:
    """`12.5` as 1250; None for anything but 0 to 100 with at most two decimals."""
    parts = _PERCENT.fullmatch(text)
    if parts is None:
        return None
    value = int(parts[1]) * 100 + int((parts[2] or "").ljust(2, "0"))
    return value if value <= 10_000 else None


def percent(text: str) -> int:
    """`12.5` as 1250; raises UnfitError."""
    value = hundredths(text)
    if value is None:
        raise UnfitError(
            "is not a percentage",
            "write 0 to 100 with up to two decimals and no sign, such as `12.5`",
            f"write `{text[:-1]}`"
            if hundredths(text[:-1]) is not None and text[-1] == "%"
            else None,
        )
    return value


def percent_text(value: int) -> str:
    """1250 as `12.5`: the shortest text that `hundredths` reads back."""
    whole, rest = divmod(value, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": rf"^(0|[0-9]+(\.[0-9]+)?(ms|s|m|h|d)|{_REFERENCE})$"},
        {"const": 0},
    ]
}

DURATION = Parsed("a duration such as `250ms`, `5s` or `2m`", seconds, _DURATION_SCHEMA)
"""Seconds; 0 where that means off."""

POSITIVE_DURATION = Parsed("a duration such as `5s`", positive_seconds, _DURATION_SCHEMA)
"""Seconds above 0."""

SIZE = Parsed(
    "a size such as `512`, `64KiB` or `1MiB`",
    size,
    {
        "anyOf": [
            {"type": "string", "pattern": rf"^([0-9]+(B|KiB|MiB|GiB)?|{_REFERENCE})$"},
            {"type": "integer", "minimum": 0},
        ]
    },
)
"""Bytes."""

PERCENT = Parsed(
    "a percentage such as `10` or `12.5`",
    percent,
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 100},
            {"type": "string", "pattern": rf"^([0-9]{{1,3}}(\.[0-9]{{1,2}})?|{_REFERENCE})$"},
        ]
    },
)
"""Hundredths of a percent."""


def _nearest_duration(text: str) -> str | None:
    parts = _NUMBER_AND_WORD.fullmatch(text)
    if parts is None:
        return None
    word = parts[2].lower()
    unit = "ms" if word.startswith(("ms", "mil")) else word[:1]
    return f"write `{parts[1]}{unit if unit in _MILLISECONDS else 's'}`"


def _nearest_size(text: str) -> str | None:
    parts = _NUMBER_AND_WORD.fullmatch(text)
    unit = _NEAR_BYTES.get(parts[2][:1].lower()) if parts and "." not in parts[1] else None
    return f"write `{parts[1]}{unit}`" if parts and unit else None
