"""One event after the other, as steps of transactions. Pure: bytes in, steps out.

In the log a transaction is a *group* of events: its global name or BEGIN, the tables' shapes, rows,
and an end. The servers write a group when it commits. But the end has to be seen: a group with rows
in it ends in ROLLBACK where the transaction had made a temporary table, rows may be rolled back to
a savepoint within it, XA PREPARE leaves it open, and a crash leaves half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from cdc.change import Position
from cdc.sources.mysql import positions, rows, statements, wire
from cdc.sources.mysql.statements import Effect, Statement
from cdc.sources.mysql.wire import Gtid, Type


class LogError(Exception):
    """The log holds what cannot be passed on without losing a write; permanent."""


class Act(Enum):
    """What a step does."""

    OPEN = auto()
    MAP = auto()
    """Says which table, in which shape, the rows after it belong to."""
    ROWS = auto()
    STATEMENT = auto()
    SAVEPOINT = auto()
    ROLLBACK_TO = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    PREPARE = auto()
    """The group is complete, and waits for an XA COMMIT or XA ROLLBACK that names it."""
    XA_COMMIT = auto()
    XA_ROLLBACK = auto()
    CUT = auto()
    """The group that was open will never be complete: the server crashed while it wrote it."""
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One event."""

    act: Act
    start: Position
    end: Position
    at_ms: int = 0
    type: int = 0
    data: bytes = b""
    """Body of the event, for MAP and ROWS."""
    gtid: Gtid | None = None
    name: str = ""
    """Of a savepoint, or of an XA transaction."""
    statement: Statement | None = None
    sql: str = ""
    last: bool = False
    """Whether the group ends with it."""


_ACTS = {
    Effect.COMMIT: Act.COMMIT, Effect.ROLLBACK: Act.ROLLBACK, Effect.ROLLBACK_TO: Act.ROLLBACK_TO,
    Effect.SAVEPOINT: Act.SAVEPOINT, Effect.XA_COMMIT: Act.XA_COMMIT,
    Effect.XA_ROLLBACK: Act.XA_ROLLBACK,
}  # fmt: skip
_ENDS = {Act.COMMIT, Act.ROLLBACK, Act.PREPARE, Act.CUT}


@dataclass(slots=True)
class Walker:
    """Makes steps of events. `file` and `offset` are where reading begins, between two groups."""

    base: str
    file: int
    offset: int
    mariadb: bool
    is_open: bool = False
    _needs_commit: bool = field(default=False)
    """Whether an event of its own ends the group; a statement of DDL is a whole one."""
    _checksum: int | None = None
    """Bytes at the end of each event; None before the first format description."""

    @property
    def position(self) -> Position:
        """Where reading is."""
        return positions.pack(self.file, self.offset)

    @property
    def here(self) -> str:
        """Where reading is, for a sentence."""
        return positions.text(self.base, self.position)

    def feed(self, event: bytes) -> Step:
        """The next step. Raises `LogError` and `PositionError`."""
        header = wire.header(event)
        if header.type == Type.FORMAT_DESCRIPTION:
            return self._described(event)
        if self._checksum is None:  # a made-up rotation to the place that was asked for
            return self._step(Act.NOTHING, self.position)
        start = self._advance(header)
        data = wire.body(event, self._checksum)
        step = self._made(header, start, data, event)
        if step.last:
            self.is_open = self._needs_commit = False
        return step

    def _advance(self, header: wire.Header) -> Position:
        """Where the event starts; and go on to its end."""
        if not header.end or header.type in {Type.HEARTBEAT, Type.HEARTBEAT_V2}:
            return self.position
        # The header has 32 bits for the end. A file that needs more is refused here.
        wrapped = header.end < self.offset
        end = positions.pack(self.file, header.end + (wrapped << 32))
        self.offset = header.end
        return end - header.size

    def _described(self, event: bytes) -> Step:
        """A file begins, or the server repeats how the one is written that reading begins in."""
        self._checksum = wire.checksum_size(event)
        cut = self.is_open
        self.is_open = self._needs_commit = False
        return self._step(Act.CUT if cut else Act.NOTHING, self.position, last=cut)

    def _step(self, act: Act, start: Position, **more: object) -> Step:
        more.setdefault("last", act in _ENDS)
        return Step(act, start, self.position, **more)  # type: ignore[arg-type]

    def _made(self, header: wire.Header, start: Position, data: bytes, event: bytes) -> Step:
        kind = header.type
        if kind in rows.OPS:
            return self._step(Act.ROWS, start, type=kind, data=data)
        if kind in _QUERIES:
            return self._query(header, start, _QUERIES[kind](data))
        if kind in _NAMES:
            return self._opened(header, start, self._gtid(kind, data, event))
        match kind:
            case Type.TABLE_MAP:
                return self._step(Act.MAP, start, data=data, at_ms=header.at * 1000)
            case Type.XID:
                return self._step(Act.COMMIT, start)
            case Type.XA_PREPARE:
                act = Act.COMMIT if data[0] else Act.PREPARE  # XA COMMIT … ONE PHASE
                return self._step(act, start, name=wire.xa_name(data))
            case Type.ROTATE:
                file, self.offset = wire.rotation(data)
                self.file = positions.number(file)
            case _:
                self._refuse(kind)
        return self._step(Act.NOTHING, start)

    @staticmethod
    def _gtid(kind: int, data: bytes, event: bytes) -> Gtid | None:
        if kind == Type.MARIADB_GTID:
            return wire.mariadb_gtid(data, wire.server_of(event))
        return wire.mysql_gtid(data) if kind == Type.GTID else None

    def _opened(self, header: wire.Header, start: Position, gtid: Gtid | None) -> Step:
        self.is_open = True
        # MariaDB's name stands for BEGIN too; MySQL's is followed by one, but not before DDL.
        self._needs_commit = self.mariadb and not (gtid is not None and gtid.standalone)
        at_ms = header.at * 1000 if gtid is None or gtid.at_ms is None else gtid.at_ms
        return self._step(Act.OPEN, start, gtid=gtid, at_ms=at_ms)

    def _query(self, header: wire.Header, start: Position, query: wire.Query) -> Step:
        statement = statements.read(query.sql, query.schema)
        at_ms = header.at * 1000
        if statement.effect is Effect.BEGIN:
            fresh, self.is_open, self._needs_commit = not self.is_open, True, True
            return self._step(Act.OPEN if fresh else Act.NOTHING, start, at_ms=at_ms)
        act = _ACTS.get(statement.effect, Act.STATEMENT)
        return self._step(
            act, start, at_ms=at_ms, statement=statement, sql=query.sql, name=statement.name,
            last=act in _ENDS or not self._needs_commit,
        )  # fmt: skip

    def _refuse(self, kind: int) -> None:
        """Raise for what cannot be read, and must not be passed over."""
        what = _UNREADABLE.get(kind)
        if what is not None:
            raise LogError(f"the log holds {what[0]} at {self.here}: {what[1]}")


_QUERIES: dict[int, Callable[[bytes], wire.Query]] = {
    Type.QUERY: wire.query,
    Type.QUERY_COMPRESSED: wire.query_compressed,
    Type.EXECUTE_LOAD_QUERY: wire.load_query,
}
_NAMES = {Type.MARIADB_GTID, Type.GTID, Type.ANONYMOUS_GTID, Type.GTID_TAGGED}
_UNREADABLE: dict[int, tuple[str, str]] = {
    Type.PARTIAL_UPDATE_ROWS: (
        "parts of JSON documents, which cannot be read",
        "set binlog_row_value_options='' globally and in every session, and take a new snapshot",
    ),
    Type.TRANSACTION_PAYLOAD: (
        "a compressed transaction, which cannot be read",
        "set binlog_transaction_compression=OFF globally and in every session, and take a new"
        " snapshot",
    ),
    Type.INCIDENT: (
        "an incident: the server has lost changes of its own before it",
        "take a new snapshot",
    ),
}


@dataclass(slots=True)
class Fate:
    """What becomes of a group."""

    commits: bool
    holes: list[tuple[Position, Position]] = field(default_factory=list)
    """Stretches of it that were rolled back to a savepoint."""

    def keeps(self, start: Position) -> bool:
        """Whether an event of the group counts."""
        return self.commits and not any(low <= start < high for low, high in self.holes)


@dataclass(slots=True)
class Savepoints:
    """Which savepoints of a group are set, with a place for each."""

    _set: list[tuple[str, int]] = field(default_factory=list)

    def set(self, name: str, place: int) -> None:
        """A savepoint is set; an older one of the same name is none any more."""
        self._set = [one for one in self._set if one[0] != name]
        self._set.append((name, place))

    def back_to(self, name: str) -> int:
        """The place of a savepoint; those set after it are gone. 0 for one that is not known."""
        while self._set:
            if self._set[-1][0] == name:
                return self._set[-1][1]
            self._set.pop()
        return 0


def fate(walker: Walker, events: Iterable[bytes]) -> Fate:
    """What becomes of the group with which the events begin."""
    found, savepoints = Fate(commits=False), Savepoints()
    for event in events:
        step = walker.feed(event)
        if step.act is Act.SAVEPOINT:
            savepoints.set(step.name, step.start)
        elif step.act is Act.ROLLBACK_TO:
            found.holes.append((savepoints.back_to(step.name), step.start))
        if step.last:
            found.commits = step.act not in {Act.ROLLBACK, Act.PREPARE, Act.CUT}
            break
    return found
