"""The process that reads the binlog: `python -m cdc.sources.mysql.reader`, started by `process`.

The reader of mysql-replication blocks until an event comes and cannot be interrupted, so it has a
process of its own. What to do comes as one JSON object on standard input, which then stays open:
when it ends, the parent has died and so does this process. Messages go to standard output; a pipe
holds little, so a parent that does not read stops the reading, and with it the server's sending.

There is no state. Killed at any instant, it is started again at the last commit that its parent
has seen.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from typing import Any

import pymysql
from pymysqlreplication import BinLogStreamReader

from cdc.sources.mysql import messages, positions, sessions
from cdc.sources.mysql.groups import Groups, LogError, Scope, StaleError
from cdc.sources.mysql.messages import Message

_ROWS = 2_000
"""Messages in a frame at most, but for what a single event adds."""
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

    def packet(self) -> bytes | None:
        """The next event; None when the server ends the log."""
        packet = self._stream_connection._read_packet()  # noqa: SLF001 - as the library does
        return None if packet.is_eof_packet() else packet.get_all_data()[1:]

    def waits(self) -> bool:
        """Whether nothing has arrived that could be read at once."""
        return not select.select([self._stream_connection._sock], [], [], 0)[0]  # noqa: SLF001


def dump(settings: dict[str, Any], file: str, offset: int) -> Dump:
    """The log from an offset in a file."""
    made = Dump(
        connection_settings=dict(settings["connection"]),
        server_id=settings["server_id"],
        log_file=file,
        log_pos=offset,
        resume_stream=True,
        blocking=True,
        slave_heartbeat=settings["heartbeat"],
        enable_logging=False,
        pymysql_wrapper=_connect,
    )
    made.connect()
    return made


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


def run(settings: dict[str, Any], out: int) -> None:
    """Read until something ends it."""
    base, file, offset = settings["base"], settings["file"], settings["offset"]
    groups = Groups(scope(settings), base, file, offset)
    source = dump(settings, positions.file_name(base, file), offset)
    while True:
        event = source.packet()
        if event is None:
            _send(out, [(messages.FAILURE, "the server has ended the log", True)])
            return
        groups.feed(event)
        if len(groups.out) >= _ROWS or source.waits():
            ready = groups.take()
            if ready:
                _send(out, ready)


def _send(out: int, ready: list[Message]) -> None:
    data = memoryview(messages.frame(ready))
    while data:
        data = data[os.write(out, data) :]


def failure(error: Exception) -> Message:
    """What a failure means to the parent."""
    if isinstance(error, LogError | positions.PositionError):
        return messages.FAILURE, str(error), False
    if isinstance(error, StaleError):
        return messages.FAILURE, str(error), True
    if isinstance(error, pymysql.err.MySQLError):
        return messages.FAILURE, *server_failure(error)
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
    out = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not get among the frames
    try:
        run(settings, out)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - the parent is to say what happened
        _send(out, [failure(error)])


if __name__ == "__main__":
    main()
