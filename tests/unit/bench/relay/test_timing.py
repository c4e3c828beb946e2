"""The stretch from the first record to the last."""

import pytest

from bench.relay.timing import Seen, stretch


def seen(at: float, *ends: int, written: tuple[int, ...] | None = None, cpu: float = 0.0) -> Seen:
    return Seen(at, dict(enumerate(ends)), dict(enumerate(written or ends)), cpu)


STARTS, LAST = {0: 10, 1: 20}, {0: 60, 1: 70}


def test_records_at_the_first_look_do_not_count():
    series = [seen(1, 10, 20), seen(2, 20, 30, cpu=50), seen(4, 60, 70, cpu=250)]
    found = stretch(series, STARTS, LAST)
    assert (found.seconds, found.share, found.cpu_us) == (2, 0.8, 200)
    assert found.per_second(100) == 40
    assert found.cpu_per_row(100) == 2.5


def test_it_begins_when_the_first_is_written_and_ends_when_the_last_can_be_read():
    series = [
        seen(1, 10, 20),
        seen(2, 10, 20, written=(11, 20)),
        seen(5, 10, 20, written=(60, 70)),
        seen(6, 61, 71),
    ]
    found = stretch(series, STARTS, LAST)
    assert (found.seconds, found.share) == (4, 0.99)


def test_what_comes_after_the_last_row_is_not_waited_for():
    series = [seen(1, 11, 20), seen(2, 60, 70), seen(9, 64, 74)]
    assert stretch(series, STARTS, LAST).seconds == 1


@pytest.mark.parametrize(
    "series",
    [[], [seen(1, 10, 20)], [seen(1, 10, 20), seen(2, 60, 69)], [seen(1, 60, 70)]],
    ids=["nothing", "no record", "not the last", "all at once"],
)
def test_rows_that_were_not_seen_to_come_give_no_figure(series):
    with pytest.raises(ValueError, match="not seen"):
        stretch(series, STARTS, LAST)
