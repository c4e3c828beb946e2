"""Readers of reviews: some come back again and again, some are seen once."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import aiohttp

from strangler.demo.tour.ledger import Ledger, Served
from strangler.demo.tour.reference import Reference

ROUTE_HEADER = "X-Strangler-Route"
TIMEOUT = aiohttp.ClientTimeout(total=20.0)
PAUSE = 0.05
"""Seconds between two requests of one reader's chair."""


@dataclass
class Site:
    """The gateway as people see it; every answer goes into the ledger."""

    url: str
    ledger: Ledger
    connector: aiohttp.TCPConnector
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def person(self) -> Person:
        """Somebody new: no cookies yet. Connections are shared, as behind one company's proxy."""
        session = aiohttp.ClientSession(
            self.url,
            connector=self.connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # "unsafe": the host is an address
            timeout=TIMEOUT,
        )
        return Person(next(self.numbers), session, self.ledger)


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class WrongAnswerError(Exception):
    """A request that failed or was answered wrongly; it is in the ledger."""


@dataclass
class Person:
    """A browser with its cookie jar; asks one thing at a time."""

    number: int
    session: aiohttp.ClientSession
    ledger: Ledger

    async def ask(
        self, method: str, path: str, *, expect: int | None = None, **options: object
    ) -> Answer:
        """Send a request; raises `WrongAnswerError` unless it is answered, and with `expect`."""
        began = time.perf_counter()
        try:
            async with self.session.request(
                method,
                path,
                allow_redirects=False,
                **options,  # type: ignore[arg-type]
            ) as got:
                answer = Answer(got.status, await got.read(), got.headers)
            served = Served.parse(answer.headers[ROUTE_HEADER])
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self.wrong(f"{method} {path} failed: {error!r}") from error
        except (KeyError, ValueError) as error:
            text = f"{method} {path} answered {answer.status} without {ROUTE_HEADER}"
            raise self.wrong(text) from error
        if expect is not None and answer.status != expect:
            raise self.wrong(f"{method} {path} answered {answer.status} instead of {expect}")
        self.ledger.answer(self.number, served, time.perf_counter() - began)
        return answer

    def wrong(self, text: str) -> WrongAnswerError:
        """Note what went wrong, as the exception to raise."""
        self.ledger.error(text)
        return WrongAnswerError(text)

    async def close(self) -> None:
        """Forget the cookies."""
        await self.session.close()


@dataclass
class Readers:
    """Readers with cookies, asked in turn, and passers-by whom nobody sees again."""

    site: Site
    reference: Reference
    random: Random
    stop: asyncio.Event

    def __post_init__(self) -> None:
        self._paths = self.reference.paths()

    async def regulars(self, waiting: deque[Person]) -> None:
        """One chair: let the person who has waited longest read one thing, and so on."""
        while not self.stop.is_set():
            person = waiting.popleft()
            await self._read(person)
            waiting.append(person)
            await asyncio.sleep(PAUSE)

    async def passers_by(self) -> None:
        """Somebody new each time."""
        while not self.stop.is_set():
            person = self.site.person()
            try:
                await self._read(person)
            finally:
                await person.close()
            await asyncio.sleep(PAUSE)

    async def _read(self, person: Person) -> None:
        path = self.random.choice(self._paths)
        try:
            answer = await person.ask("GET", path)
        except WrongAnswerError:
            return
        if problem := self.reference.problem(path, answer.status, answer.body):
            self.site.ledger.error(problem)
