"""What a comparison found. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from cdc.change import Value

KEPT = 1_000
"""Differences of a table that are kept; the counts are exact."""


class Outcome(StrEnum):
    """The answer in one word."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """It could not be told, for the reason given."""


EXIT_CODES: Mapping[Outcome, int] = {Outcome.EQUAL: 0, Outcome.DIFFERENT: 1, Outcome.UNKNOWN: 3}
UNREACHABLE: Final = 5
"""Where a server cannot be reached: the exit code of every command for it."""


class Lack(StrEnum):
    """How a row differs."""

    MISSING = "missing"
    """It is at the source only."""
    EXTRA = "extra"
    """It is at the target only."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that differs."""

    kind: Lack
    key: tuple[Value, ...]
    """In the source's order and the forms of docs/formats.md: what a repair is asked with."""
    columns: tuple[str, ...] = ()
    """The source's columns that differ."""
    source: Mapping[str, str | None] | None = None
    """Canonical texts of those columns; None unless values were asked for."""
    target: Mapping[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table."""

    table: str
    to: str
    source_rows: int
    """As counted while rows were hashed: under writes, of no single moment."""
    target_rows: int
    ranges: int
    seconds: float
    missing: int
    extra: int
    different: int
    unsettled: int
    """Keys whose rows were written between every two looks."""
    differences: tuple[Difference, ...]
    """The first ones."""
    left_out: tuple[tuple[str, str], ...]
    """Columns that were not compared, and why."""
    how: str
    """`ranges`, `buckets`, or why rows were compared in Python."""
    clean_at: int
    """Everything but the differences was equal when this marker had passed."""
    checked_at: float

    @property
    def outcome(self) -> Outcome:
        """The table's answer."""
        if self.missing or self.extra or self.different:
            return Outcome.DIFFERENT
        return Outcome.UNKNOWN if self.unsettled else Outcome.EQUAL


@dataclass(frozen=True, slots=True)
class Report:
    """One stream."""

    stream: str
    tables: tuple[TableReport, ...]
    seconds: float
    checked_at: float
    """Seconds since 1970."""
    reason: str | None = None
    """Why nothing more can be said; None where all tables were compared."""
    unreachable: bool = False
    """Whether it is because a server cannot be reached."""

    @property
    def outcome(self) -> Outcome:
        """A difference that was found stays one, whatever else is unknown."""
        found = {table.outcome for table in self.tables}
        if Outcome.DIFFERENT in found:
            return Outcome.DIFFERENT
        return Outcome.UNKNOWN if self.reason or Outcome.UNKNOWN in found else Outcome.EQUAL

    @property
    def exit_code(self) -> int:
        """0 equal, 1 different, 3 unknown, 5 where a server could not be reached."""
        if self.outcome is Outcome.UNKNOWN and self.unreachable:
            return UNREACHABLE
        return EXIT_CODES[self.outcome]

    def to_json(self) -> str:
        """One JSON object."""
        tables = [asdict(table) | {"outcome": table.outcome} for table in self.tables]
        return json.dumps(asdict(self) | {"tables": tables, "outcome": self.outcome})


def value_of(kind: str, text: str | None) -> Value:
    """A key's value in the form of docs/formats.md, from its canonical text."""
    import base64

    if text is None:
        return None
    match kind:
        case "integer":
            return int(text)
        case "boolean":
            return text == "1"
        case "float":
            return text if text[-1:].isalpha() else float(text)
        case "binary":
            return base64.b64encode(bytes.fromhex(text)).decode()
        case "uuid":
            import uuid

            return str(uuid.UUID(text))
        case "timestamptz":
            return text + "+00"
    return text
