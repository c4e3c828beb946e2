"""A stream of one database on a real MariaDB, and what its source reports."""

from __future__ import annotations

import itertools

import pytest
from support.mariadb import binlog_mariadb, fresh

from tests.integration.cdc.mysql.reading import Case

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with binlog_mariadb() as server:
        yield server


@pytest.fixture
def case(server, tmp_path):
    """A database of its own, with a stream of the table `t`."""
    name = f"db{next(_NUMBERS)}"
    fresh(server, name)
    with Case(server, name, tmp_path) as case:
        yield case
