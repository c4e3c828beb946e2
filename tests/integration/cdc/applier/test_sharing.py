"""Two appliers of one stream at the same time, on one PostgreSQL."""

import threading

import psycopg
import pytest
from support.appliers import stream
from support.kafka import until
from support.records import Script

from cdc.applier.applier import Applier
from cdc.applier.targets import open_target
from cdc.testing import ScriptedReader

PARTITIONS = 4
ROWS = 8_000
WITHIN = 60.0
DDL = """
    CREATE TABLE review (id bigint PRIMARY KEY, title text NOT NULL, stars int);
    CREATE TABLE hits (id bigint);
    CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO hits VALUES (NEW.id); RETURN NEW; END $$;
    CREATE TRIGGER hit AFTER INSERT OR UPDATE ON review FOR EACH ROW EXECUTE FUNCTION hit()"""


@pytest.fixture
def readers():
    """Two readers of the same topics."""
    first, second = ScriptedReader(), ScriptedReader()
    second._logs = first._logs
    script = Script(first)
    for number in range(ROWS):
        row = {"id": number, "title": "t", "stars": 1}
        script.put("review", row, partition=number % PARTITIONS)
    return first, second


def test_two_at_once_apply_each_change_once_and_share_the_work(pg, readers):
    stop = threading.Event()
    with psycopg.connect(pg, autocommit=True) as connection:
        connection.execute(DDL)
        what = stream(pg, "review", partitions=PARTITIONS)
        appliers = [
            Applier(what, open_target(pg, "shop"), reader, batch=100, lease=0.3)
            for reader in readers
        ]
        threads = [threading.Thread(target=a.run, args=(stop,), kwargs={"poll": 0.0})
                   for a in appliers]  # fmt: skip
        for thread in threads:
            thread.start()

        def count(query):
            return connection.execute(query).fetchone()[0]

        until(lambda: all(a.counters.batches for a in appliers), "both work", WITHIN)
        until(lambda: count("SELECT count(*) FROM review") == ROWS, "all is there", WITHIN)
        stop.set()
        for thread in threads:
            thread.join(WITHIN)
        assert count("SELECT count(*) FROM hits") == ROWS
