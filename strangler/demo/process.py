"""Programs as children: started in a group of their own, watched, stopped within a bound."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from strangler.demo.failure import DemoError, tail

_LAUNCHER = Path(__file__).with_name("launch.py")
_PAUSE = 0.05
"""Seconds between two looks whether a program is ready."""
_READY_WITHIN = 60.0
_COMMAND_WITHIN = 180.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start, and how it is asked to stop."""

    name: str
    command: tuple[str, ...]
    cwd: Path
    log: Path
    """Takes what the program says on standard error, and on standard output without `output`."""
    output: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    """Seconds from the signal until it is killed."""
    user: str = ""
    """Whom to run as; empty for whoever runs the demo."""


class Running:
    """A program that was started."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self._process = process

    @property
    def pid(self) -> int:
        """The process's number, which is its group's too."""
        return self._process.pid

    async def ready(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until `answers`; raises `DemoError` if the program ends or takes too long."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while not await answers():
                    if self._process.returncode is not None:
                        raise _failed(self.program, _end(self._process.returncode))
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise _failed(self.program, f"did not answer within {_READY_WITHIN:.0f} s") from None

    async def ended(self) -> DemoError:
        """Wait until it ends by itself; why that is a failure."""
        code = await self._process.wait()
        return _failed(self.program, _end(code))

    async def stop(self) -> None:
        """Ask it to end, then end whatever is left of its group."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(self.program.stop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.program.grace):
                    await self._process.wait()
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """End the whole group at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


async def start(program: Program, *, again: bool = False) -> Running:
    """Start a program; it answers when `Running.ready` says so.

    Its log begins anew, unless it is started `again`: then it tells why that was needed.
    """
    with contextlib.ExitStack() as files:
        log = files.enter_context(program.log.open("ab" if again else "wb"))
        output = files.enter_context(program.output.open("ab")) if program.output else log
        process = await asyncio.create_subprocess_exec(
            *_launched(program),
            cwd=program.cwd,
            env=environment(program.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
    return Running(program, process)


async def complete(program: Program) -> None:
    """Run a command to its end; raises `DemoError` if it fails. Cancelling it ends it."""
    running = await start(program)
    try:
        async with asyncio.timeout(_COMMAND_WITHIN):
            code = await running._process.wait()  # noqa: SLF001 - of the same module
    except TimeoutError:
        raise _failed(program, f"took longer than {_COMMAND_WITHIN:.0f} s") from None
    finally:
        await running.stop()
    if code:
        raise _failed(program, f"failed: it {_end(code)}")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The demo's own environment without settings of a gateway or shop that is not ours."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("STRANGLER", "SHOP_", "PG", "DJANGO_")) and key != "DATABASE_URL"
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def _launched(program: Program) -> tuple[str, ...]:
    return (
        sys.executable, "-I", "-S", str(_LAUNCHER),
        str(os.getpid()), str(int(program.stop)), program.user, *program.command,
    )  # fmt: skip


def _end(code: int) -> str:
    """How a process ended; a negative code is the number of the signal that ended it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal, which has no name
        return f"was ended by signal {-code}"


def _failed(program: Program, how: str) -> DemoError:
    return DemoError(
        f"{program.name} {how}.",
        "If the lines above do not say why, begin anew with --fresh.",
        program.log,
        tail(program.log),
    )
