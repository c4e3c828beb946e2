"""Long values that PostgreSQL does not log again: they survive whatever happens to their row."""

from __future__ import annotations

import pytest

from cdc.config.model import Limits
from tests.integration.cdc.pipes.sides import changes, running, settled

TABLE = "CREATE TABLE doc (id int PRIMARY KEY, body text, tags text[], doc jsonb, n int)"
BODY = "(SELECT string_agg(md5(i || '{0}'), '') FROM generate_series(1, 500) i)"
TAGS = "ARRAY(SELECT md5(i || '{0}') FROM generate_series(1, 500) i)"
DOC = "(SELECT jsonb_object_agg(i, md5(i || '{0}')) FROM generate_series(1, 500) i)"


def insert(key: int) -> str:
    values = ", ".join(each.format(key) for each in (BODY, TAGS, DOC))
    return f"INSERT INTO doc VALUES ({key}, {values}, 0)"


@pytest.fixture(params=["DEFAULT", "FULL"])
def shop(request, side, pipe):
    old, new = side("postgresql"), side("postgresql")
    for each in (old, new):
        each.run(TABLE)
    for column in ("body", "tags", "doc"):
        old.run(f"ALTER TABLE doc ALTER {column} SET STORAGE EXTERNAL")
    old.run(f"ALTER TABLE doc REPLICA IDENTITY {request.param}")
    return old, new, pipe(old, new, "doc", limits=Limits(chunk=3))


def same(old, new) -> None:
    assert new.rows("doc") == old.rows("doc")


def test_rows_whose_long_values_stay_while_everything_else_changes(shop):
    old, new, there = shop
    old.run(*(insert(key) for key in range(1, 5)))
    with running(there):
        settled(there)
        old.run(*(insert(key) for key in range(5, 9)))
        old.run("UPDATE doc SET n = n + 1")
        old.run("UPDATE doc SET n = n + 1 WHERE id IN (1, 5)", "UPDATE doc SET body = NULL"
                " WHERE id IN (2, 6)", "UPDATE doc SET tags = '{}' WHERE id IN (3, 7)")  # fmt: skip
        settled(there)
        same(old, new)


def test_keys_that_change_while_the_long_values_do_not(shop):
    old, new, there = shop
    old.run(*(insert(key) for key in range(1, 7)))
    with running(there):
        settled(there)
        old.run("UPDATE doc SET id = id + 100 WHERE id <= 3")
        old.run("UPDATE doc SET id = id + 100, n = 5 WHERE id = 4")
        # One after the other within one transaction, and back to where it was.
        old.run("UPDATE doc SET id = 200 WHERE id = 5", "UPDATE doc SET n = 9 WHERE id = 200",
                "UPDATE doc SET id = 201 WHERE id = 200")  # fmt: skip
        old.run("UPDATE doc SET id = 300 WHERE id = 6", "UPDATE doc SET id = 6 WHERE id = 300")
        settled(there)
        same(old, new)
        # The key that was left is used again, by a row that has no long values.
        old.run("INSERT INTO doc VALUES (1, 'short', '{a}', '{}', 1)", "DELETE FROM doc"
                " WHERE id = 102")  # fmt: skip
        old.run("UPDATE doc SET id = 400 WHERE id = 103", "DELETE FROM doc WHERE id = 400")
        settled(there)
        same(old, new)
    assert not any(value == "__unavailable" for _, _, row in changes(there) for value in row)


def test_two_rows_change_places(shop):
    old, new, there = shop
    old.run(insert(1), insert(2))
    with running(there):
        settled(there)
        for _ in range(3):
            old.run("UPDATE doc SET id = -1 WHERE id = 1", "UPDATE doc SET id = 1 WHERE id = 2",
                    "UPDATE doc SET id = 2 WHERE id = -1")  # fmt: skip
        settled(there)
        same(old, new)


def test_a_row_that_is_deleted_and_made_anew_has_nothing_of_the_old_one(shop):
    old, new, there = shop
    old.run(insert(1))
    with running(there):
        settled(there)
        old.run("UPDATE doc SET n = 1", "DELETE FROM doc", "INSERT INTO doc (id, n) VALUES (1, 2)",
                "UPDATE doc SET n = 3")  # fmt: skip
        settled(there)
        same(old, new)
