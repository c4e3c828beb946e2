"""What a command that waits says meanwhile, on a terminal and elsewhere."""

import sys

from strangler.cdc_options import progress_bar


def test_elsewhere_one_line_says_what_is_waited_for_first(capsys):
    bar = progress_bar(shown=True)
    with bar as progress:
        bar.waiting("nobody runs")
        progress("review", 1, 2)
        bar.waiting("nobody runs still")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Waiting: nobody runs.\n")


def test_a_terminal_shows_what_is_waited_for_now_until_it_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    bar = progress_bar(shown=True)
    with bar as progress:
        bar.waiting("nobody [runs]")
        bar.waiting("it [runs]")
        assert _shown(bar) == ["waiting: it [runs]"]
        progress("review", 1, 2)
        assert _shown(bar) == ["review"]
    told = capsys.readouterr()
    assert told.out == ""
    assert "it [runs]" in told.err


def _shown(bar) -> list[str]:
    bar._progress.refresh()
    return [task.description.replace("\\[", "[") for task in bar._progress.tasks]


def test_a_bar_has_an_end_as_soon_as_somebody_knows_it_and_none_before_what_is_there(
    capsys, monkeypatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = progress_bar(shown=True)
    with bar as progress:
        [(_, before), (_, known), (_, more)] = [
            (progress("review", rows, estimate), bar._progress.tasks[0].total)
            for rows, estimate in ((10, 0), (20, 100), (130, 100))
        ]
    assert (before, known, more) == (None, 100, 130)
    assert capsys.readouterr().out == ""


def test_nothing_is_drawn_where_nobody_looks(capsys):
    for shown in (True, False):
        with progress_bar(shown=shown) as progress:
            progress("review", 1, 2)
    assert capsys.readouterr() == ("", "")
