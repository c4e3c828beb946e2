"""What the reading process tells its parent: frames of plain tuples.

A frame is its length (4 bytes) and a list of messages in `marshal`'s format: both ends are the same
interpreter, it is several times as fast as pickle, and loading it runs no code.
"""

from __future__ import annotations

import marshal
import struct
from typing import Any, Final, TypeAlias

Message: TypeAlias = tuple[Any, ...]

BEGIN: Final = 0
"""(position, xid, at_ms, origin)"""
CHANGE: Final = 1
"""(shape, op, before, after)"""
COMMIT: Final = 2
"""(resume, gtid)"""
REACHED: Final = 3
"""(resume,)"""
SHAPE: Final = 4
"""(number, table, schema, name, ((column, kind, type, key), …))"""
TRUNCATE: Final = 5
"""(table,)"""
FAILURE: Final = 6
"""(sentence, temporary): the last message."""

_LENGTH = struct.Struct("<I")


def frame(messages: list[Message]) -> bytes:
    """A frame of messages."""
    data = marshal.dumps(messages)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Cuts frames out of what has been read of a pipe."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """More of the pipe."""
        self._data += data

    def take(self) -> list[Message]:
        """The messages of the next frame that is complete; none where there is none."""
        if len(self._data) < _LENGTH.size:
            return []
        end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
        if len(self._data) < end:
            return []
        messages: list[Message] = marshal.loads(memoryview(self._data)[_LENGTH.size : end])  # noqa: S302 - from our own child
        del self._data[:end]
        return messages
