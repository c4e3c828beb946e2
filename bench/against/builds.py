"""Installs a side into a folder of its own, in the same way for both sides.

`.bench/TREE/` holds the exported files and a virtual environment. It is used again by whatever has
the same files and wants the same packages; its stamp, written last, says that it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench.against.commits import Code, export
from bench.processes import Child

FOLDER = ".bench"
KEPT = 4
"""Builds that stay, of 300 MB or so each; the ones used longest ago go first."""
_STAMP = "complete"
APART = {"PYTHONSAFEPATH": "1", "PYTHONPATH": ""}
"""So that a side runs its own code wherever it is started."""


class BuildError(Exception):
    """A side could not be installed; the message carries the end of the output."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared, installed."""

    name: str
    label: str
    folder: Path

    @property
    def command(self) -> Path:
        """Its console script."""
        return self.folder / "venv" / "bin" / "strangler"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.command.with_name("python")

    @staticmethod
    def env(seed: int) -> dict[str, str]:
        """The environment of its processes: what is hashed lies alike on both sides."""
        return {**APART, "PYTHONHASHSEED": str(seed)}


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """No other comparison in this checkout for the length of a block. Raises BuildError.

    It would take the processor that is measured, and could remove what this one runs.
    """
    place = root / FOLDER
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError("another comparison runs in this checkout: wait for its end") from None
        yield


def built(
    root: Path, codes: Sequence[tuple[str, Code]], progress: Callable[[str], None]
) -> list[Side]:
    """The sides (name, code), installed. Raises BuildError or CommitError."""
    place = root / FOLDER
    wanted = _constraints()
    sides = []
    for name, code in codes:
        folder = place / code.tree
        if not complete(folder, wanted):
            progress(f"installing {code.label} into .bench, a minute or so")
            _build(root, code, folder, wanted)
        (folder / _STAMP).touch()
        sides.append(Side(name, code.label, folder))
    prune(place, {side.folder for side in sides})
    return sides


def complete(folder: Path, wanted: str) -> bool:
    """Whether a build is there, whole, with these packages and this Python."""
    stamp = folder / _STAMP
    return stamp.exists() and stamp.read_text() == _mark(wanted)


def prune(place: Path, used: Iterable[Path]) -> None:
    """Remove what is broken, and all but `KEPT` builds; those that are `used` stay."""
    spared = set(used)
    others = [each for each in place.iterdir() if each.is_dir() and each not in spared]
    others.sort(key=_used_at, reverse=True)
    room = max(0, KEPT - len(spared))
    for number, each in enumerate(others):
        if number >= room or not _used_at(each):
            shutil.rmtree(each)


def _used_at(folder: Path) -> float:
    stamp = folder / _STAMP
    return stamp.stat().st_mtime if stamp.exists() else 0.0


def _mark(wanted: str) -> str:
    return sha256(f"{sys.version}\n{wanted}".encode()).hexdigest()


def _constraints() -> str:
    """The packages of this environment without the project itself: the same for both sides."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "freeze",
        "--exclude-editable",
        "--exclude",
        "strangler",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _build(root: Path, code: Code, folder: Path, wanted: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    source.mkdir(parents=True)
    export(root, code.tree, source)
    constraints = folder / "constraints.txt"
    constraints.write_text(wanted)
    python = folder / "venv" / "bin" / "python"
    finish([sys.executable, "-m", "venv", folder / "venv"], folder)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    finish([*install, "--constraint", constraints, source], folder)
    _check_whose_code(python, folder)
    (folder / _STAMP).write_text(_mark(wanted))


def _check_whose_code(python: Path, folder: Path) -> None:
    """A measurement of other code than that of the side would be worse than none."""
    finish([python, "-c", "import cli, strangler; print(cli.__file__, strangler.__file__)"], folder)
    places = (folder / "output").read_text().split()
    if any(not Path(place).is_relative_to(folder / "venv") for place in places):
        raise BuildError(f"the installed code is not what runs: {', '.join(places)}")


def finish(command: Sequence[str | Path], folder: Path) -> None:
    """Run a command to its end, its output in `folder`. Raises BuildError.

    All that it has started is ended where the harness is told to end.
    """
    output = folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            cwd=folder, env={**os.environ, **APART}, start_new_session=True,
        )  # fmt: skip
    with Child(Path(command[0]).name, process, output, 0) as child:
        if process.wait():
            raise BuildError(f"{' '.join(map(str, command[1:4]))}: {child.last_words()}")
