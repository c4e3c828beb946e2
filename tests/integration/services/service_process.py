"""An extracted service as a process of its own, on a port that the system chose."""

import contextlib
import json
import os
from collections.abc import Iterator
from queue import Queue
from threading import Thread

from support import commands


def environment(database_url: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}


def schema(service: str, database_url: str, code: int = 0) -> str:
    """Runs `schema` and gives back what it wrote to standard error."""
    done = commands.run(
        "schema", module=f"services.{service}.__main__", env=environment(database_url)
    )
    assert done.returncode == code, done.stderr
    return done.stderr


class Process:
    """A started service; its events are read from its standard error."""

    def __init__(self, service: str, database_url: str) -> None:
        reads, writes = os.pipe()
        self._log = os.fdopen(reads)
        with os.fdopen(writes, "wb") as log:
            self.popen = commands.Command(
                *("serve", "--listen", "127.0.0.1:0"), module=f"services.{service}.__main__",
                env=environment(database_url), stdout=log, stderr=log,
            )  # fmt: skip
        self.port = 0
        self._lines: Queue[str | None] = Queue()
        # Read all the time: a full pipe would stop the service.
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._log:
            for line in self._log:
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
