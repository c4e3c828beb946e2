"""What psycopg makes of values that a session reads: the forms of docs/formats.md.

A snapshot of a million rows spends its time here, so nearly all of it is done in C, by psycopg's
own loaders for text, integers and booleans. Measured with ten columns, in chunks of 5,000 rows:
over half the speed of one bare COPY of all rows; splitting COPY's text in Python had a quarter.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.types.bool import BoolLoader
from psycopg.types.numeric import IntLoader
from psycopg.types.string import TextLoader

from cdc.change import Kind, Value
from cdc.sources.postgres.types import kind_of
from cdc.sources.postgres.values import binary, floating, text


class _Floating(Loader):
    def load(self, data: Buffer) -> Value:
        return floating(bytes(data))


class _Binary(Loader):
    def load(self, data: Buffer) -> str:
        return binary(bytes(data))


class _AnyBytes(Loader):
    """Text of a database without an encoding, which may hold bytes that are no UTF-8."""

    def load(self, data: Buffer) -> str:
        return text(bytes(data))


_LOADERS: dict[Kind, type[Loader]] = {
    Kind.BOOLEAN: BoolLoader,
    Kind.INTEGER: IntLoader,
    Kind.FLOAT: _Floating,
    Kind.BINARY: _Binary,
}


def unencoded(connection: psycopg.Connection[Any]) -> bool:
    """Whether the database keeps whatever bytes it was given as text."""
    return connection.info.parameter_status("server_encoding") == "SQL_ASCII"


def read_lossless(cursor: psycopg.Cursor[Any]) -> None:
    """Have a cursor's queries return values as docs/formats.md has them."""
    written = _AnyBytes if unencoded(cursor.connection) else TextLoader
    known = {
        0
    }  # stands for whatever has no loader of its own: enums, domains of others, extensions
    for info in cursor.adapters.types:
        known |= {info.oid, info.array_oid}
    for oid in known:
        cursor.adapters.register_loader(oid, _LOADERS.get(kind_of(oid), written))
