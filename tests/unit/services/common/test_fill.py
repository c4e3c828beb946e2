"""Reading JSON lines; the database's part is tested on real ones."""

import io

import pytest

from services.common import fill
from services.common.rows import value_of
from services.reviews.tables import reviews


class Lines(io.StringIO):
    name = "rows.jsonl"


def given(text: str) -> fill.Input:
    return fill.Input(reviews, lambda row: {"id": value_of(row, "id", int)}, Lines(text))


def test_rows():
    assert list(fill.rows(given('{"id":1}\n\n  \n{"id":2}'))) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "this is no JSON"),
        ("[]", "a row must be a JSON object"),
        ("{}", "id must be a whole number"),
        ("[" * 100_000, "this is no JSON"),
    ],
)
def test_a_bad_row_is_named(line, problem):
    with pytest.raises(fill.FillError, match=rf"^rows\.jsonl:2: {problem}$"):
        list(fill.rows(given('{"id":1}\n' + line)))


def test_batches():
    rows = [{"id": number} for number in range(2 * fill.BATCH + 1)]
    made = list(fill.batches(rows))
    assert [len(batch) for batch in made] == [fill.BATCH, fill.BATCH, 1]
    assert [row for batch in made for row in batch] == rows
    assert list(fill.batches([])) == []
