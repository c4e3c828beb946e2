"""What the command line learns of a running snapshot, and how the relay's processes are ended."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from strangler import relays
from strangler.admin.failures import Failure, Kind


@pytest.fixture
def reports(monkeypatch):
    """What the relay reports, one after the other."""
    given = []
    monkeypatch.setattr(relays, "stream", lambda which: type("Stream", (), {"name": which}))
    monkeypatch.setattr(relays, "home", lambda which: type("Home", (), {"store": "memory"}))
    monkeypatch.setattr("cdc.standing.relay_report", lambda *_: given.pop(0))
    monkeypatch.setattr(relays.time, "sleep", lambda _: None)
    return given


def run(table, rows, marker=7):
    return {
        "id": f"snapshot-{marker}",
        "table": table,
        "rows": rows,
        "estimate": 100,
        "done": False,
    }


def test_a_table_that_is_reported_no_more_is_done_while_the_others_go_on(reports):
    reports += [
        None,
        {"marker_seq": 6, "snapshots": [run("other", 3, marker=5)]},
        {"marker_seq": 7, "snapshots": [run("a", 80), run("b", 0), run("other", 3, marker=8)]},
        {"marker_seq": 9, "snapshots": [run("b", 40)]},
        {"marker_seq": 9, "snapshots": []},
        AssertionError("it is over"),
    ]
    told = [
        [(each["table"], each["rows"], each["done"]) for each in seen]
        for seen in relays.snapshot_progress("reviews", 7)
    ]
    assert told == [
        [],
        [],
        [("a", 80, False), ("b", 0, False)],
        [("a", 100, True), ("b", 40, False)],
        [("a", 100, True), ("b", 100, True)],
    ]


def test_a_snapshot_that_was_over_before_anybody_looked_is_over(reports):
    reports += [{"marker_seq": 7, "snapshots": []}]
    assert list(relays.snapshot_progress("reviews", 7)) == [[]]


def test_a_snapshot_that_is_refused_is_not_taken_for_one_that_is_done(reports):
    no = {"table": "a", "reason": "there is no column x"}
    others = {**no, "id": "snapshot-6", "table": "b"}
    reports += [
        {"marker_seq": 7, "snapshots": [run("a", 80), run("b", 0)], "refused": [others]},
        {"marker_seq": 7, "snapshots": [], "refused": [others, {**no, "id": "snapshot-7"}]},
    ]
    progress = relays.snapshot_progress("reviews", 7)
    next(progress)
    assert [(each["table"], each["done"]) for each in next(progress)] == [("a", False), ("b", True)]
    with pytest.raises(Failure, match=r"reviews refused .* a: there is no column x") as failure:
        next(progress)
    assert failure.value.kind is Kind.REFUSED


SIGNALLED = """
from strangler.relays import until_told
with until_told() as stop:
    print("ready", flush=True)
    while not stop.wait(0.0001):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_however_often_and_whenever_it_is_told_to(number):
    for _ in range(10):
        child = subprocess.Popen([sys.executable, "-c", SIGNALLED], stdout=subprocess.PIPE)
        try:
            child.stdout.readline()
            with contextlib.suppress(ProcessLookupError):
                for _ in range(200):
                    os.kill(child.pid, number)
            # Ended by itself, or by a signal after its last word.
            assert child.wait(20) in {0, -number, 1}
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
