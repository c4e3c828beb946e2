"""What the log leaves open about a table: the stream's name for it, its key, its types.

The log names a table as it was called when it was written, so that is what counts first. The object
identifier follows: a table that was renamed is still the stream's, until the next start says that
the name is gone.
"""

from __future__ import annotations

from cdc.change import Column, Relation
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.pgoutput import RelationMessage, Shape
from cdc.relay.ports import SourceError
from cdc.sources.postgres import catalog
from cdc.sources.postgres.names import publication_name
from cdc.sources.postgres.session import failures
from cdc.sources.postgres.values import converter

MARKER = "strangler_marker"
APPLIED = "strangler_applied"
_PUBLISHED = "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s"
_PUBLISHED_IDS = """
SELECT c.oid FROM pg_publication_tables p
JOIN pg_namespace n ON n.nspname = p.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
WHERE p.pubname = %s
"""
_WRITTEN = """
SELECT format_type(oid, modifier)
FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS type (oid, modifier, number) ORDER BY number
"""
_GONE = "???"
"""What PostgreSQL calls a type that is gone."""


class Tables:
    """The tables of one stream, as a connection's relation messages describe them."""

    def __init__(self, session: catalog.Connection, stream: Stream) -> None:
        """Find them. Raises a permanent `SourceError` where one is missing or not published."""
        self._session, self._stream = session, stream
        self._keys = {table.table: table.key for table in stream.tables}
        self._names: dict[tuple[str, str], str] = {}
        self._oids: dict[int, str] = {}
        self._shapes: dict[int, Shape] = {}
        published = self._published()
        more = [MARKER, stream.outbox, APPLIED if stream.two_way else None]
        for table in [*self._keys, *filter(None, more)]:
            found = catalog.find(session, table)
            if found is None:
                raise self._unprepared(f"has no table {table}")
            if found[1:] not in published:
                raise self._unpublished(table)
            self._names[found[1:]] = self._oids[found[0]] = table

    def describe(self, message: RelationMessage) -> Shape:
        """The shape that a relation message announces: the same object while nothing differs.

        A relation message comes after every change of the catalog near the table, such as ANALYZE.
        """
        relation = self._relation(message)
        known = self._shapes.get(message.id)
        if known is not None and _same(known.relation, relation):
            return known
        shape = Shape(
            relation,
            tuple(converter(column.kind) for column in relation.columns),
            frozenset(index for index, column in enumerate(message.columns) if column.key),
        )
        self._shapes[message.id] = shape
        return shape

    def check(self, session: catalog.Connection) -> None:
        """Raise a permanent `SourceError` where a table is published no more.

        Called by another thread, with a session of its own. The object identifier counts: a table
        that was made anew under its name is none of the publication's until it is added.
        """
        oids = dict(self._oids)
        name = (publication_name(self._stream),)
        with failures("looking at the publication"):
            published = {row[0] for row in session.execute(_PUBLISHED_IDS, name).fetchall()}
        gone = sorted(table for oid, table in oids.items() if oid not in published)
        if gone:
            raise self._unpublished(", ".join(gone))

    def _relation(self, message: RelationMessage) -> Relation:
        table = self._table(message)
        key = self._key(table, message)
        columns = tuple(
            Column(column.name, catalog.type_kind(self._session, column.type), written,
                   column.name in key)
            for column, written in zip(message.columns, self._types(message), strict=True)
        )  # fmt: skip
        return Relation(table, message.schema, message.name, columns)

    def _table(self, message: RelationMessage) -> str:
        named = self._names.get((message.schema, message.name))
        if named is not None:
            # Made anew under its name, or another one took its place.
            self._oids = {oid: table for oid, table in self._oids.items() if table != named}
            self._oids[message.id] = named
        return self._oids.get(message.id, f"{message.schema}.{message.name}")

    def _key(self, table: str, message: RelationMessage) -> frozenset[str]:
        """What the stream says, else the replica identity if it is a key, else the catalog."""
        wanted = frozenset(self._keys.get(table, ()))
        identity = frozenset(column.name for column in message.columns if column.key)
        if not wanted and message.identity in "di":
            return identity
        key = wanted or catalog.key_columns(self._session, message.id, ())
        missing = key - {column.name for column in message.columns}
        if missing:
            raise SourceError(
                f"the key of {table} is {', '.join(sorted(key))}, but in the log it has no column"
                f" {', '.join(sorted(missing))}: mend `key:` in routes.yaml, or begin again with"
                f" `{command('run', self._stream, '--resnapshot')}`",
                temporary=False,
            )
        if identity and not key <= identity:
            raise SourceError(
                f"the log tells a deleted row of {table} by {', '.join(sorted(identity))} only,"
                f" and the stream's key is {', '.join(sorted(key))}: ALTER TABLE"
                f" {catalog.quoted(table)} REPLICA IDENTITY FULL, then"
                f" `{command('run', self._stream, '--resnapshot')}`",
                temporary=False,
            )
        return key

    def _types(self, message: RelationMessage) -> list[str]:
        """The types as they are written now; a type that is gone, as it was called."""
        given = (
            [column.type for column in message.columns],
            [column.modifier for column in message.columns],
        )
        rows = self._session.execute(_WRITTEN, given).fetchall()
        return [
            column.named or "unknown" if written == _GONE else str(written)
            for column, (written,) in zip(message.columns, rows, strict=True)
        ]

    def _published(self) -> frozenset[tuple[str, str]]:
        name = publication_name(self._stream)
        query = "SELECT 1 FROM pg_publication WHERE pubname = %s"
        if self._session.execute(query, (name,)).fetchone() is None:
            raise self._unprepared(f"has no publication {name}")
        return frozenset((row[0], row[1]) for row in self._session.execute(_PUBLISHED, (name,)))

    def _unpublished(self, tables: str) -> SourceError:
        name = self._stream.name
        return SourceError(
            f"the source of the stream {name} does not publish {tables}: dropped, made anew, or"
            " taken out of the publication. Run the preflight"
            f" (`{command('init', self._stream, '--apply')}`); where the relay was running already,"
            f" changes are missing since then: `{command('snapshot', self._stream)}`, then"
            f" `{command('verify', self._stream)}` for rows that are gone",
            temporary=False,
        )

    def _unprepared(self, what: str) -> SourceError:
        name = self._stream.name
        return SourceError(
            f"the source of the stream {name} {what}: run the preflight,"
            f" `{command('init', self._stream, '--apply')}`",
            temporary=False,
        )


def _same(one: Relation, other: Relation) -> bool:
    """Relations compare by identity."""
    return (one.table, one.schema, one.name, one.columns) == (
        other.table, other.schema, other.name, other.columns,
    )  # fmt: skip
