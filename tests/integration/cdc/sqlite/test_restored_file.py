"""A file that was put back to an earlier day: a copy has the token of the file that it is of."""

import shutil
import sqlite3
import threading
from contextlib import closing

import pytest
from support.relays import OfDatabase

from cdc.relay.relay import RelayError


def written(file, *statements):
    with closing(sqlite3.connect(file.path, isolation_level=None)) as session:
        for statement in statements:
            session.execute(statement)


def test_it_is_noticed_after_it_has_written_past_the_relays_place(file, tmp_path):
    written(file, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
    world = OfDatabase(file.stream("t"), tmp_path / "spill")
    written(file, "INSERT INTO t VALUES (1, 1)")
    world.relayed()
    written(file, f"VACUUM INTO '{tmp_path / 'backup'}'")
    written(file, "INSERT INTO t VALUES (2, 2)")
    world.relayed()
    file.close()
    for name in ("-wal", "-shm"):
        file.path.with_name(file.path.name + name).unlink(missing_ok=True)
    shutil.move(tmp_path / "backup", file.path)
    written(file, *(f"INSERT INTO t VALUES ({number}, 0)" for number in range(10, 60)))
    with closing(file.source(world.stream)) as source:
        source.start(world.kept().resume)  # nothing else tells it from the file that was read
    with pytest.raises(RelayError, match=r"put back to an earlier state.*--resnapshot"):
        world.relay().run(threading.Event())
