"""Fields of incoming rows."""

from datetime import UTC, datetime

import pytest

from services.common.rows import RowError, moment_of, value_of


def test_a_value_of_the_right_kind():
    assert value_of({"id": 3}, "id", int) == 3
    assert value_of({"pinned": False}, "pinned", bool) is False


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": "3"}, {"id": True}, {"id": 3.0}])
def test_a_value_of_another_kind(given):
    with pytest.raises(RowError, match=r"^id must be a whole number$"):
        value_of(given, "id", int)


def test_a_number_that_no_column_holds():
    with pytest.raises(RowError, match=r"^id must be a whole number$"):
        value_of({"id": 2**63}, "id", int)


@pytest.mark.parametrize("text", ["a\0b", "\ud83d"])
def test_text_that_no_column_holds(text):
    with pytest.raises(RowError, match=r"^title must be text$"):
        value_of({"title": text}, "title", str)


@pytest.mark.parametrize("text", ["2026-01-31T10:30:00.5+01:00", "2026-01-31T09:30:00.500000Z"])
def test_a_moment(text):
    assert moment_of({"at": text}, "at") == datetime(2026, 1, 31, 9, 30, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, 5, "", "yesterday", "2026-01-31T09:30:00", "2026-13-01Z"])
def test_no_moment(value):
    with pytest.raises(RowError, match=r"^at must be a time such as"):
        moment_of({"at": value}, "at")
