"""From every database into every other: the copy is the table, while somebody writes."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from sqlalchemy import text
from support.matrix import sampled

from tests.integration.cdc.pipes.sides import neutral, running, settled

COLUMNS = ("id", "n", "amount", "body", "at", "seen", "on_day", "yes", "data", "doc")
TABLE = {
    "postgresql": "CREATE TABLE item (id bigint PRIMARY KEY, n int, amount numeric(15, 4),"
    " body text, at timestamp(6), seen timestamptz, on_day date, yes boolean, data bytea,"
    " doc jsonb)",
    "mariadb": "CREATE TABLE item (id BIGINT PRIMARY KEY, n INT, amount DECIMAL(15, 4),"
    " body LONGTEXT, at DATETIME(6), seen TIMESTAMP(6) NULL DEFAULT NULL, on_day DATE,"
    " yes BOOLEAN, data LONGBLOB, doc JSON)",
    "sqlite": "CREATE TABLE item (id INTEGER PRIMARY KEY, n INT, amount DECIMAL(15, 4),"
    " body TEXT, at DATETIME, seen DATETIME, on_day DATE, yes BOOL, data BLOB, doc TEXT)",
}
KINDS = list(TABLE)
TEXTS = (
    "", "plain", "it's \"quoted\" \\ `so` % ? :x {}", "two\nlines\r\n\ttab",
    "naïve 日本 🐍 e\u0301", "NULL", "0", "x" * 9_000, " spaces ", "\x01\x7f",
)  # fmt: skip


class Writer:
    """Writes at random, but the same with the same seed."""

    def __init__(self, side, seed: int) -> None:
        self._side, self._random = side, random.Random(seed)
        self._ids: list[int] = []
        self._next = 1

    def fill(self, count: int) -> None:
        """Rows in one transaction."""
        with self._side.engine.begin() as connection:
            for _ in range(count):
                self._insert(connection)

    def transaction(self) -> None:
        """One to five changes, of which one in eight transactions is rolled back."""
        known, rolled_back = list(self._ids), self._random.random() < 0.125
        with self._side.engine.connect() as connection:
            transaction = connection.begin()
            for _ in range(self._random.randint(1, 5)):
                self._change(connection)
            if rolled_back:
                transaction.rollback()
                self._ids = known
            else:
                transaction.commit()

    def _change(self, connection) -> None:
        chance = self._random.random()
        if chance < 0.35 or not self._ids:
            self._insert(connection)
        elif chance < 0.75:
            self._update(connection)
        elif chance < 0.9:
            self._delete(connection)
        else:
            self._rename(connection)

    def _insert(self, connection) -> None:
        row = {"id": self._next, **self._row()}
        self._next += 1
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO item ({names}) VALUES ({values})"), row)
        self._ids.append(row["id"])

    def _update(self, connection) -> None:
        row = self._row()
        some = self._random.sample(sorted(row), self._random.randint(1, 4))
        assigned = ", ".join(f"{name} = :{name}" for name in some)
        given = {name: row[name] for name in some} | {"id": self._random.choice(self._ids)}
        connection.execute(text(f"UPDATE item SET {assigned} WHERE id = :id"), given)

    def _delete(self, connection) -> None:
        gone = self._ids.pop(self._random.randrange(len(self._ids)))
        connection.execute(text("DELETE FROM item WHERE id = :id"), {"id": gone})

    def _rename(self, connection) -> None:
        place = self._random.randrange(len(self._ids))
        row = self._row()
        given = {"old": self._ids[place], "new": self._next, "b": row["body"], "d": row["data"]}
        # With its long values: PostgreSQL does not log what such an update leaves alone.
        connection.execute(
            text("UPDATE item SET id = :new, body = :b, data = :d WHERE id = :old"), given
        )
        self._ids[place] = self._next
        self._next += 1

    def _row(self) -> dict:
        r = self._random
        moment = f"20{r.randint(10, 37)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        clock = f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"
        row = {
            "n": r.choice([0, 1, -1, 2**31 - 1, -(2**31), r.randint(-999, 999)]),
            "amount": f"{r.choice([0, 99_999_999_999, r.randint(-9, 9)])}.{r.randint(0, 9999):04}",
            "body": r.choice(TEXTS),
            "at": f"{moment} {clock}.{r.randint(0, 999_999):06}",
            "seen": f"{moment} {clock}.{r.choice(('000001', '250000', '000000'))}",
            "on_day": r.choice([moment, "1970-01-01", "9999-12-31", "1000-01-01"]),
            "yes": r.random() < 0.5,
            "data": r.choice([b"", b"\x00\xff", r.randbytes(r.randint(1, 3000))]),
            "doc": json.dumps(r.choice([{}, [], {"a": [1, None, "é'\""]}, {"n": {"x": 1.5}}])),
        }  # fmt: skip
        return {name: None if r.random() < 0.1 else value for name, value in row.items()}


@pytest.mark.parametrize(
    ("source", "target"),
    sampled(
        itertools.product(KINDS, KINDS),
        ("postgresql", "postgresql"), ("postgresql", "sqlite"),
        ("mariadb", "postgresql"), ("sqlite", "mariadb"),
    ),
)  # fmt: skip
def test_the_copy_is_the_table(side, pipe, source, target):
    old, new = side(source), side(target)
    old.run(TABLE[source])
    new.run(TABLE[target])
    writer = Writer(old, seed=KINDS.index(source) * 3 + KINDS.index(target))
    writer.fill(120)
    shop = pipe(old, new, "item")
    with running(shop):
        for _ in range(60):
            writer.transaction()
        settled(shop)
        assert rows(new) == rows(old)
        for _ in range(20):
            writer.transaction()
        settled(shop)
    assert rows(new) == rows(old)
    assert len(rows(new)) > 20


def rows(side) -> dict:
    """By key, in forms that all databases share."""
    found = side.run(f"SELECT {', '.join(COLUMNS)} FROM item")
    return {row[0]: {n: neutral(n, v) for n, v in zip(COLUMNS, row, strict=True)} for row in found}
