"""Commands: a call on the running gateway or on the store, then the file, then the replicas.

Which of the two is decided once per command. A gateway that merely stands at the default address
may be another project's, so it is used only if it serves the same file or the same store.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from strangler.admin.answers import FileNote, as_json
from strangler.admin.calls import CALLS, perform
from strangler.admin.failures import Failure, Kind
from strangler.admin.operations import Operations
from strangler.admin.working_copy import Saved, WorkingCopy

_POLL_SECONDS = 0.1


class Backend(Protocol):
    """Answers calls."""

    def call(self, name: str, body: Mapping[str, Any]) -> Any:
        """The answer as JSON types; raises `Failure`."""
        ...

    def watches(self, file: Path) -> bool:
        """Whether a running gateway makes that file live as soon as it is saved."""
        ...


class StoreBackend:
    """The store itself, where no gateway runs."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def call(self, name: str, body: Mapping[str, Any]) -> Any:
        """Do it here."""
        return perform(self._operations, name, body)

    def watches(self, file: Path) -> bool:  # noqa: ARG002 - there is no gateway
        """Nobody does."""
        return False


@dataclass(frozen=True, slots=True)
class Change:
    """The options that every changing command shares."""

    author: str
    reason: str = ""
    dry_run: bool = False
    wait: float = 10.0
    """Seconds to wait for the replicas; 0 to go on at once."""

    @property
    def body(self) -> dict[str, Any]:
        """As the call wants them."""
        return {"author": self.author, "reason": self.reason, "dry_run": self.dry_run}


class Commands:
    """One command's way to its answer."""

    def __init__(self, backend: Backend, file: WorkingCopy) -> None:
        self._backend = backend
        self._file = file

    def ask(self, name: str, body: Mapping[str, Any] | None = None) -> Any:
        """A question."""
        return self._backend.call(name, body or {})

    def plan(self) -> Any:
        """What the file would change."""
        saved = self._saved()
        return self.ask("plan", {"text": saved.text, "saved": _told(saved)})

    def apply(self, change: Change, *, revert: bool) -> dict[str, Any]:
        """Make the file live."""
        saved = self._saved()
        body = {"text": saved.text, "saved": _told(saved), "revert": revert}
        return self.change("apply", body, change)

    def explain(
        self, *, method: str, target: str, headers: Sequence[str], client: str, from_file: bool
    ) -> Any:
        """Where a request goes; `headers` as `NAME: VALUE`."""
        pairs = [header.partition(":") for header in headers]
        if not all(name.strip() and colon for name, colon, _ in pairs):
            raise Failure(Kind.USAGE, "write a header as -H 'NAME: VALUE'")
        text = {"text": self._saved().text} if from_file else {}
        told = [(name.strip(), value.strip()) for name, _, value in pairs]
        body = {"method": method, "target": target, "headers": told, "client": client}
        return self.ask("explain", {**body, **text})

    def change(self, name: str, body: Mapping[str, Any], change: Change) -> dict[str, Any]:
        """A change of what is live; the file follows, and the replicas are waited for.

        A replica that does not report in time is a `Failure` of kind WAITING; the change is live.
        """
        assert CALLS[name].changes
        answer: dict[str, Any] = self.ask(name, {**body, **change.body})
        if answer["dry_run"]:
            return answer
        note = self._file.follow(answer["previous_text"], answer["text"])
        if note is not None and answer.get("file") is None:
            answer["file"] = as_json(note)
        answer["replicas"] = self._wait(answer["version"], change.wait)
        return answer

    def rebase(self, prefer: str | None, *, dry_run: bool) -> dict[str, Any]:
        """Carry the file's edits onto the live table, in the file.

        The answer says as `watched` whether a gateway makes the file live by itself.
        """
        saved = self._saved()
        watched = self._backend.watches(self._file.path)
        answer: dict[str, Any] = self.ask("rebase", {"text": saved.text, "prefer": prefer})
        if not dry_run and answer["text"] != saved.text:
            self._file.write(answer["text"])
        note = FileNote(str(self._file.path), written=not dry_run)
        return {**answer, "watched": watched, "file": as_json(note)}

    def _saved(self) -> Saved:
        return read_file(self._file)

    def _wait(self, number: int, seconds: float) -> list[dict[str, Any]]:
        """The replicas, once all that live serve that version."""
        deadline = time.monotonic() + seconds
        while seconds > 0:
            replicas: list[dict[str, Any]] = self.ask("replicas")
            late = [each for each in replicas if min(each["served"], default=0) < number]
            if not late:
                return replicas
            if time.monotonic() > deadline:
                names = ", ".join(f"{each['host']} (pid {each['pid']})" for each in late)
                raise Failure(
                    Kind.WAITING,
                    f"version {number} is live in the store, but after {seconds:g} s these have "
                    f"not reported it: {names}. `strangler status --watch` shows when they do",
                )
            time.sleep(_POLL_SECONDS)
        return []


def read_file(file: WorkingCopy) -> Saved:
    """The working copy, which must be there; raises `Failure`."""
    try:
        saved = file.read()
    except (OSError, ValueError) as error:
        raise Failure(Kind.INVALID, f"{file.path} cannot be read: {error}") from error
    if saved is None:
        raise Failure(
            Kind.USAGE, f"there is no {file.path}: name it with --routes, or `strangler init` one"
        )
    return saved


def is_ours(identity: Mapping[str, Any], routes: Path, store: str | None) -> bool:
    """Whether a gateway found at the default address serves this folder.

    `store` is the identity of the local store, None if there is none yet.
    """
    if identity.get("routes") == str(routes.resolve()):
        return True
    if store is not None:
        return identity.get("store") == store
    return not routes.exists()


def _told(saved: Saved) -> dict[str, Any]:
    return {"author": saved.author, "at": saved.at}
