"""What a failure of the process that reads the binlog means to the relay."""

import pymysql
import pytest

from cdc.sources.mysql import messages
from cdc.sources.mysql.reader import failure


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "no socket"), ConnectionRefusedError(111, "refused"),
              TimeoutError("timed out"), pymysql.err.OperationalError(2013, "lost")],
)  # fmt: skip
def test_a_server_that_is_away_is_worth_another_try(error):
    kind, said, temporary = failure(error)
    assert (kind, temporary) == (messages.FAILURE, True)
    assert said.startswith("the log was interrupted: ")


def test_what_nobody_expected_is_not():
    assert failure(KeyError("x")) == (
        messages.FAILURE, "reading the log failed: KeyError: 'x'", False
    )  # fmt: skip
