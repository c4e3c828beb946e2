"""The process that reads the binlog: `python -m cdc.sources.mysql.reader`, started by `process`.

The reader of mysql-replication blocks until an event comes and cannot be interrupted, so it has a
process of its own. What to do comes as one JSON object on standard input, which then stays open:
when it ends, the parent has died and so does this process. Messages go to standard output; a pipe
holds little, so a parent that does not read stops the reading, and with it the server's sending.

There is no state. Killed at any instant, it is started again at the last commit that its parent
has seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pymysql
from pymysql.constants import CR
from pymysqlreplication import BinLogStreamReader

from cdc.change import Position
from cdc.sources.mysql import messages, positions, server, sessions
from cdc.sources.mysql.groups import Groups
from cdc.sources.mysql.messages import Message
from cdc.sources.mysql.steps import LogError, Walker
from cdc.sources.mysql.tables import Scope

_MESSAGES = 2_000
"""Messages in a frame at most."""
_SEND_EVERY = 0.02
"""Seconds that a change waits for others at most, while other tables keep the log busy."""
_PARENT_EVERY = 1.0


class Dump(BinLogStreamReader):  # type: ignore[misc]  # the library has no types
    """The server's log as packets.

    The library connects, says what it can read (checksums, MariaDB's global names), asks for
    heartbeats and for the log. Its own loop over the events is not used: it connects again in
    silence, in the middle of a transaction, and its decoding loses values (see `temporal`,
    `fields` and `wire`).
    """

    def connect(self) -> None:
        """Ask for the log."""
        self._BinLogStreamReader__connect_to_stream()

    def close(self) -> None:
        """End the connection."""
        self._stream_connection.close()

    def events(self) -> Iterator[bytes]:
        """One event after the other. Raises PyMySQL's errors, also when the server ends the log."""
        read = self._stream_connection._read_packet  # noqa: SLF001 - as the library does
        while not (packet := read()).is_eof_packet():
            yield packet.get_all_data()[1:]
        raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, "the server has ended the log")

    def waits(self) -> bool:
        """Whether nothing has arrived that could be read at once."""
        return not select.select([self._stream_connection._sock], [], [], 0)[0]  # noqa: SLF001


def dump(settings: dict[str, Any], file: int, offset: int) -> Dump:
    """The log from an offset in a file."""
    made = Dump(
        connection_settings=dict(settings["connection"]),
        server_id=_server_id(settings["server_id"]),
        log_file=positions.file_name(settings["base"], file),
        log_pos=offset,
        resume_stream=True,
        blocking=True,
        slave_heartbeat=settings["heartbeat"],
        enable_logging=False,
        pymysql_wrapper=_connect,
    )
    made.connect()
    return made


def _server_id(taken: int) -> int:
    """A number that no other reader of the server has: it hangs up on one of two with the same."""
    while (number := 1 << 31 | secrets.randbits(31)) == taken:
        pass
    return number


def _connect(**given: Any) -> Any:
    """A session that takes checksums.

    The library says so only if they are on right now, and a server refuses to send a log that has
    them, or gets them later, to one that has not said it.
    """
    session = sessions.opened(**given)
    with session.cursor() as cursor:
        cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
    return session


def scope(settings: dict[str, Any]) -> Scope:
    """What of the log is wanted."""
    return Scope(
        database=settings["database"],
        tables={(s, n): (table, tuple(key)) for s, n, table, key in settings["tables"]},
        charsets={int(number): (name, size) for number, name, size in settings["charsets"]},
        mariadb=settings["mariadb"],
        origins=settings["origins"],
        fold=settings["fold"],
    )


class Again:
    """The log once more, over connections of its own; see `cdc.sources.mysql.groups.Again`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings

    @contextlib.contextmanager
    def events(self, position: Position) -> Iterator[Iterator[bytes]]:
        """The events from a position on."""
        file, offset = positions.unpack(position)
        source = dump(self._settings, file, offset)
        try:
            yield source.events()
        finally:
            source.close()

    def oldest(self) -> Position:
        """Where the oldest binlog begins."""
        with self._session() as session:
            first = next(iter(server.binlogs(session)))
            return positions.pack(positions.number(first), positions.FIRST)

    def natives(self, schema: str, name: str) -> Mapping[str, str]:
        """Columns of MariaDB's own types that a table has now."""
        with self._session() as session:
            return server.natives(session, schema, name)

    @contextlib.contextmanager
    def _session(self) -> Iterator[sessions.Session]:
        session = sessions.opened(**self._settings["connection"])
        try:
            yield session
        finally:
            session.close()


class Outbox:
    """Messages on their way to the parent, in frames of a bounded number."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._waiting: list[Message] = []
        self._sent = time.monotonic()

    def put(self, message: Message) -> None:
        """One message more."""
        self._waiting.append(message)
        if len(self._waiting) >= _MESSAGES:
            self.send()

    def is_due(self) -> bool:
        """Whether something may have waited long enough, in a log that never stands still."""
        return time.monotonic() - self._sent >= _SEND_EVERY

    def send(self) -> None:
        """Send what waits. Blocks while the pipe is full."""
        self._sent = time.monotonic()
        if self._waiting:
            data = memoryview(messages.frame(self._waiting))
            self._waiting = []
            while data:
                data = data[os.write(self._out, data) :]


def run(settings: dict[str, Any], outbox: Outbox) -> None:
    """Read until something ends it."""
    wanted = scope(settings)
    base, file, offset = settings["base"], settings["file"], settings["offset"]
    walker = Walker(base, file, offset, wanted.mariadb)
    groups = Groups(wanted, walker, outbox.put, Again(settings))
    source = dump(settings, file, offset)
    for event in source.events():
        groups.feed(event)
        if source.waits() or outbox.is_due():
            groups.idle()
            outbox.send()


def failure(error: Exception) -> Message:
    """What a failure means to the parent."""
    if isinstance(error, LogError | positions.PositionError):
        return messages.FAILURE, str(error), False
    if isinstance(error, pymysql.err.MySQLError):
        return messages.FAILURE, *server_failure(error)
    if isinstance(error, OSError):  # the server went between the parent's session and this one
        return messages.FAILURE, f"the log was interrupted: {error}", True
    return messages.FAILURE, f"reading the log failed: {type(error).__name__}: {error}", False


_CANNOT_READ = 1236
_SAME_ID = "same server"


def server_failure(error: pymysql.err.MySQLError) -> tuple[str, bool]:
    """A server's refusal, and whether another try may help."""
    number = error.args[0] if error.args else 0
    said = str(error.args[1] if len(error.args) > 1 else error)
    if number == _CANNOT_READ and _SAME_ID not in said:
        return (
            f"the server cannot send its log from there on ({said}): a binlog is gone or damaged;"
            " take a new snapshot",
            False,
        )
    return f"the log was interrupted: {said}", number not in {1045, 1227}


def _watch(parent: int) -> None:
    """End with the parent, however it ends."""
    while os.getppid() == parent:
        if select.select([0], [], [], _PARENT_EVERY)[0] and not os.read(0, 1):
            break
    os._exit(0)


def main() -> None:
    """Run as a process."""
    parent = os.getppid()
    settings = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    outbox = Outbox(os.dup(1))
    os.dup2(2, 1)  # whatever prints must not get among the frames
    try:
        run(settings, outbox)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - the parent is to say what happened
        outbox.put(failure(error))
        outbox.send()


if __name__ == "__main__":
    main()
