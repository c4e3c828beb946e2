"""Which table a gateway starts with.

The store is the truth: a file that is older, broken or in conflict is reported and waits. Only
where the store is still empty does the file decide, and then it must be right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strangler.admin.failures import Failure, Kind, translated
from strangler.admin.judge import Edit
from strangler.admin.operations import CheckText, Operations, Who
from strangler.admin.publisher import Refusals, compiled
from strangler.admin.working_copy import Saved
from strangler.config.model import Table
from strangler.rollout.document import version_of
from strangler.rollout.versions import Source


@dataclass(frozen=True, slots=True)
class Start:
    """What a gateway starts with."""

    table: Table
    number: int


def first_load(
    operations: Operations,
    check: CheckText,
    saved: Saved | None,
    refusals: Refusals,
    can_serve: Callable[[Table], None],
) -> Start:
    """The table to start with; raises `Failure` if there is none that can be used.

    `can_serve` raises `Failure` if this host cannot serve a table: asked before a first version
    is made, as a number that nobody saw live would only be in its author's way.
    """
    if saved is not None:
        with translated():
            first = check(saved.text).table if operations.store.number() == 0 else None
        if first is not None:
            can_serve(first)
        _offer(operations, saved, refusals)
    with translated():
        live = operations.store.newest()
        if live is None:
            raise nothing_to_serve()
        return Start(compiled(live, check), live.number)


def nothing_to_serve() -> Failure:
    """Neither a file nor a version in the store."""
    return Failure(
        Kind.NOT_FOUND,
        "there is no routes.yaml and the store is empty: `strangler init` writes a first",
    )


def _offer(operations: Operations, saved: Saved, refusals: Refusals) -> None:
    """Apply the file; what speaks against it stops only the very first start."""
    try:
        operations.apply(
            saved.text,
            Who(saved.author, "at the gateway's start"),
            saved=Edit(saved.author, saved.at),
            source=Source.FILE,
        )
    except Failure as failure:
        if operations.store.number() == 0:
            raise
        refusals.add(version_of(saved.text) or 0, (*failure.problems, failure.message))
