"""The phases of the tour, in their order."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "reviews"
OLD, NEW = "legacy", "reviews"
MOVED_ROUTES = frozenset({"reviews-api", "reviews-pages"})
"""The routes of the group, as routes.yaml names them."""


@dataclass(frozen=True)
class Phase:
    """What is asked of the gateway, and what it must then do."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    """Words after `strangler`; the phase begins with the table version of the last."""
    share: int
    """What the new side must get, in hundredths of a percent."""
    grows: bool = True
    """Whoever was on the new side before must still be there."""


STORY = (
    # The repository's table is half way through; the story begins before that.
    Phase("baseline", (("canary", "notices", "0"), ("canary", GROUP, "0")), 0),
    Phase("canary 1 %", (("canary", GROUP, "1"),), 100),
    Phase("canary 10 %", (("canary", GROUP, "10"),), 1_000),
    Phase("canary 50 %", (("canary", GROUP, "50"),), 5_000),
    Phase("cutover", (("cutover", GROUP),), 10_000),
    Phase("rollback", (("rollback", GROUP),), 0, grows=False),
)
