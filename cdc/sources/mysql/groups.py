"""From the log's steps to committed transactions. Pure but for what it is given to call.

A transaction's rows are held until its end has been seen, so that none of them leaves that was
rolled back, prepared only, or cut off by a crash (see `steps`). The rows of a large one are not
held: the log is read ahead to its end once, without decoding, and then they are passed on as they
come. So memory stays flat, and whatever is passed on has been committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from cdc.change import Position, Value
from cdc.sources.mysql import messages, positions, steps
from cdc.sources.mysql.messages import Message
from cdc.sources.mysql.statements import Effect
from cdc.sources.mysql.steps import Act, Fate, LogError, Savepoints, Step, Walker
from cdc.sources.mysql.tables import Scope, Table, Tables

HELD_AT_MOST = 1 << 20
"""Bytes of one transaction's rows, as they stand in the log, that are held until its end."""


class Again(Protocol):
    """Reads the log a second time, and asks what it does not say."""

    def events(self, position: Position) -> AbstractContextManager[Iterator[bytes]]:
        """The events from a position on, without end."""

    def oldest(self) -> Position:
        """Where the oldest binlog begins."""

    def natives(self, schema: str, name: str) -> Mapping[str, str]:
        """Columns of MariaDB's own types that a table has now."""


@dataclass(slots=True)
class _Group:
    """The transaction that is open."""

    position: Position
    at_ms: int
    name: str
    gtid: str | None
    held: list[tuple[Table, Step]] = field(default_factory=list)
    size: int = 0
    savepoints: Savepoints = field(default_factory=Savepoints)
    fate: Fate | None = None
    """Known ahead for a large transaction, whose rows are not held."""
    touched: bool = False
    """Whether it has rows of the stream."""
    began: bool = False
    """Whether its BEGIN was passed on."""


class Groups:
    """Takes one event after the other and emits messages."""

    def __init__(
        self,
        scope: Scope,
        walker: Walker,
        emit: Callable[[Message], None],
        again: Again,
        held_at_most: int = HELD_AT_MOST,
    ) -> None:
        self._scope, self._walker, self._emit = scope, walker, emit
        self._again, self._held_at_most = again, held_at_most
        self._tables = Tables(scope, emit, again.natives)
        self._group: _Group | None = None
        self._prepared: dict[str, Position] = {}
        """XA transactions that wait: where each begins; 0 for one without rows of the stream."""
        self._told = 0

    def feed(self, event: bytes) -> None:
        """The next event. Raises `LogError` and `PositionError`."""
        step = self._walker.feed(event)
        if step.act is Act.NOTHING:
            return
        try:
            self._take(step)
        except LogError as error:
            group = self._group
            raise LogError(
                f"the transaction {group.name} at {self._walker.here} {error}" if group else error
            ) from error

    def idle(self) -> None:
        """Nothing has arrived: say how far everything has been read."""
        if self._group is None and not self._walker.is_open:
            position = self._walker.position
            if position > self._told:
                self._emit((messages.REACHED, position))
                self._told = position

    def _take(self, step: Step) -> None:
        group = self._opened(step)
        match step.act:
            case Act.MAP:
                self._tables.learn(step.data)
            case Act.ROWS:
                table = self._tables.of(step)
                if table is not None:
                    self._rows(group, table, step)
            case Act.STATEMENT:
                self._statement(group, step)
            case Act.XA_COMMIT:
                self._commit_prepared(group, step.name)
            case _:
                self._turn(group, step)
        if step.last:
            self._close(group, step)

    def _turn(self, group: _Group, step: Step) -> None:
        """What decides over the rows that are held."""
        match step.act:
            case Act.SAVEPOINT:
                group.savepoints.set(step.name, len(group.held))
            case Act.ROLLBACK_TO:
                del group.held[group.savepoints.back_to(step.name) :]
            case Act.PREPARE:
                self._prepared[step.name] = group.position if group.touched else 0
                group.held.clear()
            case Act.ROLLBACK | Act.CUT:
                group.held.clear()
            case Act.XA_ROLLBACK:
                self._prepared.pop(step.name, None)
            case _:
                pass

    def _opened(self, step: Step) -> _Group:
        """The open group; one without a global name begins with its first event."""
        if self._group is None or step.act is Act.OPEN:
            gtid = step.gtid.text if step.gtid else None
            name = gtid or positions.text(self._walker.base, step.start)
            self._group = _Group(step.start, step.at_ms, name, gtid)
            self._walker.is_open = not step.last
        return self._group

    def _rows(self, group: _Group, table: Table, step: Step) -> None:
        group.touched = True
        if group.fate is not None:
            if group.fate.keeps(step.start):
                self._emit_rows(group, table, step)
            return
        group.held.append((table, step))
        group.size += len(step.data)
        if group.size > self._held_at_most:
            group.fate = self._foreseen(group)
            for held, one in group.held:
                if group.fate.keeps(one.start):
                    self._emit_rows(group, held, one)
            group.held.clear()

    def _foreseen(self, group: _Group) -> Fate:
        """Read ahead to the end of the group."""
        with self._again.events(group.position) as events:
            return steps.fate(self._second(group.position), events)

    def _second(self, position: Position) -> Walker:
        """A walker of its own for a second reading."""
        file, offset = positions.unpack(position)
        return Walker(self._walker.base, file, offset, self._scope.mariadb)

    def _emit_rows(self, group: _Group, table: Table, step: Step) -> None:
        emit, number = self._emit, table.number
        for op, before, after in table.changes(step):
            if table.origin:
                self._origin(group, table, after or before or ())
                return
            if not group.began:
                self._begin(group)
            emit((messages.CHANGE, number, op, before, after))

    def _origin(self, group: _Group, table: Table, row: tuple[Value, ...]) -> None:
        """The row that says which stream's applier writes this transaction, if it is the first."""
        columns = [column.name for column in table.shape.columns]
        if not group.began:
            self._begin(group, f"strangler:{row[columns.index('stream')]}")

    def _begin(self, group: _Group, origin: str | None = None) -> None:
        group.began = True
        self._emit((messages.BEGIN, group.position, group.name, group.at_ms, origin))

    def _close(self, group: _Group, step: Step) -> None:
        """The group has ended."""
        for table, one in group.held:
            self._emit_rows(group, table, one)
        self._group = None
        if group.began:
            self._emit((messages.COMMIT, step.end, group.gtid))
            self._told = step.end

    def _commit_prepared(self, group: _Group, name: str) -> None:
        """Pass on the rows of a transaction that was prepared before: the log is read again."""
        position = self._prepared.pop(name, None)
        if position is None:
            position = self._searched(name)
        if not position:
            return
        with self._again.events(position) as events:
            self._emit_prepared(group, self._second(position), events)

    def _emit_prepared(self, group: _Group, walker: Walker, events: Iterator[bytes]) -> None:
        tables = self._tables.apart()
        for event in events:
            step = walker.feed(event)
            if step.act is Act.MAP:
                tables.learn(step.data)
            elif step.act is Act.ROWS and (table := tables.of(step)) is not None:
                self._emit_rows(group, table, step)
            if step.last:
                return

    def _searched(self, name: str) -> Position:
        """Where a transaction was prepared before reading began: in all the log there is."""
        oldest = self._again.oldest()
        walker, opened, end = self._second(oldest), oldest, self._walker.position
        with self._again.events(oldest) as events:
            for event in events:
                step = walker.feed(event)
                if step.act is Act.OPEN:
                    opened = step.start
                if step.act is Act.PREPARE and step.name == name:
                    return opened
                if step.end >= end:
                    break
        raise LogError(
            f"commits the XA transaction {name}, whose rows were logged when it was prepared, in a"
            " binlog that is gone: take a new snapshot"
        )

    def _statement(self, group: _Group, step: Step) -> None:
        """A statement in the log, which may have changed a table of the stream."""
        self._tables.renew()
        statement = step.statement
        if statement is None or statement.effect is Effect.NONE:
            return
        for schema, name in statement.tables:
            known = self._scope.captured(schema, name)
            if known is None:
                continue
            if statement.effect is not Effect.TRUNCATE:
                raise LogError(
                    f"changed {known[0]} by a statement whose rows are not logged"
                    f" ({step.sql[:40].strip()!r} …): a session has used another binlog_format than"
                    " ROW, or removed a partition. These changes are lost to the stream: take a"
                    " new snapshot"
                )
            self._begin(group)
            self._emit((messages.TRUNCATE, known[0]))
