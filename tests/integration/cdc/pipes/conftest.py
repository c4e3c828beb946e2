"""Servers of all kinds, and databases between which streams run both ways."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from support.pipes import Pipe
from support.shared import a_database, shared_mariadb, shared_postgres, shared_tansu

from tests.integration.cdc.pipes.sides import Side, limited_role, way_back

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cluster():
    with shared_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def maria():
    with shared_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    with shared_tansu() as address:
        yield address


@pytest.fixture
def side(request, tmp_path):
    """Makes an empty database: `side("postgresql")`, `"mariadb"` or `"sqlite"`.

    `"limited"` is PostgreSQL with a role that may do no more than it must.
    """
    with contextlib.ExitStack() as made:

        def make(kind):
            name = f"p{next(_NUMBERS)}"
            if kind in {"postgresql", "limited"}:
                server = request.getfixturevalue("cluster")
                url = made.enter_context(a_database(server, "pipes"))
                url = limited_role(url) if kind == "limited" else url
            elif kind == "mariadb":
                url = made.enter_context(a_database(request.getfixturevalue("maria"), "pipes"))
            else:
                url = f"sqlite:///{tmp_path / name}.sqlite3"
                (tmp_path / f"{name}.sqlite3").touch()
            return made.enter_context(contextlib.closing(Side(kind, url)))

        yield make


@pytest.fixture
def pipe(tmp_path, broker):
    """Makes a stream from one side to another: `pipe(old, new, *tables)`."""

    def make(old, new, *tables, **more):
        return Pipe(tmp_path, broker, old.url, tables, target=new.url, **more)

    return make


@pytest.fixture
def both(pipe):
    """Makes a stream and its way back: `there, back = both(old, new, *tables)`."""

    def make(old, new, *tables, **more):
        there = pipe(old, new, *tables, **more)
        return there, way_back(there)

    return make
