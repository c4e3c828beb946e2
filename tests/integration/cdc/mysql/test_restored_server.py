"""A MariaDB whose disk was put back to an earlier day, with its binlogs and its token."""

import shutil
import threading
from contextlib import closing

import pytest
from support.mariadb import binlog_mariadb
from support.relays import OfDatabase

from cdc.relay.relay import RelayError
from cdc.sources.mysql import MysqlPreflight, MysqlSource
from tests.integration.cdc.mysql.reading import stream


def test_it_is_noticed_after_it_has_written_past_the_relays_place(tmp_path):
    with binlog_mariadb() as server:
        server.run("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)")
        world = OfDatabase(stream(server.url("shop"), "t"), tmp_path / "spill")
        with closing(MysqlPreflight(world.stream)) as preflight:
            preflight.apply()
        server.run("INSERT INTO t VALUES (1, 'a')")
        world.relayed()
        server.stop()
        disk, copy = server.path / "data", server.path / "copy"
        shutil.copytree(disk, copy)
        server.start()
        server.run("INSERT INTO t VALUES (2, 'b')")
        world.relayed()
        server.stop()
        shutil.rmtree(disk)
        copy.rename(disk)
        server.start()
        server.run("INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_10_to_400")
        with closing(MysqlSource(world.stream, tmp_path)) as source:
            source.identity()
            source.start(world.kept().resume)  # nothing else tells it from the one that was read
        with pytest.raises(RelayError, match=r"put back to an earlier state.*--resnapshot"):
            world.relay().run(threading.Event())
