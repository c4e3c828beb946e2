"""What `strangler cdc status` says of processes that do not run."""

import pytest

from strangler import cdc_screen
from strangler.admin import printing

NEXT = {"run": "strangler cdc run s --reverse", "apply": "strangler cdc apply s --reverse"}
RELAY = {"lag_ms": 3, "retained_bytes": 10, "dead_keys": 0, "silent_s": 0.3, "message": ""}
APPLIER = {"lag_s": 1.0, "waiting": 0, "parked": 0, "message": "", "silent_s": None}


def told(capsys, relay, applier):
    given = {"stream": "s-reverse", "next": NEXT, "relay": relay, "applier": applier}
    printing.show(cdc_screen.status({"streams": [given]}))
    return " ".join(capsys.readouterr().out.split())


def test_nothing_more_is_said_of_those_that_run(capsys):
    said = told(capsys, RELAY | {"state": "running"}, APPLIER | {"state": "running"})
    assert said.endswith("s-reverse runs 3 ms 10 B running 1.0 s 0 0")


@pytest.mark.parametrize(
    ("relay", "word"),
    [
        ({"state": "silent", "silent_s": 23.0}, "has said nothing for 23 s: it was killed"),
        ({"state": "stopped"}, "the relay has stopped: it was told to"),
        ({"state": "stopped", "message": "the log is [gone]"}, "stopped: the log is [gone]"),
    ],
)
def test_a_relay_that_does_not_run_is_told_with_the_command(capsys, relay, word):
    said = told(capsys, RELAY | relay, APPLIER | {"state": "running"})
    assert word in said
    assert NEXT["run"] in said
    assert "3 ms" not in said, "its last lag is no news"


@pytest.mark.parametrize(
    ("applier", "word"),
    [
        ({"state": "silent", "silent_s": 8.0}, "leases ran out 8 s ago: it was killed"),
        ({"state": "not running"}, "no applier runs"),
    ],
)
def test_an_applier_that_does_not_run_is_told_with_the_command(capsys, applier, word):
    said = told(capsys, RELAY | {"state": "running"}, APPLIER | applier)
    assert word in said
    assert NEXT["apply"] in said


def test_why_an_applier_stopped_is_told(capsys):
    given = APPLIER | {"state": "stopped", "message": "the topic is another one"}
    assert "s-reverse: the topic is another one" in told(capsys, None, given)
