"""Disks that are full where databases write: relay and applier wait, and nothing is lost."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from support.arriving import assert_arrived
from support.databases import folder, logical_postgres
from support.pipes import Pipe, until
from support.writers import DDL, FILL, TABLES, Mix, writing

from cdc.config.model import Limits


@pytest.fixture(scope="module")
def cluster():
    """A server of this module's, which gets small disks."""
    with logical_postgres() as server:
        yield server


@contextlib.contextmanager
def full(disk):
    """No room on this file system in the block."""
    ballast = Path(disk, "ballast")
    try:
        with ballast.open("wb") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        yield
    finally:
        ballast.unlink(missing_ok=True)


@pytest.fixture
def room():
    """A folder that everybody may enter. Asked for before `tiny`, it is removed after that."""
    with folder("small") as path:
        path.chmod(0o755)
        yield path


@pytest.fixture
def disk(room, tiny):
    """A small file system."""
    tiny(room / "disk", "8m")
    return room / "disk"


@pytest.fixture
def tablespace(cluster, disk):
    """A small disk of the server's; it is there before the databases, and gone after them."""
    place = disk / "space"
    place.mkdir(mode=0o700)
    shutil.chown(place, cluster.user)
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    yield "small"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("DROP TABLESPACE small")


@pytest.fixture
def small(tablespace, pipe):
    """Makes a stream of which some tables are on the small disk."""

    def make(address, side, *tables, **more):
        shop = pipe(address, **more)
        with psycopg.connect(getattr(shop.stream, side), autocommit=True) as connection:
            for table in tables:
                connection.execute(f"ALTER TABLE {table} SET TABLESPACE {tablespace}")
        return shop

    return make


def test_a_target_without_room_is_waited_for(small, broker, disk, cluster):
    shop = small(broker, "target", "review", "tag")
    name = shop.stream.name
    with (
        writing(shop.stream.source, Mix(seed=91, keys=40)) as writer,
        shop.process("run", name) as relay,
        shop.process("apply", name) as applier,
    ):
        shop.snapshotted()
        with full(disk):
            until(lambda: shop.log("apply").count("apply_failed") > 1, "an applier without room")
            seen = writer.commits
            until(lambda: writer.commits > seen + 30, "transactions that have to wait")
            assert applier.poll() is None
        assert "o space left" in (cluster.data.parent / "log").read_text()
        with writer.resting():
            assert_arrived(shop, relay=relay, applier=applier)


def test_a_marker_that_finds_no_room_is_written_later(small, broker, disk):
    shop = small(broker, "source", "strangler_marker", limits=Limits(chunk=2))
    name, url = shop.stream.name, shop.stream.source
    with psycopg.connect(url) as reader, full(disk), shop.process("run", name) as relay:
        # What it may still look at keeps all that the markers were before: the table must grow.
        reader.execute("SET default_transaction_isolation = 'repeatable read'")
        reader.commit()
        reader.execute("SELECT FROM review")
        until(lambda: "o space left" in shop.log("run"), "a marker without room")
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE review SET stars = 77 WHERE id % 3 = 0")
            connection.execute("DELETE FROM tag WHERE nr < 5")
        assert relay.poll() is None
    with shop.process("run", name) as relay, shop.process("apply", name) as applier:
        assert_arrived(shop, relay=relay, applier=applier)


@pytest.fixture
def cramped(room, tiny):
    """A server whose whole disk is small, and that disk."""
    tiny(room / "disk", "400m")
    settings = "min_wal_size = 32MB\nmax_wal_size = 64MB\n"
    with logical_postgres(settings=settings, below=room / "disk") as server:
        yield server, room / "disk"


def test_a_source_whose_log_finds_no_room_loses_nothing(cramped, broker, tmp_path):
    """PostgreSQL ends itself then; it is started again when there is room."""
    server, disk = cramped
    source, target = (made(server, name) for name in ("old", "new"))
    shop = Pipe(tmp_path, broker, filled(source, *FILL), TABLES, target=target)
    name = shop.stream.name
    with (
        writing(shop.stream.source, Mix(seed=92)) as writer,
        shop.process("run", name) as relay,
        shop.process("apply", name) as applier,
    ):
        shop.snapshotted()
        seen = writer.reconnects
        with full(disk):
            until(lambda: not written(server), "a server that can write no more")
            until(lambda: "relay_interrupted" in shop.log("run"), "a relay that cannot go on")
            until(lambda: writer.reconnects > seen, "a writer that cannot, either")
            assert relay.poll() is None
            assert applier.poll() is None
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(5)
        if server.process.poll() is not None:
            (server.data / "postmaster.pid").unlink(missing_ok=True)
            server.start()
        with writer.resting():
            assert_arrived(shop, relay=relay, applier=applier)


def made(server, name):
    return filled(server.create(name), *DDL)


def filled(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return url


def written(server):
    """Whether a little more of log finds room."""
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(false, 'f', repeat('x', 1000000))")
            connection.execute("SELECT pg_switch_wal()")
    except psycopg.OperationalError:
        return False
    return True
