"""Every answer that the people of the tour got, by phase."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from strangler.demo.tour.story import MOVED_ROUTES, NEW, Phase


@dataclass(frozen=True, slots=True)
class Served:
    """Who served an answer, as the gateway's route header says: `ROUTE;UPSTREAM;vN`."""

    route: str
    upstream: str
    version: int

    @classmethod
    def parse(cls, value: str) -> Served:
        """Raises ValueError."""
        route, upstream, version = value.split(";")
        return cls(route, upstream, int(version.removeprefix("v")))


@dataclass
class Page:
    """What happened in one phase."""

    seconds: list[float] = field(default_factory=list)
    """How long each answer took, the last byte included."""
    errors: list[str] = field(default_factory=list)
    sides: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """User -> upstream -> answers, on the routes that move."""

    def users_on(self, side: str) -> int:
        """How many users a side answered at least once."""
        return sum(side in seen for seen in self.sides.values())

    def requests_on(self, side: str) -> int:
        """How many requests of the moving routes a side answered."""
        return sum(seen[side] for seen in self.sides.values())

    def weights(self) -> list[int]:
        """How many requests of the moving routes each user made."""
        return [seen.total() for seen in self.sides.values()]

    def quantile(self, share: float) -> float:
        """Seconds within which that share of the answers came; nan if there were none."""
        ordered = sorted(self.seconds)
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


class Ledger:
    """The answers, filed by the table version that served them.

    A version serves its first requests before the command that made it has returned, and its last
    ones after the next has begun. Filed by the clock, both would look like people who were moved.
    """

    def __init__(self, story: Sequence[Phase]) -> None:
        self._story = story
        self._pages: dict[int, Page] = defaultdict(Page)
        self._versions: dict[str, int] = {}
        """The table version of each phase that has begun, in their order."""

    def begin(self, phase: Phase, version: int) -> None:
        """That table version is that phase."""
        self._versions[phase.name] = version

    def answer(self, user: int, served: Served, seconds: float) -> None:
        """Note an answer that was as it should be."""
        page = self._pages[served.version]
        page.seconds.append(seconds)
        if served.route in MOVED_ROUTES:
            page.sides[user][served.upstream] += 1

    def error(self, text: str) -> None:
        """Note a request that failed, or whose answer was wrong."""
        self._pages[max(self._versions.values())].errors.append(text)

    def page(self, phase: Phase) -> Page:
        """What happened in a phase; empty if it has not begun."""
        version = self._versions.get(phase.name)
        return Page() if version is None else self._pages[version]

    def strays(self) -> set[int]:
        """Table versions that served somebody and belong to no phase."""
        return self._pages.keys() - set(self._versions.values())

    def seen(self, phase: Phase, users: Iterable[int]) -> bool:
        """Whether each of the users was served in a phase."""
        return self.page(phase).sides.keys() >= set(users)

    def flips(self) -> dict[str, set[int]]:
        """The users who were moved where they must not be, by phase.

        Both sides within one phase is a flip; so is the old side after the new one while the
        share grows.
        """
        moved_on: set[int] = set()
        flipped: dict[str, set[int]] = {}
        for phase in self._story:
            sides = self.page(phase).sides
            flipped[phase.name] = {user for user, seen in sides.items() if len(seen) > 1}
            if phase.grows:
                back = {user for user in moved_on & sides.keys() if set(sides[user]) != {NEW}}
                flipped[phase.name] |= back
                moved_on |= {user for user, seen in sides.items() if NEW in seen}
        return flipped
