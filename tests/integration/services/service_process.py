"""An extracted service as a process of its own, on a port that the system chose."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

ROOT = Path(__file__).parents[3]


def command(service: str, *words: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", f"services.{service}", *words]


def environment(database_url: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}


def schema(service: str, database_url: str, code: int = 0) -> str:
    """Runs `schema` and gives back what it wrote to standard error."""
    done = subprocess.run(
        command(service, "schema"),
        cwd=ROOT, env=environment(database_url), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stderr


class Process:
    """A started service; its events are read from its standard error."""

    def __init__(self, service: str, database_url: str) -> None:
        self.popen = subprocess.Popen(
            command(service, "serve", "--listen", "127.0.0.1:0"),
            cwd=ROOT, env=environment(database_url), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = 0
        self._lines: Queue[str | None] = Queue()
        # Read all the time: a full pipe would stop the service.
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self.popen.stderr:
            for line in self.popen.stderr:
                self._lines.put(line)
        self._lines.put(None)

    def event(self, name: str) -> dict:
        """The next event of that name."""
        while line := self._lines.get(timeout=30):
            event = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"the service ended without {name}")

    def started(self) -> "Process":
        self.port = self.event("service_started")["addresses"][0][1]
        return self

    def ended(self) -> int:
        """Waits for the end; the exit code."""
        code = self.popen.wait(20)
        self._reader.join(20)
        return code

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.ended()


@contextlib.contextmanager
def served(service: str, database_url: str) -> Iterator[Process]:
    process = Process(service, database_url)
    try:
        yield process.started()
    finally:
        process.stop()
