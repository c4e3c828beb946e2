"""A loop over a statement, on both sides."""

import sys

import pytest

from bench.against.builds import Side
from bench.against.loop import LoopError, compare


def side(tmp_path, name):
    """A side whose interpreter is this one."""
    folder = tmp_path / name
    (folder / "venv" / "bin").mkdir(parents=True)
    script = folder / "venv" / "bin" / "python"
    script.write_text(f'#!/bin/sh\nSIDE={name} exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return Side(name, name, folder)


@pytest.fixture
def sides(tmp_path):
    return [side(tmp_path, "base"), side(tmp_path, "this")]


def test_a_slower_statement_has_a_higher_ratio(sides):
    setup = "import os; n = 200000 if os.environ['SIDE'] == 'this' else 2000"
    told = []
    found = compare(sides, setup, "sum(range(n))", 2, told.append)
    assert found.base_us < found.this_us
    assert len(found.ratios) == 2
    assert all(ratio > 1 for ratio in found.ratios)  # of a hundred times the work
    assert len(told) == 2


def test_a_statement_that_fails_is_told_with_its_side(sides):
    with pytest.raises(LoopError, match=r"base: (?s:.*)ZeroDivisionError"):
        compare(sides, "pass", "1 / 0", 1, print)
