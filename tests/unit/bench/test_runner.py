"""Which cases share a process."""

from pathlib import Path

from bench.cases import CASES
from bench.cases.base import Context
from bench.processes import Cores
from bench.runner import groups
from bench.upstreams import Upstreams

CONTEXT = Context(
    Upstreams(1, 2, 3, b""), Cores(frozenset({1}), frozenset({0})), Path(), quick=True
)


def test_cases_with_one_setup_share_a_process_and_fresh_ones_do_not():
    found = [[case.name for case in group.cases] for group in groups(CASES, CONTEXT)]
    assert found == [
        ["routes-1", "large"],
        ["routes-100"],
        ["canary", "latency"],
        ["post"],
        ["idle"],
        ["stream"],
    ]


def test_memory_cases_are_not_repeated_in_every_round():
    most = {group.cases[0].name: group.most_rounds for group in groups(CASES, CONTEXT)}
    assert most["stream"] == 1
    assert most["idle"] == 3
