"""Shapes of quantities: durations, sizes and percentages, read from their text.

Percentages never pass through a float: `12.5` is 1250 hundredths because its digits say so.
"""

from __future__ import annotations

import re

from strangler.kit.nodes import Node, Scalar
from strangler.kit.reader import Reader
from strangler.kit.shapes import JsonSchema, Shape

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_NEAR_BYTES = {"k": "KiB", "m": "MiB", "g": "GiB"}
_HIGHEST_DURATION = 3650 * 86400.0

DURATION_PATTERN = r"^(0|[0-9]+(\.[0-9]+)?(ms|s|m|h|d)|.*\$\{.*)$"
SIZE_PATTERN = r"^([0-9]+(B|KiB|MiB|GiB)?|.*\$\{.*)$"
PERCENT_PATTERN = r"^([0-9]{1,3}(\.[0-9]{1,2})?|.*\$\{.*)$"


class Duration(Shape[float]):
    """Seconds, from `250ms`, `5s`, `1.5m`, `1h`, `30d`, or `0` where that means off."""

    def __init__(self, *, zero: bool = True) -> None:
        self._zero = zero

    def read(self, node: Node, reader: Reader) -> float | None:
        text = reader.text(node, "a duration such as `250ms`, `5s` or `2m`")
        if text is None:
            return None
        seconds = _seconds(text)
        if seconds is None:
            reader.error(node, f"{_shown(node)} is not a duration: {_duration_hint(node, text)}")
        elif seconds == 0 and not self._zero:
            reader.error(node, "0 would mean at once: write a duration above 0, such as `5s`")
        elif seconds > _HIGHEST_DURATION:
            reader.error(node, f"{_shown(node)} is longer than ten years: write less")
        else:
            return seconds
        return None

    def schema(self) -> JsonSchema:
        return {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"const": 0}]}


class Size(Shape[int]):
    """Bytes, from `512`, `64KiB`, `1MiB`, `2GiB`."""

    def read(self, node: Node, reader: Reader) -> int | None:
        text = reader.text(node, "a size such as `512`, `64KiB` or `1MiB`")
        if text is None:
            return None
        parts = re.fullmatch(r"([0-9]{1,15})(B|KiB|MiB|GiB)?", text)
        if parts is None:
            reader.error(node, f"{_shown(node)} is not a size: {_size_hint(node, text)}")
            return None
        return int(parts[1]) * _BYTES[parts[2] or ""]

    def schema(self) -> JsonSchema:
        return {
            "anyOf": [
                {"type": "string", "pattern": SIZE_PATTERN},
                {"type": "integer", "minimum": 0},
            ]
        }


class Percent(Shape[int]):
    """Hundredths of a percent, from `0` to `100` with up to two decimals."""

    def read(self, node: Node, reader: Reader) -> int | None:
        text = reader.text(node, "a percentage such as `10` or `12.5`")
        if text is None:
            return None
        value = hundredths(text)
        if value is None:
            reader.error(
                node,
                f"{_shown(node)} is not a percentage:"
                " write 0 to 100 with up to two decimals and no sign, such as `12.5`",
            )
        return value

    def schema(self) -> JsonSchema:
        return {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.01},
                {"type": "string", "pattern": PERCENT_PATTERN},
            ]
        }


def hundredths(text: str) -> int | None:
    """`12.5` as 1250; None for what is no percentage of at most two decimals."""
    parts = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?", text, re.ASCII)
    if parts is None:
        return None
    value = int(parts[1]) * 100 + int((parts[2] or "").ljust(2, "0"))
    return value if value <= 10_000 else None


def percent_text(value: int) -> str:
    """1250 as `12.5`: the shortest text that `hundredths` reads back."""
    whole, rest = divmod(value, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)


def _seconds(text: str) -> float | None:
    if text == "0":
        return 0.0
    parts = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?(ms|s|m|h|d)", text, re.ASCII)
    if parts is None:
        return None
    digits = parts[2] or ""
    number = int(parts[1] + digits)
    return number * _MILLISECONDS[parts[3]] / (1000 * 10 ** len(digits))


def _duration_hint(node: Node, text: str) -> str:
    number = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text)
    if number and _is_literal(node):
        unit = number[2].lower()
        if unit[:2] in {"ms", "mi"}:
            unit = "ms" if unit.startswith("ms") or unit.startswith("mil") else "m"
        unit = unit[:1] if unit != "ms" else unit
        return f"write `{number[1]}{unit if unit in _MILLISECONDS else 's'}`"
    return "write a number and one of `ms`, `s`, `m`, `h`, `d`, such as `5s`"


def _size_hint(node: Node, text: str) -> str:
    number = re.fullmatch(r"([0-9]+)\s*([A-Za-z]*)", text)
    if number and _is_literal(node):
        unit = _NEAR_BYTES.get(number[2][:1].lower())
        if unit:
            return f"write `{number[1]}{unit}`"
    return "write whole bytes or `KiB`, `MiB`, `GiB`, such as `64KiB`"


def _is_literal(node: Node) -> bool:
    """Whether the text may be shown: it does not come from a variable."""
    return isinstance(node, Scalar) and node.text == node.raw


def _shown(node: Node) -> str:
    return node.shown if isinstance(node, Scalar) else "this"
