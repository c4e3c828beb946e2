"""Writers at the exact moments of a snapshot: before and behind each chunk, at its edges."""

from __future__ import annotations

import itertools
import random

import pytest

from cdc.config.model import Limits
from tests.integration.cdc.pipes.hooks import around_chunks
from tests.integration.cdc.pipes.sides import running, settled

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, body TEXT)"
LONG = "0123456789abcdef" * 400
SIZE = 4
APART = 1000
KINDS = ["postgresql", "mariadb", "sqlite"]

ACTIONS = {
    "change": ["UPDATE item SET n = n + 1, body = 'changed' WHERE id = {key}"],
    "part": ["UPDATE item SET n = n + 1 WHERE id = {key}"],
    "delete": ["DELETE FROM item WHERE id = {key}"],
    "new": ["INSERT INTO item VALUES ({free}, 0, 'new')"],
    "move": ["UPDATE item SET id = {free} WHERE id = {key}"],
    "far": ["UPDATE item SET id = {free} + 10000000 WHERE id = {key}"],
    "back": ["UPDATE item SET id = -{free} WHERE id = {key}"],
    "again": ["DELETE FROM item WHERE id = {key}", "INSERT INTO item VALUES ({key}, 9, 'again')"],
    "to and fro": [
        "UPDATE item SET n = 8 WHERE id = {key}",
        "UPDATE item SET n = 0 WHERE id = {key}",
    ],
    "rolled back": [],
}
MOMENTS = ("before", "after", "both")
PLACES = (0, SIZE - 1, SIZE, -1)
"""Of the chunk: its first row, its last, the next one's first, the last one's last."""
CASES = list(itertools.product(ACTIONS, MOMENTS, PLACES))


@pytest.mark.parametrize("kind", KINDS)
def test_writers_around_every_chunk(side, pipe, monkeypatch, kind):
    old, new = side(kind), side(kind)
    for each in (old, new):
        each.run(TABLE)
    if kind == "postgresql":
        old.run("ALTER TABLE item ALTER body SET STORAGE EXTERNAL")
    rows = SIZE * len(CASES)
    with old.engine.begin() as connection:
        for key in range(rows):
            connection.exec_driver_sql(f"INSERT INTO item VALUES ({APART * key}, 0, '{LONG}')")
    cases = random.Random(8).sample(CASES, len(CASES))
    shop = pipe(old, new, "item", limits=Limits(chunk=SIZE))
    seen, last, fresh = set(), [-(10**9)], itertools.count(1)

    def act(moment, number):
        if number >= len(cases):
            return
        action, when, place = cases[number]
        if when not in {moment, "both"}:
            return
        key = _key(old, last[0], place)
        if key is None:
            return
        seen.add((action, when, place))
        free = key // APART * APART + next(fresh)
        statements = [each.format(key=key, free=free) for each in ACTIONS[action]]
        if statements:
            old.run(*statements)
        else:
            _rolled_back(old, key)

    def after(number, rows):
        act("after", number)
        if rows:
            last[0] = rows[-1][0]

    around_chunks(monkeypatch, shop.stream, lambda number, _: act("before", number), after)
    with running(shop):
        settled(shop)
        assert new.rows("item") == old.rows("item")
    assert len(seen) > 0.8 * len(CASES), "too few of the cases were met"


def _key(old, last, place):
    """The key at that place of the chunk that begins behind `last`."""
    if place < 0:
        return next(iter(old.run(f"SELECT id FROM item WHERE id = {last}")), (None,))[0]
    query = f"SELECT id FROM item WHERE id > {last} ORDER BY id LIMIT 1 OFFSET {place}"
    return next(iter(old.run(query)), (None,))[0]


def _rolled_back(old, key) -> None:
    with old.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql(f"UPDATE item SET n = 77 WHERE id = {key}")
        connection.exec_driver_sql(f"DELETE FROM item WHERE id > {key}")
        transaction.rollback()
