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
    """The answers, filed under the phase whose table version served them.

    A request that was under way while the table changed is thereby judged by what was asked of it,
    not by the moment at which its answer came.
    """

    def __init__(self, story: Sequence[Phase]) -> None:
        self.pages = {phase.name: Page() for phase in story}
        self._story = story
        self._begun: list[tuple[int, str]] = []
        """First table version and name of each phase, rising."""

    def begin(self, phase: Phase, version: int) -> None:
        """From this table version on it is that phase."""
        self._begun.append((version, phase.name))

    def answer(self, user: int, served: Served, seconds: float) -> None:
        """Note an answer that was as it should be."""
        page = self.pages[self._phase_of(served.version)]
        page.seconds.append(seconds)
        if served.route in MOVED_ROUTES:
            page.sides[user][served.upstream] += 1

    def error(self, text: str) -> None:
        """Note a request that failed, or whose answer was wrong."""
        self.pages[self._begun[-1][1]].errors.append(text)

    def seen(self, phase: Phase, users: Iterable[int]) -> bool:
        """Whether each of the users was served in a phase."""
        return self.pages[phase.name].sides.keys() >= set(users)

    def flips(self) -> dict[str, set[int]]:
        """The users who were moved where they must not be, by phase.

        Both sides within one phase is a flip; so is the old side after the new one while the
        share grows.
        """
        moved_on: set[int] = set()
        flipped: dict[str, set[int]] = {}
        for phase in self._story:
            sides = self.pages[phase.name].sides
            flipped[phase.name] = {user for user, seen in sides.items() if len(seen) > 1}
            if phase.grows:
                back = {user for user in moved_on & sides.keys() if set(sides[user]) != {NEW}}
                flipped[phase.name] |= back
                moved_on |= {user for user, seen in sides.items() if NEW in seen}
        return flipped

    def _phase_of(self, version: int) -> str:
        return next(name for first, name in reversed(self._begun) if first <= version)
