"""The applier on a real PostgreSQL, fed by a scripted reader."""

import psycopg
import pytest
from support.records import Script

from cdc.applier.applier import Applier
from cdc.applier.targets import open_target
from cdc.config.model import Stream, TableSync, Topics
from cdc.testing import ScriptedReader


def stream(url, *tables, partitions=2, **more):
    tables = tuple(TableSync(table=name, to=name) for name in tables)
    topics = Topics(prefix="shop", partitions=partitions)
    return Stream(name="shop", source="sqlite://", target=url, tables=tables, topics=topics, **more)


class Fixture:
    def __init__(self, url, *tables, **more):
        self.url, self.stream = url, stream(url, *tables, **more)
        self.reader = ScriptedReader()
        self.script = Script(self.reader)
        self.now = 1_763_631_001.0
        self.appliers = []
        self.applier = self.another()

    def another(self, reader=None, **more):
        target = open_target(self.url, "shop", reverse=self.stream.reverse)
        applier = Applier(
            self.stream, target, reader or self.reader, clock=lambda: self.now, **more
        )
        self.appliers.append(applier)
        return applier

    def sql(self, text, *values):
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(text, values)
            return done.fetchall() if done.description else None


@pytest.fixture
def shop(pg):
    made = []

    def make(ddl, *tables, **more):
        with psycopg.connect(pg, autocommit=True) as connection:
            connection.execute(ddl)
        made.append(Fixture(pg, *tables, **more))
        return made[-1]

    yield make
    for fixture in made:
        for applier in fixture.appliers:
            applier.close()


REVIEW = "CREATE TABLE review (id bigint PRIMARY KEY, title text NOT NULL, stars int)"


def test_rows_and_positions_arrive_together(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "Warm", "stars": 4})
    s.script.put("review", {"id": 2, "title": "Cold", "stars": None}, partition=1)
    s.script.put("review", {"id": 1, "title": "Hot", "stars": 5}, op="u")
    s.script.drop("review", {"id": 2}, partition=1)
    assert s.applier.step().records == 4
    assert s.sql("SELECT * FROM review") == [(1, "Hot", 5)]
    assert s.sql(
        "SELECT partition, next_offset, position, idx FROM strangler_applied ORDER BY 1"
    ) == [(0, 2, f"{3:016x}", 0), (1, 2, f"{4:016x}", 0)]


def test_what_is_delivered_twice_is_applied_once(shop):
    s = shop(REVIEW, "review")
    row = {"id": 1, "title": "Warm", "stars": 4}
    s.script.put("review", row)
    s.script.put("review", {**row, "stars": 5}, op="u")
    s.applier.step()
    s.script.put("review", row, position=1)
    assert s.applier.step().dropped == 1
    assert s.sql("SELECT stars FROM review") == [(5,)]
