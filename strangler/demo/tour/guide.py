"""Plays the story: starts the people, moves them, waits until everybody was seen."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import aiohttp

from strangler.demo.folder import Folder
from strangler.demo.ports import HOST
from strangler.demo.screen import Screen
from strangler.demo.stack import Stack
from strangler.demo.tour import report, verdict
from strangler.demo.tour.command import CommandLine
from strangler.demo.tour.ledger import Ledger
from strangler.demo.tour.people import Person, Readers, Site
from strangler.demo.tour.reference import compared
from strangler.demo.tour.shoppers import Shopper
from strangler.demo.tour.story import NEW, OLD, STORY, Phase

REGULARS = 150
CHAIRS = 6
"""Regulars who read at the same time."""
PASSERS_BY = 4
"""Passers-by at the same time."""
SHOPPERS = ("member1", "member2", "member3")
AT_LEAST = 3.0
"""Seconds that a phase lasts."""
AT_MOST = 20.0
"""Seconds within which every regular must have been served in a phase."""


async def tour(stack: Stack, folder: Folder, screen: Screen) -> int:
    """The tour on a running demo; the exit code."""
    began = time.monotonic()
    ledger = Ledger(STORY)
    strangler = CommandLine(folder, stack.ports)
    await _begin(STORY[0], ledger, strangler, screen)
    async with _site(stack, ledger) as site, _people(site, stack) as regulars:
        for phase in STORY:
            if phase is not STORY[0]:
                await _begin(phase, ledger, strangler, screen)
            await _stay(phase, ledger, regulars)
    problems = verdict.problems(ledger)
    report.show(screen, ledger, problems, time.monotonic() - began)
    return 1 if problems else 0


async def _begin(phase: Phase, ledger: Ledger, strangler: CommandLine, screen: Screen) -> None:
    began = time.monotonic()
    for words in phase.commands:
        version = await strangler(*words)
        if words != phase.commands[-1]:
            continue
        ledger.begin(phase, version)
    screen.progress(f"strangler {' '.join(phase.commands[-1])}", time.monotonic() - began)


async def _stay(phase: Phase, ledger: Ledger, regulars: list[Person]) -> None:
    """Let the phase last until all regulars were served in it."""
    numbers = [person.number for person in regulars]
    await asyncio.sleep(AT_LEAST)
    try:
        async with asyncio.timeout(AT_MOST):
            while not ledger.seen(phase, numbers):  # noqa: ASYNC110 - pure, it has no events
                await asyncio.sleep(0.05)
    except TimeoutError:
        ledger.error(f"not every regular reader was served within {AT_MOST:.0f} s")


@asynccontextmanager
async def _site(stack: Stack, ledger: Ledger) -> AsyncIterator[Site]:
    connector = aiohttp.TCPConnector(limit=0)
    try:
        yield Site(f"http://{HOST}:{stack.ports.gateway}", ledger, connector)
    finally:
        await connector.close()


@asynccontextmanager
async def _people(site: Site, stack: Stack) -> AsyncIterator[list[Person]]:
    """Everybody, busy until the block ends; each finishes what they are doing then."""
    async with aiohttp.ClientSession() as session:
        sides = (f"http://{HOST}:{getattr(stack.ports, side)}" for side in (OLD, NEW))
        reference = await compared(session, *sides)
    stop, random = asyncio.Event(), Random(2026)
    readers = Readers(site, reference, random, stop)
    regulars = [site.person() for _ in range(REGULARS)]
    waiting = deque(regulars)
    try:
        async with asyncio.TaskGroup() as group:
            for member in SHOPPERS:
                group.create_task(Shopper(member, site, random, stop).shop())
            for _ in range(CHAIRS):
                group.create_task(readers.regulars(waiting))
            for _ in range(PASSERS_BY):
                group.create_task(readers.passers_by())
            try:
                yield regulars
            finally:
                stop.set()
    finally:
        for person in regulars:
            await person.close()
