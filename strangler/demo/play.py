"""One run of the demo: start, wait or tour, stop."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import strangler
from strangler.demo import news, ports
from strangler.demo.failure import DemoError
from strangler.demo.folder import Folder
from strangler.demo.ports import HOST, Ports
from strangler.demo.screen import Screen
from strangler.demo.stack import Stack
from strangler.demo.tour.guide import tour

USUAL_FOLDER = Path(".demo")
ROUTES = Path(strangler.__file__).parents[1] / "routes.yaml"

Work = Callable[[Stack, Folder, Screen], Awaitable[int]]
"""What happens while the demo runs; its exit code."""


@dataclass(frozen=True)
class Wanted:
    """What a person asked for."""

    tour: bool = False
    folder: Path | None = None
    """None for `.demo`, or for a temporary one on the tour."""
    kafka: str | None = None
    """`host:port` of brokers that run already, `apache` to start one, None for the embedded one."""
    fresh: bool = False
    """Forget what earlier runs left in the folder."""


def main(wanted: Wanted) -> int:
    """Run the demo; the exit code."""
    screen = Screen()
    try:
        with ExitStack() as kept:
            folder = Folder(wanted.folder or _own_folder(kept, wanted))
            kept.enter_context(folder.used())
            return asyncio.run(_run(folder, wanted, screen))
    except DemoError as error:
        screen.failure(error)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 128 + signal.SIGINT


def _own_folder(kept: ExitStack, wanted: Wanted) -> Path:
    if not wanted.tour:
        return USUAL_FOLDER
    folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="strangler-tour-")))
    folder.chmod(0o711)  # PostgreSQL enters it as another user if we are root
    return folder


async def _run(folder: Folder, wanted: Wanted, screen: Screen) -> int:
    if wanted.fresh:
        folder.clear()
    if not ROUTES.exists():
        raise DemoError(
            f"The demo needs the repository's routes.yaml, and there is no {ROUTES}.",
            "Run it in a clone, with `make demo`.",
        )
    if wanted.tour and not folder.is_new():
        raise DemoError(
            f"The tour compares both sides with the seed, and {folder.path} has been used already.",
            "Add --fresh to forget what is there, or leave --dir away.",
        )
    done = folder.prepare(ROUTES)
    usual = ports.ANY if wanted.tour else ports.USUAL
    with ports.chosen(usual) as got:
        screen.other_ports(ports.taken(usual, got))
        stack = Stack(folder, got, done, screen.progress, wanted.kafka)
        return await _with_stack(stack, folder, screen, tour if wanted.tour else _stay)


async def _with_stack(stack: Stack, folder: Folder, screen: Screen, work: Work) -> int:
    """Start, work, stop: whatever ends the work, the stack is stopped."""
    task = asyncio.ensure_future(_start_and(work, stack, folder, screen))
    stopping = _Signals(task, stack)
    try:
        return await task
    except asyncio.CancelledError:
        screen.say("\nStopping ...")
        return STOPPED[work]
    finally:
        await stack.stop()
        stopping.forget()


async def _start_and(work: Work, stack: Stack, folder: Folder, screen: Screen) -> int:
    """Start and work; raises `DemoError` when a part fails: on the tour at once, as it judges."""
    await stack.start()
    _tell_addresses(stack, folder)

    def revived(what: str) -> None:
        _tell_addresses(stack, folder)
        screen.revived(what)

    working = asyncio.ensure_future(work(stack, folder, screen))
    failing = asyncio.ensure_future(stack.failed(None if work is tour else revived))
    try:
        await asyncio.wait((working, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
        return working.result()
    finally:
        working.cancel()
        failing.cancel()
        await asyncio.wait((working, failing))


async def _stay(stack: Stack, folder: Folder, screen: Screen) -> int:
    """Say what there is, and what becomes of the table, until a signal."""
    screen.addresses(stack.ports)
    if stack.goes_on:
        screen.goes_on(await stack.live_version())
    screen.what_next(folder, stack.ports)
    await news.follow(stack.gateway_log, screen)
    raise AssertionError("it is followed until a signal")


STOPPED: Mapping[Work, int] = {_stay: 0, tour: 128 + signal.SIGINT}
"""Exit codes after Ctrl-C: the way to end the demo, and a tour that has judged nothing."""


def _tell_addresses(stack: Stack, folder: Folder) -> None:
    urls = {part: _url(stack.ports, part) for part in vars(stack.ports)}
    new = folder.addresses.with_suffix(".new")
    new.write_text(json.dumps({"urls": urls, "pids": stack.pids}), "utf-8")
    new.replace(folder.addresses)  # who reads it never finds half of it


def _url(chosen: Ports, part: str) -> str:
    return f"http://{HOST}:{getattr(chosen, part)}"


class _Signals:
    """The first Ctrl-C or SIGTERM stops in order, the second at once."""

    def __init__(self, task: asyncio.Future[int], stack: Stack) -> None:
        self._task = task
        self._stack = stack
        self._loop = asyncio.get_running_loop()
        self._came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._stop)

    def forget(self) -> None:
        """Let signals do again what they did."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self._came:
            self._stack.kill()
        self._came = True
        self._task.cancel()
