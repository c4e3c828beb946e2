"""Which lines of the gateway's log are news, and how they are told."""

import json

import pytest

from strangler.demo.news import Live, LogReader, Refused, news, tell
from strangler.demo.screen import Screen

REFUSED = json.dumps(
    {
        "event": "reload_refused",
        "version": 2,
        "problems": ["routes.yaml:3:1: [no] key", "1 problem"],
    }
)
LIVE = json.dumps({"event": "version_live", "version": 7, "author": "ada", "reason": "try it"})


def test_a_refused_table_with_its_problems():
    assert news(REFUSED) == Refused(("routes.yaml:3:1: [no] key", "1 problem"))


def test_a_version_that_went_live():
    assert news(LIVE) == Live(7, "ada", "try it")


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", "7", "[]",
                                  '{"event": "worker_started", "version": 7}'])  # fmt: skip
def test_other_lines_are_no_news(line):
    assert news(line) is None


def test_lines_come_once_and_whole(tmp_path):
    log = tmp_path / "gateway.log"
    log.write_text("one\ntw")
    reader = LogReader(log)
    assert list(reader.lines()) == ["one"]
    assert list(reader.lines()) == []
    with log.open("a") as file:
        file.write("o\nthree\n")
    assert list(reader.lines()) == ["two", "three"]


def test_a_person_reads_why_and_what(capsys):
    screen = Screen()
    for line in (REFUSED, LIVE, "something else"):
        tell(line, screen)
    told = capsys.readouterr().out
    assert "Not live; the table before is still served:" in told
    assert "  routes.yaml:3:1: [no] key" in told  # brackets are no markup
    assert "Version 7 is live" in told
    assert "  ada: try it" in told
