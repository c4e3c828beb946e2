"""The binlog's events as they stand in a packet: headers, GTIDs, statements, rotations.

The layouts are those of the servers' own documentation ("Replication Protocol" of MariaDB, "Binary
Log Events" of MySQL). The classes of mysql-replication for them are not used: they parse every
field of every event (the statement's status variables stop them at a key they do not know; flags
of MariaDB's GTIDs that tell a prepared transaction from a committed one are left out), and cost
ten times what is needed here.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum


class Type(IntEnum):
    """The event types that matter here; all others are passed over."""

    QUERY = 2
    STOP = 3
    ROTATE = 4
    FORMAT_DESCRIPTION = 15
    XID = 16
    BEGIN_LOAD_QUERY = 17
    EXECUTE_LOAD_QUERY = 18
    TABLE_MAP = 19
    WRITE_ROWS_V1 = 23
    UPDATE_ROWS_V1 = 24
    DELETE_ROWS_V1 = 25
    INCIDENT = 26
    HEARTBEAT = 27
    WRITE_ROWS_V2 = 30
    UPDATE_ROWS_V2 = 31
    DELETE_ROWS_V2 = 32
    GTID = 33
    ANONYMOUS_GTID = 34
    XA_PREPARE = 38
    PARTIAL_UPDATE_ROWS = 39
    TRANSACTION_PAYLOAD = 40
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42
    MARIADB_GTID = 162
    MARIADB_START_ENCRYPTION = 164
    QUERY_COMPRESSED = 165
    WRITE_ROWS_COMPRESSED_V1 = 166
    UPDATE_ROWS_COMPRESSED_V1 = 167
    DELETE_ROWS_COMPRESSED_V1 = 168


@dataclass(frozen=True, slots=True)
class Header:
    """What each event begins with."""

    at: int
    """Seconds since 1970; 0 for an event that the server made up for the reader."""
    type: int
    size: int
    end: int
    """Offset of the next event in the file, modulo 2**32; 0 for a made-up event."""


_HEADER = struct.Struct("<IBIIIH")
_GTID_MARIADB = struct.Struct("<QIB")
_QUERY = struct.Struct("<IIBHH")
_STANDALONE = 1
_CHECKSUM = 4


def header(event: bytes) -> Header:
    """The header of an event."""
    at, kind, _server, size, end, _flags = _HEADER.unpack_from(event)
    return Header(at, kind, size, end)


def body(event: bytes, checksum: int) -> bytes:
    """What follows the header, without a checksum of so many bytes."""
    return event[_HEADER.size : len(event) - checksum]


def checksum_size(event: bytes) -> int:
    """How many bytes of checksum each event of a file has, by its format description.

    The last five bytes are the algorithm (0 for none, 1 for CRC32) and a checksum that is there
    in any case.
    """
    return _CHECKSUM if event[-_CHECKSUM - 1] == 1 else 0


def rotation(data: bytes) -> tuple[str, int]:
    """Name of the next file, and the offset in it."""
    return data[8:].decode(), int.from_bytes(data[:8], "little")


@dataclass(frozen=True, slots=True)
class Gtid:
    """A transaction's global name, and what kind of group follows."""

    text: str
    standalone: bool = False
    """Whether one event follows and no commit: DDL, and XA COMMIT."""
    at_ms: int | None = None
    """When it was committed, where the event says it more finely than in seconds."""


def mariadb_gtid(data: bytes, server: int) -> Gtid:
    """The body of MariaDB's GTID event; the server's id is in the event's header."""
    sequence, domain, flags = _GTID_MARIADB.unpack_from(data)
    return Gtid(f"{domain}-{server}-{sequence}", standalone=bool(flags & _STANDALONE))


def server_of(event: bytes) -> int:
    """The id of the server that wrote an event first."""
    return int.from_bytes(event[5:9], "little")


def mysql_gtid(data: bytes) -> Gtid:
    """The body of MySQL's GTID event: flags, UUID, number, logical clock, commit time."""
    uuid, sequence = data[1:17].hex(), int.from_bytes(data[17:25], "little")
    name = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
    at_ms = None
    if len(data) >= 49:  # MySQL 8: type of the clock, two numbers, then microseconds in 55 bits
        at_ms = (int.from_bytes(data[42:49], "little") & (1 << 55) - 1) // 1000
    return Gtid(f"{name}:{sequence}", at_ms=at_ms)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement in the log: a transaction's limits, DDL, or a change in statement format."""

    schema: str
    """The session's default database."""
    sql: str


def query(data: bytes) -> Query:
    """The body of a QUERY event. The status variables are stepped over, whatever is in them."""
    _, _, schema_length, _, status_length = _QUERY.unpack_from(data)
    start = _QUERY.size + status_length
    schema = data[start : start + schema_length].decode("utf-8", "replace")
    return Query(schema, data[start + schema_length + 1 :].decode("utf-8", "replace"))


def query_compressed(data: bytes) -> Query:
    """The body of MariaDB's compressed QUERY event: only the statement is compressed."""
    _, _, schema_length, _, status_length = _QUERY.unpack_from(data)
    start = _QUERY.size + status_length + schema_length + 1
    return query(data[:start] + inflate(data[start:]))


def load_query(data: bytes) -> Query:
    """The body of an EXECUTE_LOAD_QUERY event: a QUERY with thirteen bytes more in its header."""
    return query(data[: _QUERY.size] + data[_QUERY.size + 13 :])


def inflate(data: bytes) -> bytes:
    """MariaDB's `log_bin_compress`: a byte (algorithm, size of the length), length, zlib."""
    length_size = data[0] & 0x07
    return zlib.decompress(data[1 + length_size :])


def xa_name(data: bytes) -> str:
    """The name of an XA transaction in an XA_PREPARE event, as statements in the log write it."""
    form, global_size, branch_size = struct.unpack_from("<III", data, 1)
    end = 13 + global_size
    return f"x'{data[13:end].hex()}',x'{data[end : end + branch_size].hex()}',{form}"
