"""A stream and its way back at the same time: each write arrives once, and none comes back."""

from __future__ import annotations

import pytest
from support.matrix import sampled

from cdc.config.model import Mask, TableSync
from cdc.reversing import NotInvertible, reversed_stream
from tests.integration.cdc.pipes.sides import changes, running, settled, written

OLD = "CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER, body TEXT)"
NEW = "CREATE TABLE service_review (id INTEGER PRIMARY KEY, rating INTEGER, body TEXT)"
REVIEW = TableSync("review", "service_review", columns={"stars": "rating"})
PAIRS = [
    ("postgresql", "postgresql"), ("limited", "limited"), ("mariadb", "postgresql"),
    ("mariadb", "limited"), ("mariadb", "mariadb"), ("sqlite", "sqlite"),
]  # fmt: skip


@pytest.fixture(params=PAIRS, ids="-".join)
def shop(request, side):
    """The old side and the new one, with a table that has other names there."""
    old, new = (side(kind) for kind in request.param)
    old.run(OLD)
    new.run(NEW)
    return old, new


def test_each_write_arrives_once_and_does_not_come_back(shop, both):
    old, new = shop
    old.run("INSERT INTO review VALUES (1, 1, 'before')")
    there, back = both(old, new, REVIEW, heartbeat=0.2)
    with running(there, back) as (forward, backward):
        settled(there)
        old.run("INSERT INTO review VALUES (2, 2, 'old')", "UPDATE review SET stars = 5")
        old.run("DELETE FROM review WHERE id = 1")
        settled(there)
        settled(back)
        assert new.rows("service_review") == {2: (5, "old")}
        new.run("INSERT INTO service_review VALUES (3, 3, 'new')")
        new.run("UPDATE service_review SET rating = 4 WHERE id = 2")
        for _ in range(4):  # markers wander round and round: nothing else does
            settled(back)
            settled(there)
        assert old.rows("review") == new.rows("service_review") == {2: (4, "old"), 3: (3, "new")}
        assert forward.dropped_loops > 0
        assert backward.dropped_loops > 0
    assert operations(there) == [("c", 2), ("d", 1), ("r", 1), ("u", 1), ("u", 2)]
    assert operations(back) == [("c", 3), ("u", 2)]
    assert {table for table, *_ in changes(back)} == {"service_review"}


def test_the_way_back_does_not_begin_with_what_is_a_copy(shop, both):
    old, new = shop
    new.run("INSERT INTO service_review VALUES (1, 1, 'a copy that lags')")
    old.run("INSERT INTO review VALUES (1, 5, 'what counts')")
    _, back = both(old, new, REVIEW)
    with running(back):
        settled(back)
    assert changes(back) == []
    assert old.rows("review") == {1: (5, "what counts")}


@pytest.mark.parametrize(
    "shop",
    sampled([(pair,) for pair in PAIRS], (PAIRS[1],), (PAIRS[2],)),
    indirect=True,
    ids=["-".join(pair) for pair in PAIRS],
)
def test_relays_and_appliers_that_start_again_still_know_who_wrote(shop, both):
    old, new = shop
    there, back = both(old, new, REVIEW)
    for turn in range(4):
        first = 1000 * turn
        with running(there, back):
            # Ends in the middle of these: they are applied, or read back, by the next turn.
            old.run(*(f"INSERT INTO review VALUES ({first + n}, 1, 'old')" for n in range(300)))
            new.run(
                *(f"INSERT INTO service_review VALUES ({first + n}, 2, 'new')"
                  for n in range(500, 700))
            )  # fmt: skip
    with running(there, back):
        settled(there)
        settled(back)
        settled(there)
    assert old.rows("review") == new.rows("service_review")
    assert len(old.rows("review")) == 4 * 500
    assert {row["body"] for _, _, row in written(there)} == {"old"}
    assert {row["body"] for _, _, row in written(back)} == {"new"}


def test_a_long_value_that_did_not_change_survives_the_way_back(side, both):
    old, new = side("postgresql"), side("postgresql")
    old.run(OLD, "ALTER TABLE review ALTER body SET STORAGE EXTERNAL")
    new.run(NEW, "ALTER TABLE service_review ALTER body SET STORAGE EXTERNAL")
    there, back = both(old, new, REVIEW)
    with running(there, back):
        old.run(f"INSERT INTO review VALUES (1, 1, '{'long ' * 2000}')")
        settled(there)
        new.run("UPDATE service_review SET rating = 2")
        settled(back)
        old.run("UPDATE review SET stars = stars + 1")
        settled(there)
    assert old.rows("review") == new.rows("service_review") == {1: (3, "long " * 2000)}
    assert ["body" in row for _, _, row in changes(back)] == [False]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TableSync("review", "review", mask={"body": Mask(replace="x")}), "masked"),
        (TableSync("review", "review", mask={"body": Mask(salt="a salt of 16 byte")}), "masked"),
        (TableSync("review", "review", exclude=("body",)), "excluded"),
        (TableSync("review", "review", include=("stars",)), "include"),
    ],
    ids=["masked", "hashed", "excluded", "some"],
)
def test_what_does_not_reach_the_new_side_has_no_way_back(side, pipe, table, sentence):
    old = side("sqlite")
    old.run(OLD)
    there = pipe(old, side("sqlite"), table)
    with pytest.raises(NotInvertible, match=sentence):
        reversed_stream(there.stream)


def operations(pipe) -> list[tuple]:
    return sorted((op, row["id"]) for _, op, row in changes(pipe))
