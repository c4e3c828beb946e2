"""`strangler …`, or a service, as a process of its own, without a second of imports each.

See `support.forked`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from support.forked import STATUS

STRANGLER = (sys.executable, "-W", "error", "-c", "from cli import main; main()")
"""The same command started the long way, for tests of what is measured or of the start itself."""

_SCRIPT = Path(__file__).with_name("forked.py")


@functools.cache
def _server() -> socket.socket:
    """The connection to this process's fork server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            # -P: the folder of this file is no place to import from.
            [sys.executable, "-P", "-W", "error", _SCRIPT, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=_SCRIPT.parents[2],
        )  # fmt: skip

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


class Command:
    """A started `strangler WORDS`; has of `subprocess.Popen` what tests need.

    `module`: another one whose `main` is called instead, `services.reviews.__main__` for one.
    """

    def __init__(
        self, *words: str | Path, module: str = "cli", cwd: Path | None = None,
        env: Mapping[str, str] | None = None, stdout: IO | int, stderr: IO | int,
    ) -> None:  # fmt: skip
        self.args = ["strangler" if module == "cli" else module, *map(str, words)]
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair()
        request = {
            "module": module,
            "words": self.args,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
        }
        with theirs, Path(os.devnull).open("rb") as nothing:
            files = [theirs, nothing, stdout, stderr]
            numbers = [each if isinstance(each, int) else each.fileno() for each in files]
            socket.send_fds(_server(), [json.dumps(request).encode()], numbers)
        (self.pid,) = STATUS.unpack(self._status.recv(STATUS.size))

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                told = self._status.recv(STATUS.size)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            assert told, "the fork server has ended"
            self.returncode = os.waitstatus_to_exitcode(*STATUS.unpack(told))
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    *words: str | Path, module: str = "cli", cwd: Path | None = None,
    env: Mapping[str, str] | None = None, timeout: float = 60,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run `strangler WORDS` to its end. Raises subprocess.TimeoutExpired, once it is killed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = Command(*words, module=module, cwd=cwd, env=env, stdout=out, stderr=err)
        try:
            code = command.wait(timeout)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait(30)
            raise
        return subprocess.CompletedProcess(command.args, code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
