"""`strangler cdc … --reverse` on a route table, as people run it, and processes that are killed."""

from __future__ import annotations

import contextlib
import json

import pytest
from support.pipes import until

from tests.integration.cdc.pipes.sides import changes, way_back, written

TABLE = "CREATE TABLE review (id INTEGER PRIMARY KEY, body TEXT)"


@pytest.fixture(params=["limited", "sqlite"])
def shop(request, side, pipe):
    """Both sides and the stream between them; nothing but its own `init` has been done."""
    old, new = side(request.param), side(request.param)
    old.run(TABLE)
    new.run(TABLE)
    return old, new, pipe(old, new, "review", heartbeat=0.5)


def test_the_way_back_may_be_set_up_before_anything_has_run(shop):
    old, new, there = shop
    name = there.stream.name
    for way in ([], ["--reverse"]):
        asked = there.command("init", name, *way, "--json")
        assert asked.stdout, asked.stderr
        answer = json.loads(asked.stdout)
        assert (asked.returncode, answer["ready"]) == (1, False) if way else (0, True)
        done = there.command("init", name, *way, "--apply", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["ready"]
    with processes(there):
        relayed(new, f"{name}-reverse")
        old.run("INSERT INTO review VALUES (1, 'old')")
        arrived(new, 1)
        new.run("INSERT INTO review VALUES (2, 'new')")
        arrived(old, 2)
        old.run("DELETE FROM review WHERE id = 1")
        until(lambda: 1 not in new.rows("review"), "the deletion on the new side")
    assert old.rows("review") == new.rows("review") == {2: ("new",)}
    back = way_back(there)
    assert {row.get("body") for _, _, row in written(there)} <= {"old", None}
    assert {row["body"] for _, _, row in changes(back)} == {"new"}
    for way in (["--reverse"], []):
        done = there.command("init", name, *way, "--undo")
        assert done.returncode == 0, done.stdout + done.stderr


def test_killed_processes_still_know_who_wrote(shop):
    old, new, there = shop
    name = there.stream.name
    done = there.command("init", name, "--reverse", "--apply")
    assert done.returncode == 0, done.stdout + done.stderr
    for turn in range(2):
        with processes(there, kill=True):
            first = 10_000 * turn
            relayed(new, f"{name}-reverse")
            old.run(*(inserted(first + number, "old") for number in range(800)))
            arrived(new, first)
            # What has just been applied may not have been read back yet.
            new.run(*(inserted(first + number, "new") for number in range(5_000, 5_800)))
    with processes(there):
        until(lambda: old.rows("review") == new.rows("review"), "equal sides")
    assert len(old.rows("review")) == 2 * 1_600
    back = way_back(there)
    assert {row["body"] for _, _, row in written(there)} == {"old"}
    assert {row["body"] for _, _, row in changes(back)} == {"new"}


def relayed(new, stream: str) -> None:
    """Wait until the way back is read: what is written before its first start is not its."""
    query = "SELECT 1 FROM strangler_marker WHERE stream = :stream"
    until(lambda: new.run(query, stream=stream), f"a heartbeat of {stream}")


def arrived(side, key: int) -> None:
    until(lambda: key in side.rows("review"), f"the row {key}")


def inserted(number: int, body: str) -> str:
    return f"INSERT INTO review VALUES ({number}, '{body}')"


@contextlib.contextmanager
def processes(there, *, kill: bool = False):
    """Relays and appliers of both directions; the relays may be killed in the end."""
    with contextlib.ExitStack() as stack:
        started = [
            (word, stack.enter_context(there.process(word, there.stream.name, *way)))
            for way in ([], ["--reverse"])
            for word in ("run", "apply")
        ]
        try:
            yield
        except AssertionError as error:
            raise AssertionError(there.log("run") + there.log("apply")) from error
        for word, process in started:
            assert process.poll() is None, there.log(word)
            if kill and word == "run":
                process.kill()
