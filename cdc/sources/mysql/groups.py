"""From the log's events to committed transactions: where they begin and end, what they hold.

The servers write a transaction into the binlog when it commits, whole and in the order of commits.
So rows are passed on as they come, in bounded memory, and nothing uncommitted is among them but in
the cases that `Groups` holds back or refuses. Pure: bytes in, messages out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdc.change import Row
from cdc.sources.mysql import messages, positions, rows, statements, wire
from cdc.sources.mysql.charsets import CharsetError, Charsets
from cdc.sources.mysql.fields import MetadataError, names, table_map
from cdc.sources.mysql.messages import Message
from cdc.sources.mysql.statements import Effect
from cdc.sources.mysql.values import ValueTypeError
from cdc.sources.mysql.wire import Type

ORIGIN_TABLE = "strangler_applied"
"""Whose row, if a transaction begins with it, says which stream's applier wrote the rest."""
_SHAPES_AT_MOST = 1000


class LogError(Exception):
    """The log holds what cannot be passed on without losing a write; permanent."""


class StaleError(Exception):
    """The reader must connect again: the server writes its events otherwise from here on."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the log belongs to a stream."""

    database: str
    tables: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]
    """By schema and name: the table as the stream names it, and its key's columns if it names
    them."""
    charsets: Charsets
    mariadb: bool
    origins: bool = False
    """Whether to look for `ORIGIN_TABLE`: only in a reverse stream."""
    fold: bool = False
    """Whether the server takes names of tables without regard to case."""


@dataclass(slots=True)
class _Captured:
    """A table of the stream in one shape."""

    number: int
    name: str
    shape: rows.Shape
    origin: bool


@dataclass(slots=True)
class _Group:
    """What is known of the transaction that is open."""

    position: int
    at_ms: int
    gtid: wire.Gtid | None = None
    needs_commit: bool = False
    """Whether an event of its own ends it; a statement of DDL is a whole group."""
    began: bool = False
    """Whether its BEGIN was passed on, which is before its first row of the stream."""


@dataclass(slots=True)
class Groups:
    """Reads one event after the other. `file` and `offset` are where reading begins."""

    scope: Scope
    base: str
    file: int
    offset: int
    out: list[Message] = field(default_factory=list)
    _checksum: int | None = None
    """Bytes at the end of each event; None before the first format description."""
    _group: _Group | None = None
    _tables: dict[int, _Captured | None] = field(default_factory=dict)
    _shapes: dict[bytes, _Captured] = field(default_factory=dict)
    _reached: int = 0
    _told: int = 0

    def take(self) -> list[Message]:
        """What there is to pass on."""
        if self._group is None and self._reached > self._told:
            self.out.append((messages.REACHED, self._reached))
            self._told = self._reached
        out, self.out = self.out, []
        return out

    def feed(self, event: bytes) -> None:
        """The next event. Raises `LogError`, `PositionError` and `StaleError`."""
        header = wire.header(event)
        kind = header.type
        if kind == Type.FORMAT_DESCRIPTION:
            self._described(event)
            return
        if self._checksum is None:  # a made-up rotation to the place that was asked for
            return
        start = self._advance(header)
        data = wire.body(event, self._checksum)
        if kind in rows.OPS:
            self._rows(kind, data)
        elif kind == Type.TABLE_MAP:
            self._table(data, header, start)
        elif kind == Type.XID:
            self._close(header.end)
        elif kind == Type.ROTATE:
            self._rotate(data)
        else:
            self._other(kind, event, data, header, start)

    def _advance(self, header: wire.Header) -> int:
        """Where the event starts; and go on to its end."""
        if not header.end or header.type in {Type.HEARTBEAT, Type.HEARTBEAT_V2}:
            return self.offset
        if header.end < self.offset:  # 32 bits have not been enough
            positions.pack(self.file, header.end + (1 << 32))
        start, self.offset = header.end - header.size, header.end
        return start

    def _described(self, event: bytes) -> None:
        self._checksum = wire.checksum_size(event)
        self._tables.clear()  # table numbers are of a server's run, and each run starts a file

    def _rotate(self, data: bytes) -> None:
        file, offset = wire.rotation(data)
        self.file, self.offset = positions.number(file), offset
        if self._group is None:
            self._reached = positions.pack(self.file, self.offset)

    def _other(self, kind: int, event: bytes, data: bytes, header: wire.Header, start: int) -> None:
        match kind:
            case Type.MARIADB_GTID:
                self._opened(start, header, wire.mariadb_gtid(data, wire.server_of(event)))
            case Type.GTID:
                self._opened(start, header, wire.mysql_gtid(data))
            case Type.ANONYMOUS_GTID | Type.GTID_TAGGED:
                self._opened(start, header, None)
            case Type.QUERY:
                self._query(wire.query(data), header, start)
            case Type.QUERY_COMPRESSED:
                self._query(wire.query_compressed(data), header, start)
            case Type.EXECUTE_LOAD_QUERY:
                self._query(wire.load_query(data), header, start)
            case Type.PARTIAL_UPDATE_ROWS:
                raise LogError(
                    self._refused("parts of JSON documents", "binlog_row_value_options=''")
                )
            case Type.TRANSACTION_PAYLOAD:
                raise LogError(
                    self._refused("compressed transactions", "binlog_transaction_compression=OFF")
                )
            case Type.INCIDENT:
                raise LogError(
                    f"the server lost changes of its own before {self.here} (an incident in the"
                    " binlog): take a new snapshot"
                )
            case _:
                pass

    def _opened(self, start: int, header: wire.Header, gtid: wire.Gtid | None) -> None:
        """A transaction begins with its global name."""
        group = _Group(positions.pack(self.file, start), header.at * 1000, gtid)
        if gtid is not None and gtid.at_ms is not None:
            group.at_ms = gtid.at_ms
        # MariaDB's name stands for BEGIN too; MySQL's is followed by one, but not before DDL.
        group.needs_commit = self.scope.mariadb and not (gtid is not None and gtid.standalone)
        self._group = group

    def _ensure(self, start: int, header: wire.Header) -> _Group:
        """The open transaction; one without a global name begins with its first event."""
        if self._group is None:
            self._group = _Group(positions.pack(self.file, start), header.at * 1000)
        return self._group

    def _query(self, query: wire.Query, header: wire.Header, start: int) -> None:
        group = self._ensure(start, header)
        statement = statements.read(query.sql, query.schema)
        match statement.effect:
            case Effect.BEGIN:
                group.needs_commit = True
                return
            case Effect.COMMIT:
                self._close(header.end)
                return
            case Effect.ROLLBACK | Effect.ROLLBACK_TO:
                self._rolled_back(statement.effect, header)
                return
            case Effect.CHANGE:
                self._changed_by_statement(statement, query.sql)
            case Effect.TRUNCATE:
                self._truncated(statement)
            case _:
                pass
        if not group.needs_commit:
            self._close(header.end)

    def _rolled_back(self, effect: Effect, header: wire.Header) -> None:
        assert self._group is not None
        if self._group.began:
            raise LogError(
                f"the transaction at {self.here} was rolled back in part, and its rows are in the"
                " binlog: it wrote to a table without transactions, or made a temporary one. Take"
                " a new snapshot, and keep such tables out of transactions"
            )
        if effect is Effect.ROLLBACK:
            self._close(header.end)

    def _changed_by_statement(self, statement: statements.Statement, sql: str) -> None:
        for table in statement.tables:
            known = self._captured_name(*table)
            if known is not None:
                raise LogError(
                    f"the statement at {self.here} changed {known} without logging its rows"
                    f" ({sql[:40].strip()!r} …): a session has used binlog_format=STATEMENT, or"
                    " removed a partition. Its changes are lost to the stream: take a new snapshot"
                )

    def _truncated(self, statement: statements.Statement) -> None:
        for table in statement.tables:
            known = self._captured_name(*table)
            if known is not None:
                self._begin()
                self.out.append((messages.TRUNCATE, known))
        if self._group is not None and not self._group.needs_commit:
            self._close(self.offset)

    def _captured_name(self, schema: str, name: str) -> str | None:
        captured = self.scope.tables.get(self._folded(schema, name))
        return captured[0] if captured else None

    def _folded(self, schema: str, name: str) -> tuple[str, str]:
        return (schema.lower(), name.lower()) if self.scope.fold else (schema, name)

    def _table(self, data: bytes, header: wire.Header, start: int) -> None:
        self._ensure(start, header).needs_commit = True
        number = rows.table_id(data)
        captured = self._shapes.get(data[8:])
        if captured is None and self._captures(*names(data)):
            captured = self._shape(data)
        self._tables[number] = captured

    def _captures(self, schema: str, name: str) -> bool:
        folded = self._folded(schema, name)
        return folded in self.scope.tables or (
            self.scope.origins and folded == (self.scope.database, ORIGIN_TABLE)
        )

    def _shape(self, data: bytes) -> _Captured:
        """A table in a shape that has not been seen before."""
        try:
            table = table_map(data, mariadb=self.scope.mariadb)
            name, key = self.scope.tables.get(
                self._folded(table.schema, table.name), (ORIGIN_TABLE, ())
            )
            shape = rows.Shape(table, self.scope.charsets, key)
        except (MetadataError, ValueTypeError, CharsetError) as error:
            raise LogError(f"table {'.'.join(names(data))} at {self.here}: {error}") from error
        if len(self._shapes) >= _SHAPES_AT_MOST:
            self._shapes.clear()
        origin = name not in {known for known, _ in self.scope.tables.values()}
        captured = _Captured(len(self._shapes), name, shape, origin)
        self._shapes[data[8:]] = captured
        columns = tuple((c.name, c.kind, c.type, c.key) for c in shape.columns)
        self.out.append((messages.SHAPE, captured.number, name, table.schema, table.name, columns))
        return captured

    def _rows(self, kind: int, data: bytes) -> None:
        captured = self._tables.get(rows.table_id(data))
        if captured is None:
            return
        at = rows.start(kind, data)
        append, number, op = self.out.append, captured.number, rows.OPS[Type(kind)]
        try:
            for before, after in captured.shape.changes(kind, data, at):
                if captured.origin:
                    self._origin(captured, after or before)
                    return
                self._begin()
                append((messages.CHANGE, number, op, before, after))
        except rows.PartialImageError:
            raise LogError(
                f"the transaction {self._name()} holds rows of {captured.name} with some of their"
                " columns only: a session has set binlog_row_image to MINIMAL or NOBLOB. Set it to"
                " FULL there and globally, and take a new snapshot"
            ) from None
        except (rows.LayoutError, IndexError) as error:
            raise LogError(
                f"rows of {captured.name} at {self.here} cannot be read: some column has a layout"
                " that this program does not know (temporal columns from before 5.6, perhaps:"
                " ALTER TABLE … FORCE rewrites them)"
            ) from error

    def _origin(self, captured: _Captured, row: Row | None) -> None:
        """The row that says which stream's applier writes this transaction."""
        if self._group is None or self._group.began or row is None:
            return
        names_ = [column.name for column in captured.shape.columns]
        self._begin(f"strangler:{row[names_.index('stream')]}")

    def _begin(self, origin: str | None = None) -> None:
        group = self._group
        assert group is not None
        if not group.began:
            group.began = True
            self.out.append((messages.BEGIN, group.position, self._name(), group.at_ms, origin))

    def _close(self, end: int) -> None:
        """The open transaction is complete."""
        group, self._group = self._group, None
        resume = positions.pack(self.file, end)
        if group is not None and group.began:
            gtid = group.gtid.text if group.gtid else None
            self.out.append((messages.COMMIT, resume, gtid))
            self._told = resume
        self._reached = resume

    @property
    def in_group(self) -> bool:
        """Whether a transaction is open of which something was passed on."""
        return self._group is not None and self._group.began

    @property
    def here(self) -> str:
        """Where reading is, for a sentence."""
        return positions.text(self.base, self.file << 32 | self.offset)

    def _name(self) -> str:
        group = self._group
        assert group is not None
        return group.gtid.text if group.gtid else positions.text(self.base, group.position)

    def _refused(self, what: str, setting: str) -> str:
        return (
            f"the log holds {what} at {self.here}, which cannot be read: set {setting} globally and"
            " in every session, and take a new snapshot"
        )
