"""Which rows may enter."""

import pytest

from services.common.rows import RowError
from services.reviews.tables import review_row, reviews

GIVEN = {
    "id": 1, "product_id": 2, "product_name": "Cup", "author_id": 3, "author": "Ada", "rating": 5,
    "title": "Good", "body": "", "created_at": "2026-01-31T09:30:00Z",
    "updated_at": "2026-01-31T09:30:00Z", "helpful": 4,
}  # fmt: skip


def test_a_row_has_every_column_and_no_other():
    assert set(review_row(GIVEN)) == {column.name for column in reviews.c}


@pytest.mark.parametrize("name", [column.name for column in reviews.c])
def test_no_field_may_be_missing(name):
    with pytest.raises(RowError, match=rf"^{name} must be"):
        review_row({key: value for key, value in GIVEN.items() if key != name})


@pytest.mark.parametrize("rating", [0, 6])
def test_a_rating_out_of_range(rating):
    with pytest.raises(RowError, match="from 1 to 5"):
        review_row(GIVEN | {"rating": rating})
