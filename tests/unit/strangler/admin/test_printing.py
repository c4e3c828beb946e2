import io
from contextlib import redirect_stdout

import pytest
from rich.console import Group
from rich.table import Table

from strangler.admin.printing import show

LONG = "routes.yaml:14:7: " + "a word and another " * 8


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_terminal(monkeypatch):
    """What `show` writes to a terminal of 80 columns."""
    for name, value in {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)

    def shown(*parts) -> str:
        with redirect_stdout(Terminal()) as written:
            show(*parts)
        return written.getvalue()

    return shown


def test_a_terminal_gets_lines_that_fit_and_words_that_are_whole(on_terminal):
    said = on_terminal(Group(LONG, f"  - {LONG}"), "short")
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if not line.startswith(" ")] == [lines[0], "short"]
    assert lines[1].startswith("    ")
    assert " ".join(said.split()) == " ".join(f"{LONG} - {LONG} short".split())


def test_each_line_of_a_text_begins_anew(on_terminal):
    assert on_terminal("one\n  two") == "one\n  two\n"


def test_a_pipe_gets_tables_as_wide_as_they_are(capsys):
    table = Table("what", "when", box=None)
    table.add_row("x" * 200, "now")
    table.add_row("y", "")
    show(table)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["what", "when"], ["x" * 200, "now"], ["y"]]
    assert lines == [line.rstrip() for line in lines]


def test_a_pipe_gets_lines_as_they_are(capsys):
    show(LONG, Table("a"))
    assert LONG in capsys.readouterr().out


def test_failures_go_to_standard_error(capsys):
    show("[bold]no[/]", error=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no\n")
