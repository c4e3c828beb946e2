"""What makes an answer wrong after a load."""

import pytest

from bench.verify import WrongAnswerError, check_load, check_share
from bench.wrk import Figures, LoadError, parse


def test_share_within_three_points_of_ten_percent():
    check_share(900, 100, 1000, canary=True)
    check_share(1000, 0, 1000, canary=False)
    with pytest.raises(WrongAnswerError, match=r"0\.0 %"):
        check_share(1000, 0, 1000, canary=True)
    with pytest.raises(WrongAnswerError, match=r"10\.0 %"):
        check_share(900, 100, 1000, canary=False)


def test_answers_that_no_upstream_gave_are_refused():
    with pytest.raises(WrongAnswerError, match="served 10"):
        check_share(10, 0, 1000, canary=False)


def test_errors_no_requests_and_short_answers_are_refused():
    check_load(0, 3000, 10, 150)
    for errors, received, requests in ((1, 3000, 10), (0, 0, 0), (0, 1499, 10)):
        with pytest.raises(WrongAnswerError):
            check_load(errors, received, requests, 150)


def test_figures_of_wrk():
    output = "Running 2s test\nFIGURES 1000 2000000 300000 3 1200 4500\n"
    assert parse(output) == Figures(1000, 2.0, 300000, 3, 1200.0, 4500.0)
    with pytest.raises(LoadError, match="refused"):
        parse("unable to connect: refused")
