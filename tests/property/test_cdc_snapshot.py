"""Every interleaving of writers with the chunks of a snapshot leaves the copy equal to the source.

The model is PostgreSQL's: a transaction is first logged and becomes visible some time later, in an
order of its own; one that writes a key that another has written waits until that one is visible.
The stream follows the log. Updates may carry part of the row only, as with unchanged TOAST values.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from cdc.snapshot import Touched

KEYS = range(4)
ACTIONS = st.sampled_from(["put", "delete", "part"])
WRITES = st.lists(st.tuples(st.sampled_from(KEYS), ACTIONS), min_size=1, max_size=3)


@dataclass
class World:
    by_visibility: bool
    visible: dict = field(default_factory=dict)
    """What sessions see."""
    seen: set = field(default_factory=set)
    pending: dict = field(default_factory=dict)
    """Logged transactions that are not visible yet, with the keys they hold."""
    copy: dict = field(default_factory=dict)
    touched: Touched = field(default_factory=Touched)
    count: int = 0

    def commit(self, writes):
        """Log a transaction; what it waits for becomes visible first."""
        for xid, (_, held) in list(self.pending.items()):
            if any(key in held for key, _ in writes):
                self.show(xid)
        self.count += 1
        xid, rows = str(self.count), dict(self.visible)
        for number, (key, action) in enumerate(writes):
            value = f"{xid}.{number}"
            if action == "put":
                rows[key] = (value, value)
                self.stream(xid, key, rows[key], whole=True)
            elif action == "delete" and key in rows:
                del rows[key]
                self.stream(xid, key, None, whole=True)
            elif action == "part" and key in rows:
                rows[key] = (rows[key][0], value)
                self.stream(xid, key, (None, value), whole=False)
        held = {key: rows.get(key) for key, _ in writes}
        self.pending[xid] = (self.count, held)
        if not self.by_visibility:
            self.show(xid)

    def show(self, xid):
        _, held = self.pending.pop(xid)
        self.seen.add(xid)
        for key, row in held.items():
            self.visible.pop(key, None)
            if row is not None:
                self.visible[key] = row

    def stream(self, xid, key, row, *, whole):
        self.touched.touch(xid, "t", (key,), whole=whole)
        if row is None:
            self.copy.pop(key, None)
        elif whole:
            self.copy[key] = row
        elif key in self.copy:  # a part of a row that is not there comes whole by the snapshot
            self.copy[key] = (self.copy[key][0], row[1])

    def read(self, after, limit):
        rows = [(key, self.visible[key]) for key in sorted(self.visible) if key > after][:limit]
        seen = frozenset(self.seen)
        return rows, (lambda xid: xid in seen) if self.by_visibility else None

    def high(self, rows, visible):
        """The high marker is streamed; keys that have to be read again."""
        verdict = self.touched.judge("t", [(key,) for key, _ in rows], visible)
        for index in verdict.send:
            key, row = rows[index]
            self.copy[key] = row
        self.touched.forget(visible)
        return [rows[index][0] for index in verdict.again]


def settle(world, again):
    """Nobody writes any more; rows that were cut in half are read again, by their keys."""
    for xid in list(world.pending):
        world.show(xid)
    if not again:
        return
    world.touched.low()
    _, visible = world.read(-1, 0)
    rows = [(key, world.visible[key]) for key in again if key in world.visible]
    assert world.high(rows, visible) == []


@settings(max_examples=500)
@given(data=st.data(), by_visibility=st.booleans(), limit=st.integers(1, 5))
def test_the_copy_equals_the_source(data, by_visibility, limit):
    world = World(by_visibility)
    # What was there before the snapshot began was never streamed.
    for key in data.draw(st.sets(st.sampled_from(KEYS), min_size=2)):
        world.visible[key] = (f"old {key}", f"old {key}")

    def writers():
        for writes in data.draw(st.lists(WRITES, min_size=1, max_size=3)):
            world.commit(writes)
        for xid in data.draw(st.sets(st.sampled_from(sorted(world.pending) or [""]))):
            if xid in world.pending:
                world.show(xid)

    after, again, last = -1, [], False
    while not last:
        writers()
        world.touched.low()
        writers()
        rows, visible = world.read(after, limit)
        writers()
        again += world.high(rows, visible)
        last = len(rows) < limit
        after = rows[-1][0] if rows else after
    writers()
    settle(world, again)
    assert world.copy == world.visible
