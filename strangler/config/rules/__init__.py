"""What must hold across the route table: one function a rule, all of them in `RULES`."""

from __future__ import annotations

from strangler.config.rules.source import Source
from strangler.kit.reader import Reader

__all__ = ["Source", "check_table"]


def check_table(source: Source, reader: Reader) -> None:
    """Ask every rule."""
