"""A wrong answer is noticed, whoever wrote the row down."""

import pytest

from bench.relay.checksum import (
    COLUMNS,
    Checksum,
    WrongAnswerError,
    canonical,
    compare,
    instant,
    of_after,
    of_table,
)  # fmt: skip
from cdc.murmur2 import partition_of

ROW = (5, 6, 7, 4, "Warm", "…", "0.10", "2026-11-24 09:30:00.250000", True, '{"a": 1}')


def filled(*rows: tuple[int, tuple]) -> Checksum:
    found = Checksum()
    for partition, row in rows:
        found.add(partition, canonical(row))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24 09:30:00.25+00",
        "2026-11-24T09:30:00.250000Z",
        "2026-11-24 09:30:00.250000",
        "2026-11-24 09:30:00.25",
    ],
)
def test_each_writers_timestamp_is_the_same_instant(text):
    assert instant(text) == "2026-11-24 09:30:00.250000"


def test_whole_seconds_get_their_digits_too():
    assert instant("2026-11-24T09:30:00Z") == instant("2026-11-24 09:30:00+00")
    assert instant("2026-11-24 09:30:00+00").endswith("09:30:00.000000")


def test_an_envelope_and_the_table_agree():
    after = dict(zip(COLUMNS, ROW, strict=True)) | {"created_at": "2026-11-24T09:30:00.25Z"}
    assert of_after(after) == canonical(ROW)


def test_a_column_that_is_missing_is_no_row():
    with pytest.raises(KeyError):
        of_after({"id": 5})


def test_rows_of_the_table_are_where_their_keys_belong():
    found = of_table([(n, *ROW[1:]) for n in range(100)], 4)
    assert found.rows == 100
    assert found.counts[partition_of(b'{"id":5}', 4)] > 0
    assert set(found.counts) == {0, 1, 2, 3}


def test_order_does_not_matter():
    other = (6, *ROW[1:])
    compare(filled((0, ROW), (0, other)), filled((0, other), (0, ROW)))


@pytest.mark.parametrize(
    "wrong",
    [
        filled(),
        filled((0, ROW), (0, ROW)),
        filled((1, ROW)),
        filled((0, (*ROW[:3], 3, *ROW[4:]))),
        filled((0, ROW), (1, ROW)),
    ],
    ids=["missing", "twice", "elsewhere", "another value", "a copy elsewhere"],
)
def test_any_difference_is_a_wrong_answer(wrong):
    with pytest.raises(WrongAnswerError):
        compare(filled((0, ROW)), wrong)
