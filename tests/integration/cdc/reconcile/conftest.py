"""Servers of all kinds, and streams between them."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from support.shared import a_database, a_name, shared_mariadb, shared_postgres, shared_tansu

from tests.integration.cdc.reconcile.pipes import Pipe

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
def database(request, tmp_path):
    """Makes an empty database: `database("postgres")`, `"mariadb"` or `"sqlite"`; its URL."""

    with contextlib.ExitStack() as made:

        def make(kind):
            name = f"r{next(_NUMBERS)}"
            if kind in {"postgres", "mariadb"}:
                server = request.getfixturevalue("cluster" if kind == "postgres" else "maria")
                return made.enter_context(a_database(server, "reconcile"))
            return f"sqlite:///{tmp_path / name}.sqlite3"

        yield make


@pytest.fixture
def pipe(database, broker, tmp_path):
    """Makes a stream between two new databases: `pipe("postgres", "sqlite", *tables)`."""
    made = []

    def make(source, target, *tables, **more):
        name = a_name("s")  # slots and topics have it, which belong to whole servers
        urls = database(source), database(target)
        made.append(Pipe(name, *urls, broker, tmp_path, *tables, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()
