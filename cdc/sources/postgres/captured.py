"""What is asked of each table before it can be captured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.config.model import TableSync
from cdc.sources.postgres import catalog
from cdc.sources.postgres.catalog import Connection, ident
from cdc.sources.preflight import Finding

_FACTS: Final = """
SELECT c.oid::bigint, quote_ident(n.nspname), format('%%I.%%I', n.nspname, c.relname),
       c.relkind::text, c.relpersistence::text, c.relreplident::text,
       quote_ident(pg_get_userbyid(c.relowner)), pg_has_role(c.relowner, 'USAGE'),
       has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (
           SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
           AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')),
       row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%s::oid[]) ORDER BY c.oid
"""
_LEAVES: Final = "SELECT relid::bigint FROM pg_partition_tree(%s::oid::regclass) WHERE isleaf"
_CHILDREN: Final = """
SELECT string_agg(inhrelid::regclass::text, ', ' ORDER BY inhrelid) FROM pg_inherits
WHERE inhparent = %s
"""
_COLUMNS: Final = """
SELECT a.attname, a.attnotnull OR t.typnotnull, a.attgenerated <> '', a.attstorage <> 'p'
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_ELSEWHERE: Final = """
SELECT string_agg(format('%%s.%%s', n.nspname, c.relname), ', ') FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """A table as the catalogs have it."""

    oid: int
    schema: str
    """Quoted."""
    quoted: str
    """Schema and name."""
    kind: str
    """`r` table, `p` partitioned, `v` and `m` views, `f` foreign."""
    persistence: str
    """`p` permanent, `u` unlogged, `t` temporary."""
    identity: str
    """The replica identity: `d` the primary key, `i` an index, `f` the whole row, `n` nothing."""
    owner: str
    owned: bool
    readable: bool
    filtered: bool
    """Whether a row security policy hides rows from this role."""


def facts(session: Connection, oids: Sequence[int]) -> list[Facts]:
    """The facts of these tables."""
    return [Facts(*row) for row in session.execute(_FACTS, (list(oids),)).fetchall()]


def parts(session: Connection, table: Facts) -> list[Facts]:
    """The table, and its partitions: each of them logs its rows in its own way."""
    if table.kind != "p":
        return [table]
    leaves = session.execute(_LEAVES, (table.oid,)).fetchall()
    return [table, *facts(session, [row[0] for row in leaves])]


def told(session: Connection, table: Facts) -> frozenset[str] | None:
    """The columns by which the log names an old row; None for all of them."""
    if table.identity == "f":
        return None
    for index in catalog.unique_indexes(session, table.oid):
        if (table.identity == "d" and index.primary) or (table.identity == "i" and index.identity):
            return frozenset(index.columns)
    return frozenset()


def publishable(session: Connection, table: Facts) -> bool:
    """Whether a publication may have it.

    PostgreSQL refuses every UPDATE and DELETE of a published table whose replica identity is
    nothing: to publish it would break the application.
    """
    if table.kind not in "rp" or table.persistence != "p":
        return False
    return all(told(session, part) != frozenset() for part in parts(session, table))


def missing(session: Connection, table: str) -> Finding:
    """That there is no such table, and where there is one."""
    elsewhere = catalog.one(session, _ELSEWHERE, table.rpartition(".")[2])
    hint = f"; there is {elsewhere}" if elsewhere else ""
    return Finding(
        f"there is no table {table} on this role's search path{hint}" if "." not in table
        else f"there is no table {table}{hint}",
        "mend `tables:` in routes.yaml, or create it", applies=False,
    )  # fmt: skip


def logged(session: Connection, name: str, table: Facts) -> Iterator[Finding]:
    """Whether the log has the table's changes at all."""
    if table.kind not in "rp":
        what = {"v": "a view", "m": "a materialized view"}.get(table.kind, "a foreign table")
        yield Finding(f"{name} is {what}, which has no changes", "name its tables", applies=False)
        return
    for part in parts(session, table):
        if part.persistence != "p":
            yield Finding(
                f"{part.quoted} is unlogged or temporary: its changes are not in the log",
                f"ALTER TABLE {part.quoted} SET LOGGED", applies=False,
            )  # fmt: skip
        if told(session, part) == frozenset():
            yield Finding(
                f"the log does not tell which row of {part.quoted} an update or delete concerns,"
                " and once it is published PostgreSQL refuses both",
                _identity(session, part, None), applies=False,
            )  # fmt: skip


def synced(session: Connection, table: TableSync, known: Facts) -> Iterator[Finding]:
    """What a table of the stream needs beyond its place in the log."""
    role = ident(session.info.user)
    if not known.readable:
        yield Finding(
            f"{table.table} may not be read by this role, as a snapshot has to",
            f"GRANT USAGE ON SCHEMA {known.schema} TO {role}; GRANT SELECT ON"
            f" {known.quoted} TO {role}", applies=False,
        )  # fmt: skip
    if known.filtered:
        yield Finding(
            f"row security hides rows of {table.table} from this role: snapshots would fail",
            f"ALTER ROLE {role} BYPASSRLS", applies=False,
        )  # fmt: skip
    if known.kind == "r" and (children := catalog.one(session, _CHILDREN, known.oid)):
        yield Finding(
            f"the rows of {table.table}'s child tables are not part of it: {children}",
            "list the child tables in `tables:` too", fatal=False, applies=False,
        )  # fmt: skip
    if known.kind in "rp":
        yield from _columns(session, table, known)


def _columns(session: Connection, table: TableSync, known: Facts) -> Iterator[Finding]:
    rows = session.execute(_COLUMNS, (known.oid,)).fetchall()
    generated = [row[0] for row in rows if row[2]]
    if generated:
        yield Finding(
            f"generated columns of {table.table} are not in the log: {', '.join(generated)}",
            "have the target generate them as well", fatal=False, applies=False,
        )  # fmt: skip
    toasted = [row[0] for row in rows if row[3] and not row[2]]
    if table.convert and toasted:
        yield Finding(
            f"long values of {table.table} that an update leaves alone are not in the log, so its"
            f" `convert` is called without them: {', '.join(toasted)}",
            "have the function do without a column that is not there", fatal=False, applies=False,
        )  # fmt: skip
    yield from _key(session, table, known, {row[0]: row[1] for row in rows if not row[2]})


def _key(
    session: Connection, table: TableSync, known: Facts, columns: dict[str, bool]
) -> Iterator[Finding]:
    """`columns`: by name, whether NULL is forbidden."""
    key = catalog.key_columns(session, known.oid, table.key)
    if not key or not key <= columns.keys():
        unknown = ", ".join(sorted(key - columns.keys()))
        yield Finding(
            f"the key of {table.table} names columns that are not there or generated: {unknown}"
            if unknown else f"{table.table} has no key, so its rows cannot be told apart",
            f"ALTER TABLE {known.quoted} ADD PRIMARY KEY (…), or `key:` in routes.yaml",
            applies=False,
        )  # fmt: skip
        return
    listed = ", ".join(ident(name) for name in columns if name in key)
    for name in (name for name in columns if name in key and not columns[name]):
        yield Finding(
            f"column {name} of the key of {table.table} may be NULL, and no row is found by NULL",
            f"ALTER TABLE {known.quoted} ALTER COLUMN {ident(name)} SET NOT NULL", applies=False,
        )  # fmt: skip
    if not any(set(index.columns) <= key for index in catalog.unique_indexes(session, known.oid)):
        yield Finding(
            f"no unique index says that the key of {table.table} is one, nor makes snapshots fast",
            f"CREATE UNIQUE INDEX CONCURRENTLY ON {known.quoted} ({listed})",
            fatal=False, applies=False,
        )  # fmt: skip
    for part in parts(session, known):
        names = told(session, part)
        if names and not key <= names:
            yield Finding(
                f"the log names an old row of {part.quoted} by {', '.join(sorted(names))}, the"
                f" stream by {', '.join(sorted(key))}",
                _identity(session, part, key), applies=False,
            )  # fmt: skip


def _identity(session: Connection, table: Facts, key: frozenset[str] | None) -> str:
    """The statement that gives a replica identity: an index where one will do."""
    rows = session.execute(_COLUMNS, (table.oid,)).fetchall()
    sure = {row[0] for row in rows if row[1]}
    fit = [
        index for index in catalog.unique_indexes(session, table.oid)
        if index.immediate and sure.issuperset(index.columns)
        and (key is None or key <= set(index.columns))
    ]  # fmt: skip
    how = f"USING INDEX {fit[0].name}" if fit else "FULL"
    if fit and fit[0].primary:
        how = "DEFAULT"
    return f"ALTER TABLE {table.quoted} REPLICA IDENTITY {how}"
