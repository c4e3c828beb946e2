"""Guards on both sides of a running pair of streams: applications stop there, appliers pass."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from cdc.config.model import TableSync
from cdc.guards import guard_of
from tests.integration.cdc.pipes.sides import running, settled

TABLE = "CREATE TABLE {} (id INTEGER PRIMARY KEY, stars INTEGER)"
PAIRS = [
    ("postgresql", "postgresql"), ("limited", "limited"), ("mariadb", "postgresql"),
    ("sqlite", "sqlite"),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_closed_guard_stops_the_application_and_not_the_applier(side, both, pair):
    old, new = (side(kind) for kind in pair)
    old.run(TABLE.format("review"))
    new.run(TABLE.format("copied"))
    there, back = both(old, new, TableSync("review", "copied"))
    at_old = guard_of(old.engine, there.stream.name, ["review"])
    at_new = guard_of(new.engine, there.stream.name, ["copied"])
    switch(old, at_old.install)
    switch(new, at_new.install)
    with running(there, back):
        switch(new, at_new.close)
        refused(new, "INSERT INTO copied VALUES (9, 9)")
        old.run("INSERT INTO review VALUES (1, 1)")
        settled(there)
        switch(old, at_old.close)  # the cutover: now the other side owns the table
        switch(new, at_new.open)
        refused(old, "UPDATE review SET stars = 9")
        new.run("INSERT INTO copied VALUES (2, 2)", "UPDATE copied SET stars = 3 WHERE id = 1")
        settled(back)
        settled(there)
        assert old.rows("review") == new.rows("copied") == {1: (3,), 2: (2,)}
        switch(new, at_new.close)  # and back again
        switch(old, at_old.open)
        refused(new, "DELETE FROM copied")
        old.run("DELETE FROM review WHERE id = 1")
        settled(there)
    assert old.rows("review") == new.rows("copied") == {2: (2,)}


def switch(side, action) -> None:
    with side.engine.begin() as connection:
        action(connection)


def refused(side, statement) -> None:
    with pytest.raises(DBAPIError, match=r"not.written.here"):
        side.run(statement)
