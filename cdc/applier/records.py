"""A record of a topic as the applier needs it: decoded, in the target's columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cdc.applier.ports import Record, RowMapping
from cdc.change import MarkerKind, Op
from cdc.envelope import DecodeError, RecordId, decode, decode_id, decode_key

Key: TypeAlias = bytes
"""A record's key as its bytes: what tells rows of one topic apart."""


@dataclass(slots=True)
class Item:
    """One record that changes a row, truncates its table, or cannot be applied.

    Plain and slotted: one is made for every row.
    """

    record: Record
    id: RecordId
    op: Op
    key: Mapping[str, Any]
    """The key's columns in the target."""
    row: Mapping[str, Any] | None
    """The row's columns in the target; None for a delete."""
    partial: bool
    """Whether the log did not carry all columns: what is absent has not changed."""
    at_ms: int
    """When it was committed at the source."""
    reason: str | None = None
    """Why it can never be applied; None for what can."""

    @property
    def whole(self) -> bool:
        """Whether it says all about its row, so that nothing before it matters."""
        return self.reason is None and not self.partial


@dataclass(frozen=True, slots=True)
class Passed:
    """A marker that came out of a partition."""

    kind: str
    seq: int
    table: str | None
    at_ms: int

    def completes(self, table: str) -> bool:
        """Whether it says that the table's snapshot lies before it."""
        return self.kind == MarkerKind.COMPLETE and self.table == table


def header(record: Record, name: str) -> bytes | None:
    """A header's value; None where there is none."""
    for known, value in record.headers:
        if known == name:
            return value
    return None


def record_id(record: Record) -> RecordId:
    """What orders the record; raises `DecodeError` for one that the relay did not write."""
    value = header(record, "id")
    if value is None:
        raise DecodeError("the record has no header id: something else than the relay wrote it")
    return decode_id(value)


def relay_epoch(record: Record) -> int:
    """The epoch of the relay that wrote it; 0 where it says nothing."""
    value = header(record, "epoch")
    return int(value) if value and value.isdigit() else 0


def read(record: Record, id_: RecordId, mapping: RowMapping) -> Item | Passed:
    """Decode a record. What cannot be read or mapped becomes an item with a reason."""
    try:
        envelope = decode(record.value or b"")
        op = Op(envelope["op"])
        at_ms = envelope["source"]["ts_ms"]
        if op is Op.MARKER:
            return _marker(envelope["marker"], at_ms)
        if op is Op.TRUNCATE:
            return Item(record, id_, op, {}, None, partial=False, at_ms=at_ms)
        key = mapping.target_key(dict(decode_key(record.key)))
        row = None if op is Op.DELETE else mapping.target_row(envelope["after"], key)
        return Item(record, id_, op, key, row, "unavailable" in envelope, at_ms)
    except DecodeError as error:
        return unreadable(record, id_, str(error))
    except (KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
        return unreadable(record, id_, f"the record cannot be mapped: {said}")


def unreadable(record: Record, id_: RecordId, reason: str) -> Item:
    """A record that nobody can apply."""
    return Item(record, id_, Op.UPDATE, {}, None, partial=True, at_ms=0, reason=reason)


def _marker(marker: Mapping[str, Any], at_ms: int) -> Passed:
    table = (marker.get("body") or {}).get("table")
    return Passed(marker["kind"], marker["seq"], table, at_ms)
