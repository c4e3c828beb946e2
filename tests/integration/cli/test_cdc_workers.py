"""What the command line knows of a stream's processes: who runs, who was killed, who has ended."""

import contextlib
import json

import psycopg
import pytest
from support.pipes import Pipe, until
from support.shared import new_database, shared_postgres, shared_tansu

TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int)"


@pytest.fixture(scope="module")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def broker():
    with shared_tansu() as address:
        yield address


@pytest.fixture
def shop(cluster, broker, tmp_path):
    """A stream between two databases of one server, which share its replication origins."""
    source, target = (new_database(cluster, "workers") for _ in "st")
    for url in (source, target):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
    shop = Pipe(tmp_path, broker, source, ["review"], target=target)
    yield shop
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE database = current_database()"
        )


@contextlib.contextmanager
def running(shop):
    name = shop.stream.name
    with shop.process("run", name) as relay, shop.process("apply", name) as applier:
        until(lambda: states(shop) == ("running", "running"), "both")
        yield relay, applier


def states(shop):
    [stream] = json.loads(shop.command("status", "--json").stdout)["streams"]
    return (stream["relay"] or {}).get("state"), (stream["applier"] or {})["state"]


def said(done):
    return " ".join((done.stdout + done.stderr).split())


def test_processes_that_were_killed_are_not_shown_as_running_for_long(shop):
    with running(shop) as processes:
        for process in processes:
            process.kill()
            process.wait()
        until(lambda: states(shop) == ("silent", "silent"), "the silence", within=40)
        told = said(shop.command("status"))
        for word in ("run", "apply"):
            assert f"(`strangler cdc {word} {shop.stream.name}`)" in told


def test_processes_that_ended_are_shown_so_at_once(shop):
    with running(shop) as processes:
        for process in processes:
            process.terminate()
            process.wait(30)
        assert states(shop) == ("stopped", "not running")


def test_undoing_is_refused_for_as_long_as_somebody_works(shop):
    name = shop.stream.name
    with running(shop) as (relay, applier):
        for left, process in ((("run", "apply"), relay), (("apply",), applier)):
            done = shop.command("init", name, "--undo")
            assert done.returncode == 1, said(done)
            for word in left:
                assert f"`strangler cdc {word} {name}`" in said(done)
            assert f"process {process.pid}" in said(done)
            assert shop.command("init", name).returncode == 0, "nothing was removed"
            process.terminate()
            assert process.wait(30) == 0
        done = shop.command("init", name, "--undo")
        assert done.returncode == 0, said(done)
    assert shop.command("init", name).returncode == 1, "all is removed"
