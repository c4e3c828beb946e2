"""Every type of every source, by snapshot and by log, through Kafka into a table of the same shape.

The values are those of tests/conformance/sources, which asks each source alone; here they pass
relay, broker and applier, and the copy is compared by the database itself and by `verify`.
"""

from __future__ import annotations

import pytest
from conformance.sources import types_mariadb, types_postgres, types_sqlite
from conformance.sources.types_sqlite import DEAD

from cdc.reconcile.report import Outcome
from cdc.reconcile.verify import verify
from tests.integration.cdc.pipes.sides import running, settled

_HSTORE = ("CREATE EXTENSION hstore",)
MATRIX = {
    "postgresql": ((*types_postgres.SETUP, *_HSTORE), types_postgres.TYPES | types_postgres.HSTORE),
    "mariadb": ((), types_mariadb.TYPES),
    "sqlite": ((), types_sqlite.TYPES),
}
LEFT_OUT = {"postgresql": {"xml"}, "mariadb": set(), "sqlite": set()}
"""The embedded PostgreSQL was built without XML."""


class Wide:
    """A table with a column of each type; row N has the Nth value of each, NULL where none is."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.setup, types = MATRIX[kind]
        self.columns = {
            f"c_{name}": (declared, [text for text, value in values.items() if value is not DEAD])
            for name, (declared, values) in types.items()
            if name not in LEFT_OUT[kind]
        }
        self.count = max(len(literals) for _, literals in self.columns.values())

    def create(self, side) -> None:
        declared = ", ".join(f"{name} {type_}" for name, (type_, _) in self.columns.items())
        self.run(
            side, *self.setup, f"CREATE TABLE wide (id INTEGER PRIMARY KEY, n INTEGER, {declared})"
        )

    def insert(self, number: int, key: int) -> str:
        literals = (
            values[number] if number < len(values) else "NULL"
            for _, values in self.columns.values()
        )
        return f"INSERT INTO wide VALUES ({key}, 0, {', '.join(literals)})"

    def change(self, number: int, key: int) -> str:
        """The row gets the values of another one."""
        assigned = ", ".join(
            f"{name} = {values[number] if number < len(values) else 'NULL'}"
            for name, (_, values) in self.columns.items()
        )
        return f"UPDATE wide SET n = n + 1, {assigned} WHERE id = {key}"

    def run(self, side, *statements: str) -> None:
        """Without SQLAlchemy's look at colons, each its own transaction."""
        raw = side.engine.raw_connection()
        try:
            cursor = raw.cursor()
            if self.kind == "mariadb":
                cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
            for statement in statements:
                cursor.execute(statement)
                raw.commit()
        finally:
            raw.close()

    def rows(self, side) -> list[tuple]:
        """As the database writes them: nothing that a driver could bend."""
        shown = {
            "postgresql": "{0}::text", "mariadb": "HEX({0})", "sqlite": "typeof({0}), quote({0})",
        }[self.kind]  # fmt: skip
        names = ", ".join(shown.format(name) for name in ("id", "n", *self.columns))
        return side.run(f"SELECT {names} FROM wide ORDER BY id".replace("::", "\\:\\:"))


@pytest.mark.parametrize("kind", MATRIX)
def test_every_value_of_every_type_is_the_same_in_the_target(side, pipe, kind):
    wide = Wide(kind)
    old, new = side(kind), side(kind)
    for each in (old, new):
        wide.create(each)
    numbers = range(wide.count)
    wide.run(old, *(wide.insert(number, number) for number in numbers))
    shop = pipe(old, new, "wide")
    with running(shop):
        settled(shop)
        assert_same(wide, old, new)
        wide.run(old, *(wide.insert(number, 100 + number) for number in numbers))
        wide.run(old, "INSERT INTO wide (id) VALUES (200)")
        settled(shop)
        assert_same(wide, old, new)
        wide.run(
            old,
            *(wide.change(number, 100 + (number + 1) % wide.count) for number in numbers),
            *(wide.change(number, 200) for number in numbers),
            "UPDATE wide SET n = 7 WHERE id < 100", "UPDATE wide SET id = 300 WHERE id = 0",
            "DELETE FROM wide WHERE id = 101",
        )  # fmt: skip
        settled(shop)
        assert_same(wide, old, new)
        report = verify(shop.stream)
        assert report.outcome is Outcome.EQUAL, report.to_json()


def assert_same(wide: Wide, old, new) -> None:
    found, wanted = wide.rows(new), wide.rows(old)
    assert [row[0] for row in found] == [row[0] for row in wanted]
    names = ("id", "n", *wide.columns)
    if wide.kind == "sqlite":
        names = tuple(name for name in names for _ in range(2))
    differing = [
        (row[0], name, one, other)
        for row, copy in zip(wanted, found, strict=True)
        for name, one, other in zip(names, row, copy, strict=True)
        if one != other
    ]
    assert differing == []
