"""`strangler demo` as a process in a folder of its own, and all processes below it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

COMMAND = (sys.executable, "-c", "from cli import main; main()", "demo")

START = 240.0
"""Seconds for all parts, on a machine that does other things as well."""


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("STRANGLER")}


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess:
    """A demo that ends by itself."""
    return subprocess.run(
        [*COMMAND, *words], cwd=cwd, env=environment(), capture_output=True, text=True, timeout=150
    )


class Demo:
    """A demo that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self._output = folder / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "--dir", str(self.folder)],
                cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        told = self.folder / "addresses.json"
        try:
            wait_for(
                lambda: self.process.poll() is not None or self._complete(told), self.output, START
            )
            assert self.process.poll() is None, self.output()
        except BaseException:
            self.process.kill()  # nobody else would: what is below ends with it
            raise
        told = json.loads(told.read_text())
        self.urls, self.pids = told["urls"], told["pids"]
        self.below = psutil.Process(self.process.pid).children(recursive=True)

    def pid(self, part: str) -> int | None:
        """The process that is this part now; None when the demo is ending."""
        try:
            told = (self.folder / "addresses.json").read_text()
        except FileNotFoundError:
            return None
        return json.loads(told)["pids"][part]

    def _complete(self, told: Path) -> bool:
        return told.exists() and "Ctrl-C" in self.output()

    def output(self) -> str:
        return self._output.read_text()

    def signal(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def nothing_left(self) -> bool:
        """Whether every process that was below the demo has ended."""
        return not [each for each in self.below if alive(each)]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()  # what is below ends with it
            self.process.wait(10)
        wait_for(self.nothing_left)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, told=lambda: "", seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
