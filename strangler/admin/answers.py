"""What operations answer: plain data, the same over HTTP, for `--json` and for a terminal."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from strangler.rollout.plan import Change
from strangler.rollout.versions import TableVersion


@dataclass(frozen=True, slots=True)
class FileNote:
    """What became of a working copy."""

    path: str
    written: bool
    note: str = ""
    """What a person must know about it; empty if it simply became the live table."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A live change that a file would undo, with who made it."""

    change: Change
    version: int
    author: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What making a text live would do."""

    live: int
    """0 if nothing is live yet."""
    proposed: int
    changes: tuple[Change, ...]
    takes_back: tuple[TakenBack, ...] = ()
    warnings: tuple[str, ...] = ()
    blocked: str = ""
    """Why it would be refused as it is; empty if it would not."""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made, or would be (`dry_run`)."""

    version: int
    """The number that is live now; with `dry_run` the one that would be."""
    previous: int
    changes: tuple[Change, ...]
    dry_run: bool = False
    scope: str = ""
    """The group and the routes that a command on a route acted on, or `back to version N`."""
    warnings: tuple[str, ...] = ()
    file: FileNote | None = None
    text: str = ""
    """The table's text as it is live now."""
    previous_text: str = ""


def unchanged(live: TableVersion, scope: str = "", *, dry_run: bool) -> Done:
    """Nothing to change: whoever asks twice, such as a pipeline run again, has what they want."""
    number, text = live.number, live.text
    return Done(number, number, (), dry_run, scope, text=text, previous_text=text)


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A table version in a list."""

    number: int
    author: str
    source: str
    reason: str
    summary: str
    created_at: float


def version_info(version: TableVersion) -> VersionInfo:
    """What a list shows of a version."""
    return VersionInfo(
        number=version.number,
        author=version.author,
        source=str(version.source),
        reason=version.reason,
        summary=version.summary,
        created_at=version.created_at,
    )


def as_json(answer: Any) -> Any:
    """The answer as JSON types; a `Change` also carries its sentence."""
    if isinstance(answer, Change):
        return {**dataclasses.asdict(answer), "says": str(answer)}
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        return {
            item.name: as_json(getattr(answer, item.name)) for item in dataclasses.fields(answer)
        }
    if isinstance(answer, list | tuple):
        return [as_json(item) for item in answer]
    if isinstance(answer, dict):
        return {str(key): as_json(value) for key, value in answer.items()}
    return answer
