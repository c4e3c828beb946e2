"""Outbox routing: a row inserted into the outbox table becomes an event of its aggregate.

The pattern is Richardson's transactional outbox, the columns are those of Debezium's event router.
The row is taken from the log, where rows stand in the order of their commits; a reader that polls
by id passes over rows that commit late.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from cdc.change import ABSENT, Relation, Row

_TOPIC = "outbox.event."
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""Kafka's rule for a topic's name."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event, ready for Kafka."""

    topic: str
    key: bytes
    """The aggregate's id: an aggregate's events stay in order."""
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """`event` (the row's id, for consumers that have to drop repetitions), `type`, and those of
    the column `headers`."""

    @property
    def problem(self) -> str | None:
        """Why Kafka cannot have such a topic; None where it can."""
        if _NAME.fullmatch(self.topic):
            return None
        return (
            "an aggregatetype has letters, digits, `.`, `_` and `-` only, and at most 236 of them"
        )


def outbox_event(relation: Relation, row: Row) -> OutboxEvent:
    """The event of an inserted row; columns that are not there count as NULL."""
    names = (column.name for column in relation.columns)
    given = {name: _text(value) for name, value in zip(names, row, strict=True)}
    headers = {"event": given.get("id"), "type": given.get("type"), **_headers(given)}
    payload = given.get("payload")
    return OutboxEvent(
        topic=_TOPIC + (given.get("aggregatetype") or "unknown"),
        key=(given.get("aggregateid") or "").encode("utf-8", "replace"),
        value=None if payload is None else payload.encode("utf-8", "replace"),
        headers=tuple(
            (name, value.encode("utf-8", "replace"))
            for name, value in headers.items()
            if value is not None
        ),
    )


def _headers(given: dict[str, str | None]) -> dict[str, str | None]:
    try:
        headers = orjson.loads(given.get("headers") or "{}")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(headers, dict):
        return {}
    return {str(name): _text(value) for name, value in headers.items()}


def _text(value: object) -> str | None:
    if value is None or value is ABSENT:
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()
