"""Messages of pgoutput as PostgreSQL would send them, made by hand."""

from __future__ import annotations

import struct

from cdc.change import Column, Relation
from cdc.pgoutput import RelationMessage, Shape
from cdc.sources.postgres.types import kind_of
from cdc.sources.postgres.values import converter

INT, BIGINT, TEXT, BOOL, BYTEA, FLOAT = 23, 20, 25, 16, 17, 701


class Unchanged:
    """A value that was not sent."""


class Binary(bytes):
    """A value in binary form, which nobody asked for."""


def _text(word: str) -> bytes:
    return word.encode() + b"\0"


def _of(xid: int | None) -> bytes:
    return b"" if xid is None else struct.pack(">I", xid)


def relation(oid, name, columns, identity="d", schema="public", xid=None) -> bytes:
    """`columns`: (name, type, whether it is of the identity)."""
    message = b"R" + _of(xid) + struct.pack(">I", oid) + _text(schema) + _text(name)
    message += identity.encode() + struct.pack(">H", len(columns))
    for column, kind, key in columns:
        message += bytes([key]) + _text(column) + struct.pack(">Ii", kind, -1)
    return message


def row(*values) -> bytes:
    """Each value: bytes or text, None, `Unchanged` or `Binary`."""
    parts = [struct.pack(">H", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif value is Unchanged:
            parts.append(b"u")
        else:
            data = value.encode() if isinstance(value, str) else bytes(value)
            form = b"b" if isinstance(value, Binary) else b"t"
            parts.append(form + struct.pack(">I", len(data)) + data)
    return b"".join(parts)


def insert(oid, *values, xid=None) -> bytes:
    return b"I" + _of(xid) + struct.pack(">I", oid) + b"N" + row(*values)


def update(oid, new, old=None, form=b"O", xid=None) -> bytes:
    before = b"" if old is None else form + row(*old)
    return b"U" + _of(xid) + struct.pack(">I", oid) + before + b"N" + row(*new)


def delete(oid, old, form=b"K", xid=None) -> bytes:
    return b"D" + _of(xid) + struct.pack(">I", oid) + form + row(*old)


def truncate(*oids, xid=None) -> bytes:
    return b"T" + _of(xid) + struct.pack(f">IB{len(oids)}I", len(oids), 1, *oids)


def type_(oid, name, schema="public", xid=None) -> bytes:
    return b"Y" + _of(xid) + struct.pack(">I", oid) + _text(schema) + _text(name)


def logical(content=b"hello", xid=None) -> bytes:
    return (
        b"M"
        + _of(xid)
        + struct.pack(">BQ", 1, 77)
        + _text("prefix")
        + (struct.pack(">I", len(content)) + content)
    )


def begin(position, xid, at=0) -> bytes:
    return b"B" + struct.pack(">QqI", position, at, xid)


def commit(position, end, at=0) -> bytes:
    return b"C" + struct.pack(">BQQq", 0, position, end, at)


def origin(name, position=5) -> bytes:
    return b"O" + struct.pack(">Q", position) + _text(name)


def stream_start(xid, *, first=True) -> bytes:
    return b"S" + struct.pack(">IB", xid, first)


STREAM_STOP = b"E"


def stream_commit(xid, position, end, at=0) -> bytes:
    return b"c" + struct.pack(">I", xid) + struct.pack(">BQQq", 0, position, end, at)


def stream_abort(xid, subxid) -> bytes:
    return b"A" + struct.pack(">II", xid, subxid)


def describe(message: RelationMessage) -> Shape:
    """A shape without asking a catalog."""
    columns = tuple(
        Column(each.name, kind_of(each.type), each.named or str(each.type), each.key)
        for each in message.columns
    )
    return Shape(
        Relation(message.name, message.schema, message.name, columns),
        tuple(converter(column.kind) for column in columns),
        frozenset(index for index, column in enumerate(message.columns) if column.key),
    )
