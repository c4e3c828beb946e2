"""Places in the binlog as numbers that grow: the file's number, then the offset in it.

`position = file number << 32 | offset`: 31 bits are all that MariaDB and MySQL number their files
with, and 32 bits are all that the replication protocol can ask for, so nothing is cut off. A file
grows past 4 GiB by a single transaction of that size only; MySQL's manual itself calls 4 GiB the
largest that works. Such a position is refused by `pack`.
"""

from __future__ import annotations

from cdc.change import Position

FIRST = 4
"""Offset of the first event of every file; before it stands a magic number."""
_OFFSETS = 1 << 32


class PositionError(ValueError):
    """No position can be made of this; the message says why."""


def number(file: str) -> int:
    """The number of a binlog's file: 3 for `binlog.000003`."""
    digits = file.rpartition(".")[2]
    if not digits.isdecimal():
        raise PositionError(f"{file!r} is no name of a binlog: it does not end in a number")
    return int(digits)


def prefix(file: str) -> str:
    """What all binlogs of a server have in common: `binlog` for `binlog.000003`."""
    return file.rpartition(".")[0]


def pack(file_number: int, offset: int) -> Position:
    """The position of an offset in a file."""
    if not 0 <= offset < _OFFSETS:
        raise PositionError(
            f"a binlog has grown past 4 GiB (offset {offset}) by one transaction, and the"
            " replication protocol cannot name what follows: write smaller transactions, and"
            " take a new snapshot"
        )
    return file_number << 32 | offset


def unpack(position: Position) -> tuple[int, int]:
    """File number and offset of a position."""
    return position >> 32, position & (_OFFSETS - 1)


def file_name(base: str, file_number: int) -> str:
    """The name as the server writes it: at least six digits."""
    return f"{base}.{file_number:06d}"


def text(base: str, position: Position) -> str:
    """A position as the server's own people write it: `binlog.000003:1234`."""
    file_number, offset = unpack(position)
    return f"{file_name(base, file_number)}:{offset}"
