"""What the pages and the API must answer: asked of both sides directly before the tour.

Only seeded rows are compared. What the tour itself writes reaches the monolith alone as long as no
relay carries it over, so the shoppers write about products that the readers do not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from strangler.demo.failure import DemoError

WRITTEN = range(2, 5)
"""Products (by key) that the shoppers review."""
READ = range(5, 45)
"""Products that the readers read about."""
REVIEWS = range(1, 3_000, 75)
"""Reviews that are read one by one."""


@dataclass(frozen=True)
class Reference:
    """What a reader may ask for, and the answer."""

    bodies: Mapping[str, bytes]
    """Path -> the bytes that both sides answer."""
    pages: Mapping[str, bytes]
    """Path of a page -> bytes that it holds, whichever side made it."""

    def paths(self) -> Sequence[str]:
        """Everything that there is to read."""
        return (*self.bodies, *self.pages)

    def problem(self, path: str, status: int, body: bytes) -> str | None:
        """What is wrong with an answer; None if it is right."""
        if status != 200:
            return f"GET {path} answered {status}"
        if path in self.bodies:
            same = body == self.bodies[path]
            return None if same else f"GET {path} answered other JSON than before the tour"
        whole = self.pages[path] in body and body.rstrip().endswith(b"</html>")
        return None if whole else f"GET {path} answered something that is not that page"


async def compared(session: aiohttp.ClientSession, old: str, new: str) -> Reference:
    """Ask both sides for everything; raises `DemoError` where they differ."""
    bodies: dict[str, bytes] = {}
    for path in _api_paths():
        bodies[path] = await _body(session, old + path)
        if await _body(session, new + path) != bodies[path]:
            raise DemoError(
                f"The shop and the reviews service answer {path} differently.",
                "The tour needs a folder whose rows are the seeded ones: begin anew with --fresh.",
            )
    pages = {f"/reviews/product/{n}/": f"/reviews/product/{n}/new/".encode() for n in READ}
    return Reference(bodies, pages)


def _api_paths() -> list[str]:
    return [
        *(f"/api/reviews/{number}" for number in REVIEWS),
        *(f"/api/reviews?product={number}" for number in READ),
        *(f"/api/reviews/summary?product={number}" for number in READ),
    ]


async def _body(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        if answer.status != 200:
            raise DemoError(f"{url} answered {answer.status}.", "See the logs of the demo.")
        return await answer.read()
