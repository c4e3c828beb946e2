"""The real gateway in front of the real shop: `strangler serve` in a folder of its own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

STRANGLER = (sys.executable, "-c", "from cli import main; main()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, told=lambda: "", seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


class Gateway:
    """A running gateway and its files."""

    def __init__(self, folder: Path, table: str, workers: int = 1) -> None:
        """`table` is a route table without `version:` and `gateway:`."""
        self.folder = folder
        self.port, self.admin = free_port(), free_port()
        self.file = folder / "routes.yaml"
        self.file.write_text(
            f'version: 1\ngateway: {{listen: "127.0.0.1:{self.port}", '
            f'admin: "127.0.0.1:{self.admin}", route_header: X-Route, '
            f"access_log: {{format: off}}}}\n{table}"
        )
        self._log = (folder / "gateway.log").open("wb")
        env = {k: v for k, v in os.environ.items() if not k.startswith("STRANGLER")}
        self.process = subprocess.Popen(
            [*STRANGLER, "serve", "--workers", str(workers)],
            cwd=folder, env=env, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        wait_for(self._ready, self.log)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            return self._read("/readyz") is not None
        return False

    def _read(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.admin}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def status(self) -> dict:
        return json.loads(self._read("/api/status"))

    def workers(self) -> list[int]:
        """The processes that serve, by slot."""
        return [each["pid"] for each in self.status()["workers"]]

    def save(self, change) -> int:
        """Save an edited table under the next version; that version's number."""
        text = change(self.file.read_text())
        version = int(re.search(r"^version: (\d+)", text)[1]) + 1
        new = self.file.with_suffix(".new")
        new.write_text(re.sub(r"^version: \d+", f"version: {version}", text))
        new.replace(self.file)
        return version

    def serves(self, version: int) -> bool:
        """Whether every worker serves that table version."""
        workers = self.status()["workers"]
        return bool(workers) and all(each["version"] == version for each in workers)

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._log.close()
