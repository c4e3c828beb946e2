"""A stream of one database on a real MariaDB, and what its source reports."""

from __future__ import annotations

import pytest
from support.shared import a_database, shared_mariadb

from tests.integration.cdc.mysql.reading import Case


@pytest.fixture(scope="session")
def server():
    with shared_mariadb() as server:
        yield server


@pytest.fixture
def case(server, tmp_path):
    """A database of its own, with a stream of the table `t`."""
    with a_database(server, "db") as url, Case(server, url.rpartition("/")[2], tmp_path) as case:
        yield case
