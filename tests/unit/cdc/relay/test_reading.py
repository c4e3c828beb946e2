"""How much of a run is read at a time."""

import pytest
from support.relays import REVIEW, World

from cdc.bounded import size_of, taken
from cdc.change import Column, Kind, Relation
from cdc.config.model import Limits
from cdc.relay.reading import Share, read
from cdc.snapshot import Run

MEMORY = 4_000_000
WIDE = 400_000


def world(*widths):
    made = World()
    made.control.fill("review", *((n, 1, "x" * width) for n, width in enumerate(widths)))
    return made


def chunks(control, run, limits):
    """Rows of each chunk, to the end of the run."""
    share, found = Share(limits, few=run.keys is not None), []
    while True:
        reading = read(control, REVIEW, run, share)
        found.append(reading.chunk.rows)
        assert reading.then.done == reading.last
        if reading.last:
            return found
        run = reading.then


@pytest.mark.parametrize(
    "widths",
    [
        [WIDE] * 12,
        [10] * 40 + [WIDE] * 12,
        [WIDE] * 12 + [10] * 40,
        [10, WIDE] * 12,
        [4 * MEMORY] * 3,
    ],
)  # fmt: skip
def test_a_chunk_is_bounded_in_bytes_wherever_the_wide_rows_are(widths):
    control = world(*widths).control
    found = chunks(control, Run("initial", "review"), Limits(chunk=20, memory=MEMORY))
    assert [row[0] for rows in found for row in rows] == list(range(len(widths)))
    assert all(size_of(rows[:-1]) < MEMORY // 4 for rows in found)
    assert all(len(rows) <= 20 for rows in found)


def test_narrow_rows_come_as_many_at_a_time_as_they_may():
    found = chunks(world(*[10] * 41).control, Run("initial", "review"), Limits(chunk=20))
    assert [len(rows) for rows in found] == [20, 20, 1]


def test_after_wide_rows_the_number_grows_again():
    control = world(*[WIDE] * 6, *[10] * 200).control
    found = chunks(control, Run("initial", "review"), Limits(chunk=50, memory=MEMORY))
    assert max(len(rows) for rows in found) == 50


@pytest.mark.parametrize("widths", [[10] * 500, [WIDE] * 60, [10] * 20 + [WIDE] * 40])
def test_rows_that_are_named_come_some_at_a_time(widths):
    made, asked = world(*widths), []
    reading = made.control.rows

    def rows(relation, keys):
        asked.append(len(keys))
        return reading(relation, keys)

    made.control.rows = rows
    keys = tuple((n,) for n in range(len(widths)))
    found = chunks(
        made.control, Run("repair-1", "review", keys=keys), Limits(chunk=300, memory=MEMORY)
    )
    assert [row[0] for rows in found for row in rows] == list(range(len(widths)))
    assert max(asked) <= (300 if widths[-1] == 10 else 64)
    assert len(asked) < 40


def test_names_without_a_row_are_told_with_their_part():
    control = world(*[10] * 30).control
    keys = tuple((n,) for n in range(0, 60, 2))
    share, run, gone = Share(Limits(), few=True), Run("repair-1", "review", keys=keys), []
    while True:
        reading = read(control, REVIEW, run, share)
        gone += reading.gone
        if reading.last:
            break
        run = reading.then
    assert gone == [(n,) for n in range(30, 60, 2)]


def test_short_kinds_are_not_measured():
    relation = Relation("t", "s", "t", (Column("id", Kind.INTEGER, "int", key=True),))
    assert taken(((n,) for n in range(100)), relation, 1) == ([(n,) for n in range(100)], False)
