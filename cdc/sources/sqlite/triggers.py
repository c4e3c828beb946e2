# ruff: noqa: S608 - names are quoted, and a trigger takes no parameters
"""The SQL that captures a table: five triggers, written from the table's shape. Pure.

Rules that come from SQLite's documentation and shape the statements:

* A statement in a trigger inherits the conflict policy of the statement that fired it. With
  INSERT OR IGNORE a constraint of the change table would silently drop a captured row, so it has
  no constraint but its own key.
* REPLACE removes the rows in its way without firing their delete triggers (unless the writer has
  `PRAGMA recursive_triggers`). So a BEFORE trigger notes the rows that share a unique value with
  the new one, and the AFTER trigger reports those that are gone by then, or have the new row's own
  key. What INSERT OR IGNORE or an upsert left noted is forgotten by the next BEFORE trigger.
* The newest trigger of a table fires first. Ours must be that: a trigger of the application that
  changes the new row again is then captured after the row, not before it.
* `DELETE FROM t` without WHERE takes no short cut where there is a delete trigger.
"""

from __future__ import annotations

from typing import Final

from cdc.sources.sqlite.shape import Table, Unique, quoted

NOW_MS: Final = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
"""Milliseconds since 1970, in every SQLite that is around."""

_EVENTS: Final = ("insert", "update", "delete", "before_insert", "before_update")


def trigger_names(table: str) -> list[str]:
    """The names of a table's triggers."""
    return [f"strangler_{event}_{table}" for event in _EVENTS]


def triggers(table: Table, shape_id: int) -> dict[str, str]:
    """Each trigger's SQL by name; the rows they capture are of the shape `shape_id`."""
    sql = _Sql(table, shape_id)
    bodies = (
        sql.create("AFTER INSERT", [*sql.replaced("FALSE"), sql.capture("c", "NEW")]),
        sql.create("AFTER UPDATE", [*sql.replaced(sql.same("NEW", "OLD")),
                                    sql.capture("u", "OLD", "NEW")]),
        sql.create("AFTER DELETE", [sql.denote("OLD"), sql.capture("d", "OLD")]),
        sql.create("BEFORE INSERT", sql.note("TRUE")),
        sql.create(
            f"BEFORE UPDATE ON {sql.name} WHEN {sql.unique_changed()}",
            sql.note(f"NOT ({sql.same('o', 'OLD')})"),
        ),
    )  # fmt: skip
    names = trigger_names(table.shape.table)
    return {
        name: f"CREATE TRIGGER {quoted(name)} {body}"
        for name, body in zip(names, bodies, strict=True)
    }


class _Sql:
    """Pieces of the statements for one table. `o` is a row of it, `r` a noted one."""

    def __init__(self, table: Table, shape_id: int) -> None:
        self._table, self._id = table, shape_id
        self.name = quoted(table.shape.table)
        self._columns = [quoted(column.name) for column in table.shape.columns]
        places = {column.name: index for index, column in enumerate(table.shape.columns)}
        key = [(quoted(name), f"v{places[name]}") for name in table.shape.primary_key]
        self._identity = [(table.rowid, "rid")] if table.rowid else key

    def create(self, when: str, statements: list[str]) -> str:
        on = "" if " ON " in when else f" ON {self.name}"
        return f"{when}{on} BEGIN {' '.join(f'{statement};' for statement in statements)} END"

    def capture(self, op: str, *rows: str) -> str:
        values = [f"{row}.{column}" for row in rows for column in self._columns]
        return (
            f"INSERT INTO strangler_changes (shape, op, at_ms, {_slots(len(values))})"
            f" VALUES ({self._id}, '{op}', {NOW_MS}, {', '.join(values)})"
        )

    def note(self, condition: str) -> list[str]:
        """Note the rows that REPLACE would remove, and forget those noted before."""
        rid = f"o.{self._table.rowid}" if self._table.rowid else "NULL"
        row = ", ".join([str(self._id), rid, *(f"o.{column}" for column in self._columns)])
        selects = [
            f"SELECT {row} FROM {self.name} AS o WHERE {_equal(unique)} AND {condition}"
            for unique in self._table.unique
        ]
        target = f"strangler_replaced (shape, rid, {_slots(len(self._columns))})"
        noted = [f"INSERT INTO {target} {' UNION '.join(selects)}"] if selects else []
        return [self._forget(), *noted]

    def replaced(self, unless: str) -> list[str]:
        """Report the noted rows that are gone; `unless` the new row's key is the old one's."""
        slots = _slots(len(self._columns))
        gone = f"NOT EXISTS (SELECT 1 FROM {self.name} AS o WHERE {self._is('o', 'r')})"
        return [
            f"INSERT INTO strangler_changes (shape, op, at_ms, {slots})"
            f" SELECT {self._id}, 'd', {NOW_MS}, {slots} FROM strangler_replaced AS r"
            f" WHERE r.shape = {self._id}"
            f" AND ({gone} OR (({self._is('NEW', 'r')}) AND NOT ({unless})))",
            self._forget(),
        ]

    def denote(self, row: str) -> str:
        """A noted row was deleted with its trigger, so it is reported already."""
        return (
            f"DELETE FROM strangler_replaced WHERE shape = {self._id}"
            f" AND {self._is(row, 'strangler_replaced')}"
        )

    def same(self, one: str, other: str) -> str:
        """Whether two rows of the table are the same one."""
        return " AND ".join(f"{one}.{name} IS {other}.{name}" for name, _ in self._identity)

    def unique_changed(self) -> str:
        names = dict.fromkeys(quoted(name) for u in self._table.unique for name, _ in u.columns)
        return " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in names) or "FALSE"

    def _is(self, row: str, noted: str) -> str:
        return " AND ".join(f"{row}.{name} IS {noted}.{slot}" for name, slot in self._identity)

    def _forget(self) -> str:
        return f"DELETE FROM strangler_replaced WHERE shape = {self._id}"


def _slots(count: int) -> str:
    return ", ".join(f"v{index}" for index in range(count))


def _equal(unique: Unique) -> str:
    return " AND ".join(
        f"o.{quoted(name)} = NEW.{quoted(name)} COLLATE {quoted(collation)}"
        for name, collation in unique.columns
    )
