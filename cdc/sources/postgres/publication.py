"""The publication of a stream: what it is, and the statements that make it what it has to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.sources.postgres.captured import Facts
from cdc.sources.postgres.catalog import Connection, ident
from cdc.sources.preflight import Finding

_PUBLICATION: Final = """
SELECT p.oid::bigint, p.puballtables, quote_ident(pg_get_userbyid(p.pubowner)),
       pg_has_role(p.pubowner, 'USAGE'),
       p.pubviaroot AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate
       AND coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 'n'
FROM pg_publication p WHERE p.pubname = %s
"""
_TABLES: Final = """
SELECT r.prrelid::bigint, to_jsonb(r) ->> 'prqual' IS NULL AND to_jsonb(r) ->> 'prattrs' IS NULL
FROM pg_publication_rel r WHERE r.prpubid = %s
"""
_SCHEMAS: Final = "SELECT count(*) FROM pg_publication_namespace WHERE pnpubid = %s"
"""From version 15 on."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The publication as it is and as it has to be."""

    name: str
    wanted: tuple[Facts, ...]
    oid: int | None
    """None where there is none."""
    owner: str
    owned: bool
    options: bool
    """Whether it publishes every kind of change, partitions as their table, nothing generated."""
    whole: bool
    """Whether it has exactly the wanted tables, and all of their rows and columns."""
    generated: bool
    """Whether this version knows `publish_generated_columns`."""

    def statements(self, to_make: Sequence[str] = ()) -> list[str]:
        """What makes it right; nothing if it is. `to_make`: tables that are not there yet."""
        name = ident(self.name)
        tables = [f"ONLY {table.quoted}" for table in self.wanted]
        listed = ", ".join([*tables, *(f"ONLY {name}" for name in to_make)])
        if not listed:
            return []
        if self.oid is None:
            options = "publish_via_partition_root = true"
            return [f"CREATE PUBLICATION {name} FOR TABLE {listed} WITH ({options})"]
        statements = []
        if not self.options:
            options = "publish = 'insert, update, delete, truncate'"
            options += ", publish_via_partition_root = true"
            options += ", publish_generated_columns = none" if self.generated else ""
            statements.append(f"ALTER PUBLICATION {name} SET ({options})")
        if not self.whole or to_make:
            statements.append(f"ALTER PUBLICATION {name} SET TABLE {listed}")
        return statements

    def findings(self, session: Connection, to_make: Sequence[str]) -> Iterator[Finding]:
        """What is wrong with it, and which rights this role lacks to mend it."""
        statements = self.statements(to_make)
        lacking = list(self._rights(session)) if statements else []
        for statement in statements:
            verb = "is missing" if self.oid is None else "is not what the stream needs"
            yield Finding(f"the publication {self.name} {verb}", statement, applies=not lacking)
        yield from lacking

    def _rights(self, session: Connection) -> Iterator[Finding]:
        role, database = ident(session.info.user), ident(session.info.dbname)
        query = "SELECT has_database_privilege(current_database(), 'CREATE')"
        row = session.execute(query).fetchone()
        if self.oid is None and not (row and row[0]):
            yield Finding(
                f"the role {role} may not create a publication in {database}",
                f"GRANT CREATE ON DATABASE {database} TO {role}", applies=False,
            )  # fmt: skip
        if self.oid is not None and not self.owned:
            yield Finding(
                f"the publication {self.name} belongs to {self.owner}",
                f"ALTER PUBLICATION {ident(self.name)} OWNER TO {role}, or have its owner run"
                " what is said about it", applies=False,
            )  # fmt: skip
        for owner in sorted({table.owner for table in self.wanted if not table.owned}):
            tables = ", ".join(each.quoted for each in self.wanted if each.owner == owner)
            yield Finding(
                f"{tables} can be published by the owner {owner} only",
                f"GRANT {owner} TO {role}, or have a superuser run what is said about the"
                " publication", applies=False,
            )  # fmt: skip


def look(session: Connection, name: str, wanted: Sequence[Facts]) -> Publication:
    """The publication of this name, compared with the tables it should have."""
    version = session.info.server_version
    row = session.execute(_PUBLICATION, (name,)).fetchone()
    if row is None:
        return Publication(
            name, tuple(wanted), None, "", owned=True, options=False, whole=False,
            generated=version >= 180000,
        )  # fmt: skip
    oid, everything, owner, owned, options = row
    tables = session.execute(_TABLES, (oid,)).fetchall()
    schemas = session.execute(_SCHEMAS, (oid,)).fetchone() if version >= 150000 else None
    exact = {table[0] for table in tables} == {each.oid for each in wanted}
    exact = exact and all(table[1] for table in tables) and not (schemas and schemas[0])
    return Publication(
        name, tuple(wanted), oid, owner, owned, options,
        whole=everything or exact, generated=version >= 180000,
    )  # fmt: skip


def locks(session: Connection, known: Publication) -> list[str]:
    """What has to be locked while tables join a publication that is in use.

    Servers without the fix of May 2025 lose changes of such a table, later ones too, if anybody had
    written into it and not yet committed. So writers are let out first, and wait for this moment.
    """
    version = session.info.server_version
    if known.oid is None or version % 10_000 >= _SAFE.get(version // 10_000, 0):
        return []
    there = {row[0] for row in session.execute(_TABLES, (known.oid,)).fetchall()}
    return [
        f"LOCK TABLE ONLY {table.quoted} IN SHARE ROW EXCLUSIVE MODE"
        for table in known.wanted
        if table.oid not in there
    ]


_SAFE: Final = {13: 21, 14: 18, 15: 13, 16: 9, 17: 5}
"""Minor versions from which on a publication may change under writers."""


def drop(name: str) -> str:
    """The statement that removes a publication."""
    return f"DROP PUBLICATION {ident(name)}"
