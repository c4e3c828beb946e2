"""How far a relay has come: everything that it needs to go on as if it had never stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cdc.change import Identity
from cdc.snapshot import Run


class CheckpointError(Exception):
    """A checkpoint could not be kept, or not be read.

    `temporary` says whether another try may help; `replaced`, that a newer relay of the same stream
    has started.
    """

    def __init__(self, message: str, *, temporary: bool = True, replaced: bool = False) -> None:
        super().__init__(message)
        self.temporary, self.replaced = temporary and not replaced, replaced


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a relay needs to go on as if it had never stopped."""

    identity: Identity
    """The source's log; another one is another incarnation."""
    incarnation: int
    resume: int
    """Where the source is read from: the `resume` of a commit."""
    partitions: int
    """Of each topic; pinned, as it decides where a key goes."""
    partial: tuple[int, int] | None = None
    """Position of a transaction of which so many records are in Kafka already (exactly once)."""
    runs: tuple[Run, ...] = ()
    """Snapshots and repairs that are not finished, in order."""
    dead: tuple[tuple[str, str], ...] = ()
    """Topic and key of records among the dead letters that nothing has mended since."""
    prefix: str = ""
    """Of the topics' names, pinned like the partitions: others lack what was written before."""
    tables: tuple[str, ...] | None = None
    """Those of the stream whose rows are in the topics, or on their way by a run: any other one is
    new. None in a checkpoint of a version that did not keep it."""
    marker: int = 0
    """The greatest `seq` of the stream's own markers that came back through the log, in whatever
    incarnation: the source has it, or is an earlier one. 0 for none, and in a checkpoint of a
    version that did not keep it."""

    @property
    def is_forgotten(self) -> bool:
        """Whether nothing is left of it but its numbers: the next start is a first one."""
        return not self.identity.facts

    def forgotten(self) -> Checkpoint:
        """What is left when a stream is undone.

        The topics may outlive it, and their readers drop what is not of a newer incarnation, and
        know markers up to a number.
        """
        return Checkpoint(
            Identity(()), self.incarnation + 1, 0, self.partitions, marker=self.marker
        )

    def to_bytes(self) -> bytes:
        """As it is kept: JSON in ASCII, as a key may be text that UTF-8 cannot hold."""
        return json.dumps(
            {
                "identity": self.identity.facts,
                "incarnation": self.incarnation,
                "resume": self.resume,
                "partitions": self.partitions,
                "prefix": self.prefix,
                "tables": self.tables,
                "marker": self.marker,
                "partial": self.partial,
                "runs": [run.to_json() for run in self.runs],
                "dead": self.dead,
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def from_bytes(cls, kept: bytes, undo: str = "strangler cdc init STREAM --undo") -> Checkpoint:
        """As it was kept. Raises a permanent `CheckpointError` for what is none.

        `undo` is the command that forgets it.
        """
        try:
            return cls._from_json(json.loads(kept))
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"the checkpoint cannot be read ({type(error).__name__}: {error}): it is damaged or"
                f" another version's; run that version, or begin anew with `{undo}`",
                temporary=False,
            ) from error

    @classmethod
    def _from_json(cls, given: dict[str, Any]) -> Checkpoint:
        return cls(
            identity=Identity(tuple((name, value) for name, value in given["identity"])),
            incarnation=given["incarnation"],
            resume=given["resume"],
            partitions=given["partitions"],
            prefix=given.get("prefix", ""),
            tables=None if given.get("tables") is None else tuple(given["tables"]),
            marker=given.get("marker", 0),
            partial=None if given["partial"] is None else tuple(given["partial"]),
            runs=tuple(Run.from_json(run) for run in given["runs"]),
            dead=tuple((topic, key) for topic, key in given["dead"]),
        )
