"""However a stream is delivered, the copy is the source.

Transactions of a source with a unique column are dealt to partitions by key. The applier then reads
them in any interleaving of the partitions, in batches of any size, with records delivered again,
and may be replaced by a new one at any step. SQLite is the target: it is quick enough for this, and
the rules under test are the same for all (tests/conformance/targets).
"""

import sqlite3
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.appliers import Bench

PARTITIONS = 3
DDL = "CREATE TABLE item (id int PRIMARY KEY, name text UNIQUE, n int)"

ACTIONS = ("put", "put", "put", "part", "drop", "move")
STEPS = ("deliver", "deliver", "deliver", "again", "restart", "crash", "step")


def action_of(chance):
    """Few keys and few names, so that names wander from row to row."""
    return (
        chance.choice(ACTIONS), chance.randrange(4), chance.choice([None, "a", "b"]),
        chance.randrange(99),
    )  # fmt: skip


class Source:
    """A table with a unique column, and the records that a relay makes of its changes."""

    def __init__(self):
        self.rows = {}
        self.logs = {partition: [] for partition in range(PARTITIONS)}
        self.position = 0

    def do(self, action, key, name, n):
        taken = {row["name"] for id_, row in self.rows.items() if id_ != key} - {None}
        if name in taken:
            return
        self.position += 1
        if action == "drop":
            if self.rows.pop(key, None):
                self._record(key, "d", None)
        elif action == "part" and key in self.rows:
            self.rows[key]["n"] = n
            self._record(key, "u", {"id": key, "n": n}, ["name"])
        elif action == "move" and key in self.rows and key + 6 not in self.rows:
            row = self.rows.pop(key)
            self.rows[key + 6] = {**row, "id": key + 6}
            self._record(key, "d", None)
            self._record(key + 6, "c", dict(self.rows[key + 6]), index=1)
        else:
            self.rows[key] = {"id": key, "name": name, "n": n}
            self._record(key, "u", dict(self.rows[key]))

    def marker(self):
        self.position += 1
        for log in self.logs.values():
            log.append(("marker", self.position))

    def _record(self, key, op, row, unavailable=(), index=0):
        self.logs[key % PARTITIONS].append((self.position, index, key, op, row, unavailable))


class Delivery:
    """Writes the source's records to the topic, again and again where told to."""

    def __init__(self, bench, source):
        self.bench, self.source = bench, source
        self.sent = dict.fromkeys(range(PARTITIONS), 0)

    def deliver(self, partition, count):
        log = self.source.logs[partition]
        for record in log[self.sent[partition] : self.sent[partition] + count]:
            self._one(partition, record)
        self.sent[partition] = min(len(log), self.sent[partition] + count)

    def again(self, partition, count):
        """What a relay does that was killed: it starts some records before, and goes on."""
        self.sent[partition] = max(0, self.sent[partition] - count)
        self.deliver(partition, count)

    def _one(self, partition, record):
        script = self.bench.script
        if record[0] == "marker":
            script.position, script.seq = record[1] - 1, record[1] - 1
            script.marker(["item"], [partition])
            return
        position, index, key, op, row, unavailable = record
        where = {"partition": partition, "position": position, "index": index}
        if op == "d":
            script.drop("item", {"id": key}, **where)
        else:
            script.put("item", row, op=op, unavailable=unavailable, **where)


def copy_of(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT id, name, n FROM item").fetchall()
    connection.close()
    return {id_: {"id": id_, "name": name, "n": n} for id_, name, n in rows}


def replace(bench, *, crash, batch):
    if crash:  # nothing is given up: its leases run out
        bench.sql("UPDATE strangler_applied SET lease_until = 0")
    else:
        bench.applier.close()
    bench.applier = bench.another(bench.reader, batch=batch)


@settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(1, 30))
def test_however_it_is_delivered_the_copy_is_the_source(chance, length, batch):
    source = Source()
    for number in range(length):
        source.do(*action_of(chance))
        if number % 9 == 8:
            source.marker()
    source.marker()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.db"
        bench = Bench(f"sqlite:///{path}", DDL, "item", partitions=PARTITIONS)
        delivery = Delivery(bench, source)
        bench.step()
        for _ in range(chance.randrange(20)):
            what = chance.choice(STEPS)
            if what in {"restart", "crash"}:
                replace(bench, crash=what == "crash", batch=batch)
            elif what != "step":
                getattr(delivery, what)(chance.randrange(PARTITIONS), chance.randrange(1, 9))
            bench.step()
        for partition in range(PARTITIONS):
            delivery.deliver(partition, len(source.logs[partition]))
        bench.step(sum(map(len, source.logs.values())) // batch + 4)
        assert copy_of(path) == source.rows
        assert bench.parked() == {"waiting": 0, "parked": 0}
        assert bench.arrived(source.position)
        bench.close()
