"""The demo's folder: who uses it now, what is done in it already, where its parts are."""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shlex import quote

from strangler.demo import account
from strangler.demo.failure import DemoError
from strangler.rollout.versions import DEFAULT_STORE

LAYOUT = 2
"""Counts up when a later release cannot use what an earlier one left."""


@dataclass(frozen=True)
class Done:
    """What earlier runs did and later ones need not do again."""

    secret: str
    """The shop's key: sessions outlive a restart of the demo."""
    filled: tuple[str, ...] = field(default=())
    """The databases that have their rows."""
    layout: int = LAYOUT


class Folder:
    """One demo's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "log"
        self.gateway_log = self.logs / "gateway.log"
        self.routes = self.path / "routes.yaml"
        self.addresses = self.path / "addresses.json"
        """Where everything answers, for programs; there while the demo runs."""
        self._state = self.path / "state.json"

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Make the folder and keep a second demo out; raises `DemoError`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a")
        except OSError as error:
            raise DemoError(
                f"The demo cannot use the folder {self.path}: {error.strerror}.",
                "Name another one with --dir.",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(
                    f"A demo is running in {self.path} already.",
                    "Stop it with Ctrl-C, or start this one elsewhere with --dir.",
                ) from None
            self.addresses.unlink(missing_ok=True)
            try:
                yield
            finally:
                self.addresses.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget every earlier run. Only what a demo writes is removed."""
        account.forget(self.path)
        for name in (*_FOLDERS, "routes.yaml", "state.json", "env"):
            found = self.path / name
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink(missing_ok=True)

    def prepare(self, routes: Path) -> Done:
        """Make what is missing, with a copy of `routes`; what is done already."""
        self.logs.mkdir(exist_ok=True)
        if not self.routes.exists():
            shutil.copyfile(routes, self.routes)
        return self._read()

    def keep_environment(self, variables: Mapping[str, str]) -> None:
        """Lay down what commands on the demo's table need, for a shell to read: `. ./env`."""
        lines = [f"export {name}={quote(value)}\n" for name, value in variables.items()]
        (self.path / "env").write_text("".join(lines), "utf-8")

    def filled(self, done: Done, name: str) -> Done:
        """Remember that a database has its rows."""
        return self._write(replace(done, filled=(*done.filled, name)))

    def is_new(self) -> bool:
        """Whether no demo has filled anything here."""
        return not self._state.exists()

    def has_table(self) -> bool:
        """Whether a gateway has served a table from here."""
        return (self.path / DEFAULT_STORE).exists()

    def _read(self) -> Done:
        if self.is_new():
            return self._write(Done(secrets.token_urlsafe(40)))
        try:
            found = json.loads(self._state.read_text("utf-8"))
            if found["layout"] == LAYOUT:
                return Done(found["secret"], tuple(found["filled"]))
        except (ValueError, KeyError, TypeError):
            pass
        raise DemoError(
            f"{self.path} was left by another release of the demo, or is damaged.",
            "Begin anew with --fresh.",
        )

    def _write(self, done: Done) -> Done:
        new = self._state.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(done)), "utf-8")
        new.replace(self._state)
        return done


_FOLDERS = ("log", "media", "kafka", ".strangler", "postgres", "postgres.unfinished")
