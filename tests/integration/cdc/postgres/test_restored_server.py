"""A server whose disk was put back to an earlier day: its identifiers are the old ones."""

from __future__ import annotations

import shutil
import threading

import pytest
from support.databases import logical_postgres
from support.relays import OfDatabase

from cdc.relay.ports import SourceError
from cdc.relay.relay import RelayError, Wanted
from tests.integration.cdc.postgres.reading import Case

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text)"


def copied(server):
    """A copy of the disk of a server that has been stopped."""
    copy = server.data.with_name("copy")
    shutil.copytree(server.data, copy)
    return copy


def put_back(server, copy) -> None:
    shutil.rmtree(server.data)
    copy.rename(server.data)
    if server.user is not None:
        for path in (server.data, *server.data.rglob("*")):
            shutil.chown(path, server.user)


@pytest.fixture
def restored(tmp_path):
    """A stream that was relayed up to 5, and whose server then forgot 3, 4 and 5; its relay."""
    with logical_postgres() as server:
        case = Case(server, "shop", tmp_path)
        case.run(ITEM)
        world = OfDatabase(case.prepare("item"), tmp_path / "spill")
        case.run("INSERT INTO item VALUES (1)", "INSERT INTO item VALUES (2)")
        world.relayed()
        server.stop()
        copy = copied(server)
        server.start()
        case.run(*(f"INSERT INTO item VALUES ({number})" for number in (3, 4, 5)))
        world.relayed()
        assert sorted(world.copy("shop.item")) == [(n,) for n in (1, 2, 3, 4, 5)]
        server.stop()
        put_back(server, copy)
        server.start()
        yield case, world
        if case.source is not None:
            case.source.close()


def place(world) -> int:
    return world.kept().resume


def test_it_is_noticed_while_its_log_ends_before_the_relays_place(restored):
    case, world = restored
    with pytest.raises(SourceError) as raised:
        case.again(place(world))
    assert not raised.value.temporary
    assert "--resnapshot" in str(raised.value)


def test_it_is_noticed_after_it_has_written_past_the_relays_place(restored):
    case, world = restored
    case.run("INSERT INTO item SELECT i, repeat('x', 200) FROM generate_series(10, 400) i")
    assert int(case.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")) > place(world)
    claimed = world.epoch
    with pytest.raises(RelayError, match=r"put back to an earlier state.*--resnapshot"):
        world.relay().run(threading.Event())
    assert world.epoch == claimed, "it would have ended one that is in the right place"


def test_a_snapshot_anew_is_a_remedy(restored):
    case, world = restored
    case.run("INSERT INTO item SELECT i, repeat('x', 200) FROM generate_series(10, 400) i")
    world.relayed(Wanted(resnapshot=True))
    assert {(n,) for n in range(10, 401)} <= world.copy("shop.item").keys()
    world.relayed()
