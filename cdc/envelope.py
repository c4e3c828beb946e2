"""The codec: changes to the bytes of docs/formats.md, and back.

The one place that knows what an envelope looks like on the wire. Encoding a row is most of what the
relay does, so whatever is the same for all rows of a transaction is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from cdc.change import ABSENT, Begin, Marker, Op, Relation, Row, Value
from cdc.loops import Encoder

Outgoing: TypeAlias = Sequence[tuple[int, Callable[[Value], Value] | None]]
"""Which columns leave the source, by index, each with what is done to its value."""

TRUNCATE_KEY: Final = b'{"truncate":true}'


class EncodeError(Exception):
    """A row that cannot be written as JSON text; the message names the column."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the envelope says of the log a change came from."""

    stream: str
    connector: str
    database: str
    _sources: dict[Relation | None, bytes] = field(default_factory=dict, compare=False)

    def source(self, relation: Relation | None) -> bytes:
        """The part of `source` that is the same for all changes of a relation; no braces."""
        known = self._sources.get(relation)
        if known is None:
            table = {"schema": relation.schema, "table": relation.name} if relation else {}
            whole = {"connector": self.connector, "name": self.stream, "db": self.database, **table}
            known = self._sources[relation] = orjson.dumps(whole)[1:-1]
        return known


class RowCodec:
    """Encodes the rows and keys of one relation.

    `outgoing` is None when every column leaves as it is, which is the fast case.
    """

    __slots__ = ("_encode", "_key", "_names", "_outgoing", "_prefix", "_single", "relation")

    def __init__(self, relation: Relation, outgoing: Outgoing | None = None) -> None:
        self.relation = relation
        self._outgoing = outgoing
        columns = range(len(relation.columns)) if outgoing is None else [i for i, _ in outgoing]
        self._names = tuple(relation.columns[index].name for index in columns)
        self._encode = Encoder(self._names)
        self._key = tuple((relation.columns[index].name, index) for index in relation.key)
        single = len(self._key) == 1
        self._prefix = b"{" + orjson.dumps(self._key[0][0]) + b":" if single else b""
        self._single = self._key[0][1] if single else -1

    def key(self, row: Row) -> bytes:
        """The Kafka key of a row; raises `EncodeError`."""
        try:
            if self._prefix:
                value = row[self._single]
                if type(value) is int:  # as keys mostly are; not a bool, which is one too
                    return b"%b%d}" % (self._prefix, value)
                return b"%b%b}" % (self._prefix, orjson.dumps(value))
            return orjson.dumps({name: row[index] for name, index in self._key})
        except TypeError:
            raise self._cannot(row) from None

    def key_values(self, row: Row) -> Row:
        """The key's values, in the key's order."""
        return tuple(row[index] for _, index in self._key)

    def row(self, row: Row) -> tuple[bytes, tuple[str, ...]]:
        """A row as a JSON object, and the names of the columns that the log did not carry."""
        if self._outgoing is not None:
            row = tuple([_outgoing(row[index], change) for index, change in self._outgoing])
        try:
            return self._encode(row), ()
        except TypeError:  # a value that JSON does not know: ABSENT, or text that is no text
            return self._partial(row)

    def _partial(self, row: Row) -> tuple[bytes, tuple[str, ...]]:
        pairs = list(zip(self._names, row, strict=True))
        present = {name: value for name, value in pairs if value is not ABSENT}
        try:
            body = orjson.dumps(present)
        except TypeError:
            raise self._cannot(tuple(present.values()), tuple(present)) from None
        return body, tuple(name for name, value in pairs if value is ABSENT)

    def _cannot(self, row: Row, names: tuple[str, ...] = ()) -> EncodeError:
        names = names or tuple(column.name for column in self.relation.columns)
        for name, value in zip(names, row, strict=False):
            try:
                orjson.dumps(value)
            except TypeError:
                return EncodeError(f"{self.relation.table}.{name} is not text in UTF-8")
        return EncodeError(f"a row of {self.relation.table} cannot be written as JSON")


def _outgoing(value: Value, change: Callable[[Value], Value] | None) -> Value:
    return value if change is None or value is None or value is ABSENT else change(value)


class Transaction:
    """Encodes the records of one transaction: whatever is the same for them is made once."""

    __slots__ = ("_at_ms", "_id", "_last", "_log", "_now_ms", "_position", "_same", "_xid")

    def __init__(
        self, log: Log, begin: Begin, position: str, incarnation: int, epoch: int, now_ms: int
    ) -> None:
        """`position` is the source's own text of `begin.position`."""
        self._log, self._at_ms, self._now_ms = log, begin.at_ms, now_ms
        self._position, self._xid = orjson.dumps(position), orjson.dumps(begin.xid)
        self._id = b"%d/%016x/%%d" % (incarnation, begin.position)
        self._last: tuple[Relation | None, Op | None, bytes] = (None, None, b"")
        """What the last change has in common with the next one, as a rule."""
        self._same: tuple[tuple[str, bytes], ...] = (("epoch", b"%d" % epoch),)
        if begin.origin:
            self._same += (("origin", begin.origin.encode()),)

    def headers(self, index: int) -> list[tuple[str, bytes]]:
        """The headers of a record: its name, and what all of the transaction have."""
        return [("id", self._id % index), *self._same]

    def value(
        self, relation: Relation, op: Op, index: int, before: bytes, after: bytes,
        unavailable: tuple[str, ...] = (),
    ) -> bytes:  # fmt: skip
        """The envelope of one change; the rows are JSON, `null` for none."""
        known, operation, common = self._last
        if known is not relation or operation is not op:
            common = self._common(relation, op)
            self._last = (relation, op, common)
        if unavailable:
            after = b'%b,"unavailable":%b' % (after, orjson.dumps(unavailable))
        return b"".join((b'{"before":', before, b',"after":', after, common, b"%d}}" % index))

    def marker(self, marker: Marker) -> bytes:
        """The envelope of a marker."""
        told = {"kind": marker.kind, "seq": marker.seq, "body": marker.body}
        source = self._source(None, Op.MARKER)
        return b'{"op":"m","marker":%b,"source":%b,"ts_ms":%d}' % (
            orjson.dumps(told), source, self._now_ms,
        )  # fmt: skip

    def _common(self, relation: Relation, op: Op) -> bytes:
        return b',"source":%b,"op":"%b","ts_ms":%d,"transaction":{"id":%b,"total_order":' % (
            self._source(relation, op), op.value.encode(), self._now_ms, self._xid,
        )  # fmt: skip

    def _source(self, relation: Relation | None, op: Op) -> bytes:
        return b'{%b,"position":%b,"xid":%b,"ts_ms":%d,"snapshot":%b}' % (
            self._log.source(relation), self._position, self._xid, self._at_ms,
            b"true" if op is Op.READ else b"false",
        )  # fmt: skip


NULL: Final = b"null"


class DecodeError(Exception):
    """A record that is no envelope of ours; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, order=True)
class RecordId:
    """What orders the records of a stream: docs/formats.md, "Headers"."""

    incarnation: int
    position: int
    index: int

    def __str__(self) -> str:
        return f"{self.incarnation}/{self.position:016x}/{self.index}"


def decode_id(value: bytes) -> RecordId:
    """The `id` header of a record; raises `DecodeError`."""
    try:
        incarnation, position, index = value.split(b"/")
        return RecordId(int(incarnation), int(position, 16), int(index))
    except ValueError:
        raise DecodeError(f"the header id is {value!r}, not INCARNATION/POSITION/INDEX") from None


def decode(value: bytes) -> Mapping[str, Any]:
    """An envelope as it stands in docs/formats.md; raises `DecodeError`."""
    try:
        envelope = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"the value is no JSON: {error}") from None
    if not isinstance(envelope, dict) or "op" not in envelope:
        raise DecodeError("the value is no envelope: it has no `op`")
    return envelope


def decode_key(key: bytes | None) -> Mapping[str, Any]:
    """A record's key as an object; raises `DecodeError`."""
    try:
        decoded = orjson.loads(key or b"")
    except orjson.JSONDecodeError:
        raise DecodeError(f"the key is no JSON object: {key!r}") from None
    if not isinstance(decoded, dict):
        raise DecodeError(f"the key is no JSON object: {key!r}")
    return decoded
