"""The command line of a comparison."""

import pytest
from click.testing import CliRunner

from bench.against.__main__ import _status, main
from bench.against.verdict import Compared
from bench.results import Failure, Results

WITHIN = Compared("canary", 40.0, 40.0, [1.0] * 6, None)
SLOWER = Compared("canary", 40.0, 44.0, [1.1] * 6, None)


@pytest.mark.parametrize(
    "words", [[], ["no-such-commit"], ["HEAD", "--cases", "nonsense"], ["HEAD", "--rounds", "0"]]
)
def test_what_is_asked_wrongly_ends_with_2_before_anything_is_installed(words, monkeypatch):
    monkeypatch.setattr("bench.against.builds.built", None)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2, done.output
    assert "Error: " in done.output


def test_a_wrong_commit_is_told_in_a_sentence():
    done = CliRunner().invoke(main, ["no-such-commit"])
    assert done.output.startswith(
        "Error: `no-such-commit` is not a commit of this repository: write"
    )


def test_help_says_what_slower_means():
    text = CliRunner().invoke(main, ["--help"]).output
    assert "1.02" in text
    assert "untracked files are no part of it" in " ".join(text.split())


def test_the_exit_status():
    failed = Results({}, {}, {}, failures=[Failure("relay", "", "no")])
    sound = Results({}, {}, {})
    assert _status([WITHIN], sound) == 0
    assert _status([SLOWER], sound) == 1
    assert _status([WITHIN], failed) == 2
    assert _status([SLOWER], failed) == 1
    assert _status([], sound) == 2
