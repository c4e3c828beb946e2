import contextlib
import os
import signal
import subprocess

import psycopg
import pytest
from support.kept import kept
from support.pipes import Pipe
from support.shared import a_database, shared_postgres, shared_tansu
from support.writers import DDL, FILL, TABLES

from cdc.config.model import Limits


@pytest.fixture(scope="session")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    with shared_tansu() as address:
        yield address


@pytest.fixture(scope="session")
def kafka():
    """`host:port` of an Apache Kafka that tests elsewhere use at the same time."""
    return kept("kafka")


@pytest.fixture
def databases(cluster):
    """Makes empty databases."""
    with contextlib.ExitStack() as made:
        yield lambda: made.enter_context(a_database(cluster, "f"))


def filled(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return url


@pytest.fixture
def pipe(tmp_path, databases):
    """Makes a stream from a filled database to an empty one: `pipe(broker, **stream)`."""

    def make(address, **more):
        source, target = filled(databases(), *DDL, *FILL), filled(databases(), *DDL)
        more = {"limits": Limits(chunk=20)} | more
        return Pipe(tmp_path, address, source, TABLES, target=target, **more)

    return make


@pytest.fixture
def killed_at():
    """Runs `strangler cdc WORD STREAM` until it kills itself at a point."""

    def run(shop, word, point):
        with shop.process(word, shop.stream.name, STRANGLER_FAILPOINT=point) as process:
            assert process.wait(90) == -signal.SIGKILL, shop.log(word)[-4000:]

    return run


@pytest.fixture
def tiny():
    """Makes a file system of some kilobytes in a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = []

    def make(folder, size):
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)
