"""The replication connection: one socket, the messages of CopyBoth, and what may be confirmed.

Source: PostgreSQL's documentation, "Streaming Replication Protocol". psycopg's `PGconn` is libpq
itself: unlike a replication cursor it confirms nothing on its own.
"""

from __future__ import annotations

import select
import struct
import time
from typing import Final

from psycopg import pq

from cdc.relay.ports import SourceError
from cdc.sources.postgres.session import address, failures

_STATUS: Final = struct.Struct(">cQQQqB")
_KEEPALIVE: Final = struct.Struct(">QqB")
_LOG, _ALIVE = b"wk"
_HEADER: Final = 25
"""Bytes before the payload of an XLogData message."""
_EPOCH_US: Final = 946_684_800_000_000
_READING = "reading the log"
_IN_USE: Final = b"55006"
_FREE_WITHIN: Final = 5.0
"""Seconds in which a slot's last reader is over, if it is."""
STATUS_EVERY = 5.0
"""Seconds between status messages; the server gives up after `wal_sender_timeout`, 60 s."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of messages in one read."""


class Keepalive:
    """The server has sent everything before `position`."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Replication:
    """A walsender session that streams one slot. Every failure is a `SourceError`."""

    def __init__(self, url: str) -> None:
        """Connect."""
        self._conn = pq.PGconn.connect(address(url, replication="database").encode())
        if self._conn.status != pq.ConnStatus.OK:
            message = self._conn.get_error_message()
            self._conn.finish()
            raise SourceError(f"PostgreSQL: {message.strip()}", temporary=True)
        self._poll = select.poll()
        self._poll.register(self._conn.socket, select.POLLIN)
        self._confirmed = 0
        self._told = 0.0

    def query(self, command: str) -> list[tuple[str | None, ...]]:
        """A replication command's or a query's rows."""
        with failures(_READING):
            result = self._conn.exec_(command.encode())
        if result.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
            raise SourceError(f"PostgreSQL: {result.get_error_message().strip()}", temporary=True)
        return [
            tuple(
                None if (value := result.get_value(row, column)) is None else value.decode()
                for column in range(result.nfields)
            )
            for row in range(result.ntuples)
        ]

    def start(self, command: str, confirmed: int) -> None:
        """Begin to stream; `confirmed` is what the server knows already."""
        deadline = time.monotonic() + _FREE_WITHIN
        while True:
            with failures(_READING):
                result = self._conn.exec_(command.encode())
            if result.status == pq.ExecStatus.COPY_BOTH:
                break
            state = result.error_field(pq.DiagnosticField.SQLSTATE)
            if state != _IN_USE or time.monotonic() >= deadline:
                message = result.get_error_message().strip()
                raise SourceError(f"PostgreSQL: {message}", temporary=True)
            time.sleep(0.05)  # the server has not noticed yet that the one before is gone
        self._conn.nonblocking = 1
        self._confirmed = confirmed

    def read(self, timeout: float, most: int) -> list[bytes | Keepalive]:
        """The messages that are there, up to `most`; waits up to `timeout` for the first one."""
        messages: list[bytes | Keepalive] = []
        deadline = time.monotonic() + timeout
        with failures(_READING):
            while True:
                self._tell_in_time()
                self._take(messages, most)
                left = deadline - time.monotonic()
                if messages or left <= 0:
                    return messages
                self._poll.poll(min(left, STATUS_EVERY) * 1000)

    def confirm(self, position: int) -> None:
        """Let the server forget everything before `position`; sent at once."""
        if position > self._confirmed:
            self._confirmed = position
            with failures(_READING):
                self._tell()

    def close(self) -> None:
        """End the session."""
        self._conn.finish()

    def _take(self, messages: list[bytes | Keepalive], most: int) -> None:
        take = self._conn.get_copy_data
        consumed, room = False, MOST_BYTES
        while len(messages) < most and room > 0:
            size, data = take(1)
            if size > 0:
                room, consumed = room - size, False
                if data[0] == _LOG:
                    messages.append(bytes(data[_HEADER:]))
                else:
                    self._other(bytes(data), messages)
            elif size < 0:
                self._ended()
            elif consumed:
                return
            else:
                self._conn.consume_input()  # what has arrived meanwhile, without a wait
                consumed = True

    def _other(self, data: bytes, messages: list[bytes | Keepalive]) -> None:
        if data[0] != _ALIVE or len(data) != 1 + _KEEPALIVE.size:
            raise SourceError(
                f"PostgreSQL sent an unknown message {chr(data[0])!r} of the replication protocol",
                temporary=True,
            )
        position, _, reply = _KEEPALIVE.unpack_from(data, 1)
        messages.append(Keepalive(position))
        if reply:
            self._tell()

    def _ended(self) -> None:
        result = self._conn.get_result()
        message = result.get_error_message().strip() if result else ""
        raise SourceError(
            f"PostgreSQL ended the stream: {message or 'the connection was closed'}", temporary=True
        )

    def _tell_in_time(self) -> None:
        if time.monotonic() - self._told >= STATUS_EVERY:
            self._tell()

    def _tell(self) -> None:
        """Say what is confirmed, and never more: a reply to a keepalive says the same.

        Where the socket takes nothing now it is said with the next status.
        """
        now = time.time_ns() // 1000 - _EPOCH_US
        at = self._confirmed
        if self._conn.put_copy_data(_STATUS.pack(b"r", at, at, at, now, 0)) == 1:
            self._conn.flush()
            self._told = time.monotonic()
