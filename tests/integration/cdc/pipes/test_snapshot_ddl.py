"""A table that is altered while a snapshot of it runs: the copy is the table all the same."""

from __future__ import annotations

import contextlib
import itertools
from contextlib import closing

import pytest
from support.matrix import sampled
from support.pipes import replayed

from cdc.config.model import Limits
from cdc.relay.relay import RelayError
from cdc.sources import open_preflight
from tests.integration.cdc.pipes.hooks import around_chunks
from tests.integration.cdc.pipes.sides import running, settled

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, body VARCHAR(100))"
MORE = "ALTER TABLE item ADD COLUMN more INTEGER DEFAULT 7"
FILL = [f"INSERT INTO item VALUES ({key}, 0, 'old')" for key in range(40)]


def prepared(shop) -> None:
    """What SQLite needs after its tables have changed."""
    with closing(open_preflight(shop.stream)) as preflight:
        preflight.apply()


@pytest.fixture
def altered(side, pipe, monkeypatch):
    """Runs a snapshot of eight chunks, with statements before and behind the third one."""

    def run(kind, before=(), after=(), target=()):
        old, new = side(kind), side(kind)
        old.run(TABLE, *FILL)
        new.run(TABLE, *target)
        shop = pipe(old, new, "item", limits=Limits(chunk=5), heartbeat=0.3)

        def act(statements):
            if statements:
                old.run(*statements)
                prepared(shop)

        around_chunks(
            monkeypatch, shop.stream,
            lambda number, _: act(before) if number == 3 else None,
            lambda number, _: act(after) if number == 3 else None,
        )  # fmt: skip
        restarts = 3 if kind == "sqlite" else 0  # there outdated triggers stop the relay
        for _ in range(restarts + 1):
            with contextlib.suppress(*(() if not restarts else (RelayError,))), running(shop):
                settled(shop, 20)
                break
        else:
            raise AssertionError("it does not come to rest")
        return old, new, shop

    return run


KINDS = ["postgresql", "mariadb", "sqlite"]
ADDED = [
    MORE,
    "UPDATE item SET more = 9 WHERE id IN (3, 17, 18, 19, 20, 30, 39)",
    "INSERT INTO item VALUES (100, 1, 'new', 5)",
]


@pytest.mark.parametrize(
    ("moment", "kind"),
    sampled(
        itertools.product(["before", "after"], KINDS),
        ("before", "postgresql"), ("after", "mariadb"), ("after", "sqlite"),
    ),
)  # fmt: skip
def test_a_column_is_added(altered, kind, moment):
    old, new, shop = altered(kind, **{moment: ADDED}, target=[MORE])
    assert new.rows("item") == old.rows("item")
    # Whoever reads the topic alone has it as well, but for what nobody has touched since.
    [topic] = replayed(shop.read()).values()
    source, touched = shop.rows("item"), {3, 17, 18, 19, 100, *range(20, 40)}
    assert {key: topic[key,][0] for key in touched} == {key: source[key,] for key in touched}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_column_is_dropped(altered, kind, moment):
    if kind == "sqlite":
        pytest.skip("SQLite does not drop a column that triggers name")
    statements = ["ALTER TABLE item DROP COLUMN n", "UPDATE item SET body = 'new' WHERE id > 20"]
    old, new, _ = altered(kind, **{moment: statements})
    kept = {key: row[-1] for key, row in new.rows("item").items()}
    assert kept == {key: row[-1] for key, row in old.rows("item").items()}


TYPED = {
    "postgresql": "ALTER TABLE item ALTER n TYPE text USING 'number ' || n",
    "mariadb": "ALTER TABLE item MODIFY n VARCHAR(30)",
}
WIDER = {
    "postgresql": "ALTER TABLE item ALTER n TYPE text",
    "mariadb": "ALTER TABLE item MODIFY n VARCHAR(30)",
}


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_column_gets_another_type(altered, kind, moment):
    statements = [TYPED[kind], "UPDATE item SET n = 'word' WHERE id IN (1, 17, 20, 35)"]
    old, new, _ = altered(kind, **{moment: statements}, target=[WIDER[kind]])
    changed = {key for key in old.rows("item") if key >= 20} | {1, 17}
    found, wanted = new.rows("item"), old.rows("item")
    assert {k: found[k] for k in changed} == {k: wanted[k] for k in changed}
    assert found.keys() == wanted.keys()
