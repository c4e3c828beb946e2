"""What a row of the applier costs."""

import pytest

from bench.against.relaying import per_row
from bench.relay.topics import NothingComesError


def test_what_was_there_at_the_first_look_does_not_count():
    assert per_row([(1000, 5e5), (4000, 5.3e5), (11000, 6e5)]) == 10.0


def test_rows_that_come_all_at_once_have_no_cost():
    with pytest.raises(NothingComesError):
        per_row([(1000, 5e5)])
