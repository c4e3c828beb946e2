"""What the tour's ledger means: each thing that is wrong, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from strangler.demo.tour.chance import farthest
from strangler.demo.tour.ledger import Ledger, Page
from strangler.demo.tour.story import NEW, STORY, Phase
from strangler.kit.quantities import percent_text

SHOWN = 3
"""Errors of one phase that are told in full."""


def problems(ledger: Ledger) -> list[str]:
    """Everything that is wrong; empty for a tour that went well."""
    flips = ledger.flips()
    found = [f"version {n} served people and is no phase's" for n in sorted(ledger.strays())]
    for phase in STORY:
        page = ledger.page(phase)
        found += _errors(phase, page)
        if flips[phase.name]:
            found.append(
                f"{phase.name}: users who did not stay on their side: {len(flips[phase.name])}"
            )
        found += _shares(phase, page)
    return found


def _errors(phase: Phase, page: Page) -> Iterator[str]:
    for error in page.errors[:SHOWN]:
        yield f"{phase.name}: {error}"
    if len(page.errors) > SHOWN:
        yield f"{phase.name}: and {len(page.errors) - SHOWN} more errors"
    if not page.sides:
        yield f"{phase.name}: nobody was served on the routes that move"


def _shares(phase: Phase, page: Page) -> Iterator[str]:
    for what, weights, got in (
        ("users", [1] * len(page.sides), page.users_on(NEW)),
        ("requests", page.weights(), page.requests_on(NEW)),
    ):
        wanted = phase.share / 10_000
        if abs(got - wanted * sum(weights)) > farthest(weights, wanted):
            yield (
                f"{phase.name}: {NEW} got {got} of {sum(weights)} {what}, which "
                f"{percent_text(phase.share)} % and chance do not explain"
            )
