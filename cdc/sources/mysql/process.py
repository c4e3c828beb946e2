"""The reading process, seen from its parent: started, listened to, ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from cdc.relay.ports import SourceError
from cdc.sources.mysql.messages import FAILURE, Frames, Message

_CHUNK = 1 << 20


class Reading:
    """One reading process. What it needs to know, a password included, goes through its input."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cdc.sources.mysql.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._frames = Frames()
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        try:
            self._stdin.write(json.dumps(settings).encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError:
            self.close()
            raise SourceError("the reading process did not start", temporary=True) from None

    def messages(self, timeout: float) -> list[Message]:
        """The next frame; empty when none was complete in `timeout`. Raises `SourceError`."""
        deadline = time.monotonic() + timeout
        while True:
            found = self._frames.take()
            if found:
                return self._checked(found)
            left = max(0.0, deadline - time.monotonic())
            if not self._poll.poll(left * 1000):
                return []
            data = os.read(self._stdout.fileno(), _CHUNK)
            if not data:
                raise self._gone()
            self._frames.feed(data)

    @staticmethod
    def _checked(found: list[Message]) -> list[Message]:
        if found[-1][0] == FAILURE:
            _, said, temporary = found[-1]
            raise SourceError(said, temporary=temporary)
        return found

    def _gone(self) -> SourceError:
        self._process.kill()  # no harm where it has ended; and a bounded wait where it has not
        code = self._process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        return SourceError(f"the process that reads the binlog {how}", temporary=True)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()
