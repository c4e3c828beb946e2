"""How far a relay has come: everything that it needs to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cdc.change import Identity
from cdc.snapshot import Run


class CheckpointError(Exception):
    """A checkpoint could not be kept; the relay must stop.

    `replaced` says that a newer relay of the same stream has started.
    """

    def __init__(self, message: str, *, replaced: bool = False) -> None:
        super().__init__(message)
        self.replaced = replaced


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

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return orjson.dumps(
            {
                "identity": self.identity.facts,
                "incarnation": self.incarnation,
                "resume": self.resume,
                "partitions": self.partitions,
                "partial": self.partial,
                "runs": [run.to_json() for run in self.runs],
                "dead": self.dead,
            }
        )

    @classmethod
    def from_bytes(cls, kept: bytes) -> Checkpoint:
        """As it was kept."""
        given: dict[str, Any] = orjson.loads(kept)
        return cls(
            identity=Identity(tuple((name, value) for name, value in given["identity"])),
            incarnation=given["incarnation"],
            resume=given["resume"],
            partitions=given["partitions"],
            partial=None if given["partial"] is None else tuple(given["partial"]),
            runs=tuple(Run.from_json(run) for run in given["runs"]),
            dead=tuple((topic, key) for topic, key in given["dead"]),
        )
