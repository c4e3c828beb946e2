"""The table of a comparison, for a terminal of 80 columns, and the same for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.against.verdict import Compared
from bench.tables import NOTHING, number

_HEAD = ("", "base µs", "this µs", "ratio", "95 % interval", "counted", "verdict")


def table(found: Sequence[Compared]) -> list[str]:
    """A line for each case below a head."""
    rows = [_HEAD, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return [_line(row, widths) for row in rows]


def _row(each: Compared) -> Sequence[str]:
    interval = each.interval
    return (
        each.case,
        number(each.base_us),
        number(each.this_us),
        f"{each.ratio:.3f}",
        f"{interval[0]:.3f}{NOTHING}{interval[1]:.3f}" if interval else NOTHING,
        f"{each.count_ratio:.4f}" if each.count_ratio else NOTHING,
        each.verdict.value,
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *middle, last = row
    cells = [text.rjust(width) for text, width in zip(middle, widths[1:-1], strict=True)]
    return "  ".join([first.ljust(widths[0]), *cells, last])


def as_json(each: Compared) -> dict[str, Any]:
    """A case with its rounds."""
    return {
        "case": each.case,
        "base_us": each.base_us,
        "this_us": each.this_us,
        "ratio": each.ratio,
        "interval": each.interval,
        "ratios": list(each.ratios),
        "instructions": each.instructions,
        "verdict": each.verdict.value,
    }
