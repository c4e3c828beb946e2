"""The binlog of one server, read for one stream: `MysqlSource`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cdc.change import (
    Begin,
    Change,
    Column,
    Commit,
    Event,
    Identity,
    Kind,
    Op,
    Position,
    Reached,
    Relation,
)
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceError
from cdc.sources.mysql import messages, positions, server, sessions
from cdc.sources.mysql.control import MysqlControl
from cdc.sources.mysql.messages import Message
from cdc.sources.mysql.process import Reading
from cdc.sources.mysql.sessions import Session

_RELATIONS_AT_MOST = 10_000
"""Shapes of tables that are remembered: ten times as many as the reader uses at a time."""
HEARTBEAT = 5.0
"""Seconds after which a server with nothing to say says so; after three of them it counts as
gone."""


class MysqlSource:
    """See `cdc.relay.ports.Source`. Nothing is connected before the first method is called."""

    connector = "mysql"

    def __init__(self, stream: Stream, folder: Path) -> None:  # noqa: ARG002 - nothing is kept on disk
        self.database = sessions.database(stream.source)
        self._stream = stream
        self._base = "binlog"
        self._reading: Reading | None = None
        self._kept: Position | None = None
        self._relations: dict[int, Relation] = {}

    def identity(self) -> Identity:
        """Which log it is: another server, or the same one made anew, has another identity.

        MySQL makes a UUID for each data directory. MariaDB has nothing of the kind: a recreated
        server has the same `server_id` and writes `binlog.000001` again. So a token is written
        into the marker table once, by whoever asks first; a new directory has a new one. A replica
        has the same token, and another `server_id`. What this cannot tell is a MariaDB restored
        from a dump under the same `server_id`, whose
        log has no gap at the place where reading goes on.
        """
        with self._session("asking for the server's identity") as session:
            known = sessions.variables(session, "server_uuid", "server_id")
            facts = {
                "database": self.database,
                "log": positions.prefix(self._end(session)[0]),
                "server": known.get("server_uuid") or known.get("server_id", ""),
            }
            if "server_uuid" not in known:
                facts["token"] = server.token(session, self._stream)
            return Identity.of(**facts)

    def start(self, resume: Position | None) -> Position:
        """Begin to read. Raises `SourceError`."""
        self._stop()
        with self._session("starting to read the binlog") as session:
            server.check_settings(session, self._stream)
            file, offset = self._place(session, resume)
            settings = self._settings(session, file, offset)
        self._reading = Reading(settings)
        self._kept = positions.pack(positions.number(file), offset)
        return self._kept

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events. Raises `SourceError`."""
        assert self._reading is not None, "start() comes first"
        return [
            event
            for message in self._reading.messages(timeout)
            if (event := self._event(message)) is not None
        ]

    def confirm(self, resume: Position) -> None:
        """Remember it for `retained`. The server keeps its binlogs for a time, not for a reader."""
        self._kept = resume

    def retained(self) -> int:
        """Bytes of binlog from what was confirmed last to the end."""
        if self._kept is None:
            return 0
        with self._session("asking for the sizes of the binlogs") as session:
            return _bytes_after(self._kept, server.binlogs(session))

    def check(self) -> None:
        """Whether the binlog still carries whole changes, of whichever table."""
        with self._session("looking at the settings of the binlog") as session:
            server.check_settings(session, self._stream)

    def release(self) -> None:
        """Nothing is kept for the stream."""

    def text(self, position: Position) -> str:
        """`binlog.000003:1234`."""
        return positions.text(self._base, position)

    def close(self) -> None:
        """End the reading process."""
        self._stop()

    @contextlib.contextmanager
    def _session(self, doing: str) -> Iterator[Session]:
        """A session of its own for one question."""
        with sessions.told(doing):
            session = sessions.connect(self._stream.source)
            try:
                yield session
            finally:
                session.close()

    def _stop(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _event(self, message: Message) -> Event | None:
        kind = message[0]
        if kind == messages.CHANGE:
            _, number, op, before, after = message
            return Change(self._relations[number], _OPS[op], before, after)
        if kind == messages.BEGIN:
            return Begin(*message[1:])
        if kind == messages.COMMIT:
            return Commit(*message[1:])
        if kind == messages.REACHED:
            return Reached(message[1])
        if kind == messages.TRUNCATE:
            return Change(self._latest(message[1]), Op.TRUNCATE, None, None)
        assert kind == messages.SHAPE
        self._learn(*message[1:])
        return None

    def _learn(
        self, number: int, table: str, schema: str, name: str,
        columns: Sequence[tuple[str, str, str, bool]],
    ) -> None:  # fmt: skip
        described = tuple(Column(n, Kind(kind), of, key) for n, kind, of, key in columns)
        self._relations[number] = Relation(table, schema, name, described)
        if len(self._relations) > _RELATIONS_AT_MOST:
            del self._relations[next(iter(self._relations))]

    def _latest(self, table: str) -> Relation:
        """The shape in which a table was seen last; asked of the server before its first row."""
        for relation in reversed(self._relations.values()):
            if relation.table == table:
                return relation
        control = MysqlControl(self._stream)
        try:
            key = next((t.key for t in self._stream.tables if t.table == table), ())
            return control.relation(table, key)
        finally:
            control.close()

    def _end(self, session: Session) -> tuple[str, int]:
        """File and offset where the log ends now, which is between two transactions."""
        found = server.end_of_log(session)
        if found is None:
            raise SourceError(
                "the server writes no binlog: start it with log_bin and a server_id",
                temporary=False,
            )
        self._base = positions.prefix(found[0])
        return found

    def _place(self, session: Session, resume: Position | None) -> tuple[str, int]:
        """File and offset where reading begins."""
        end = self._end(session)
        if resume is None:
            return end
        file_number, offset = positions.unpack(resume)
        file = positions.file_name(self._base, file_number)
        sizes = server.binlogs(session)
        if file not in sizes:
            first = next(iter(sizes), "none")
            raise SourceError(
                f"{file} is no longer on the server (the oldest binlog is {first}), so the changes"
                f" after {file}:{offset} are lost; resume with"
                f" `{command('run', self._stream, '--resnapshot')}`, and set"
                " binlog_expire_logs_seconds higher",
                temporary=False,
            )
        if offset > sizes[file]:
            raise SourceError(
                f"{file} ends at {sizes[file]}, before {offset} where reading stopped: the server"
                " was restored, or lost its last transactions in a crash; resume with"
                f" `{command('run', self._stream, '--resnapshot')}`",
                temporary=False,
            )
        return file, offset

    def _settings(self, session: Session, file: str, offset: int) -> dict[str, Any]:
        """What the reading process needs to know."""
        fold = sessions.variables(session, "lower_case_table_names")
        names = sessions.variables(session, "server_id")
        return {
            "connection": sessions.settings(self._stream.source) | {"read_timeout": 3 * HEARTBEAT},
            "server_id": int(names.get("server_id", "0")),
            "heartbeat": HEARTBEAT,
            "base": self._base,
            "file": positions.number(file),
            "offset": offset,
            "database": self.database,
            "mariadb": sessions.is_mariadb(session),
            "origins": self._stream.two_way,
            "fold": fold.get("lower_case_table_names", "0") != "0",
            "tables": list(self._captured()),
            "charsets": server.charsets(session),
        }

    def _captured(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Schema, name, the stream's name and key of each table."""
        listed = [
            (*server.place(t.table, self.database), t.table, t.key) for t in self._stream.tables
        ]
        if self._stream.outbox:
            outbox = self._stream.outbox
            listed.append((*server.place(outbox, self.database), outbox, ()))
        return [*listed, (self.database, server.MARKER_TABLE, server.MARKER_TABLE, ())]


_OPS = {op.value: op for op in Op}


def _bytes_after(position: Position, sizes: Mapping[str, int]) -> int:
    file, offset = positions.unpack(position)
    later = sum(size for name, size in sizes.items() if positions.number(name) > file)
    here = next((size for name, size in sizes.items() if positions.number(name) == file), 0)
    return later + max(0, here - offset)
