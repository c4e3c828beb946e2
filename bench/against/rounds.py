"""Who is measured when: the sides in turn, so that a machine which slows down slows both.

Pure: `order` says it, the cases do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Each = TypeVar("Each")


def order(sides: Sequence[Each], number: int) -> list[Each]:
    """The sides of a round; each is the first in every other one."""
    return list(sides) if number % 2 == 0 else list(reversed(sides))


def loads(sides: Sequence[Each], number: int) -> list[Each]:
    """The loads of a round, A B B A or B A A B: what drifts evenly falls on both alike."""
    first = order(sides, number)
    return [*first, *reversed(first)]
