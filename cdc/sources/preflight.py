"""What a source must have before it can be captured, in findings a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is missing or doubtful at a source."""

    what: str
    """A sentence: "wal_level is replica; logical decoding needs logical"."""
    remedy: str
    """The statement or setting that mends it."""
    fatal: bool = True
    """Whether a stream cannot start with it; a doubt otherwise."""
    applies: bool = True
    """Whether `apply` can do it; a setting that needs a restart or another role cannot be."""


class Preflight(Protocol):
    """Setting a source up for one stream, and removing every trace of it."""

    def check(self) -> Sequence[Finding]:
        """Everything that is missing, in one run. Changes nothing. Raises `SourceError`."""

    def apply(self) -> Sequence[str]:
        """Do what can be done; the statements that were run. May be run again at any time."""

    def undo(self) -> Sequence[str]:
        """Remove every trace of the stream; what other streams use stays. May be run again."""

    def close(self) -> None:
        """End its sessions."""
