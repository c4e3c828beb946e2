"""An applier gives the same copy whatever database it writes to."""

import pytest

from cdc.applier import state
from cdc.applier.ports import Stopped
from cdc.config.model import TableSync, UnknownColumns

REVIEW = "CREATE TABLE review (id bigint PRIMARY KEY, title varchar(50) NOT NULL, stars int)"
ORDERS = (
    "CREATE TABLE customer (id int PRIMARY KEY, email varchar(50) UNIQUE);"
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customer (id))"
)


def test_rows_and_positions_arrive_together(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "Warm", "stars": 4})
    s.script.put("review", {"id": 2, "title": "Cold", "stars": None}, partition=1)
    s.script.put("review", {"id": 1, "title": "Hot", "stars": 5}, op="u")
    s.script.drop("review", {"id": 2}, partition=1)
    assert s.step().records == 4
    assert s.sql("SELECT * FROM review") == [(1, "Hot", 5)]
    assert s.sql("SELECT next_offset, position, idx FROM strangler_applied ORDER BY position") == [
        (2, f"{3:016x}", 0),
        (2, f"{4:016x}", 0),
    ]


def test_what_is_delivered_twice_is_applied_once(shop):
    s = shop(REVIEW, "review")
    row = {"id": 1, "title": "Warm", "stars": 4}
    s.script.put("review", row)
    s.script.put("review", {**row, "stars": 5}, op="u")
    s.step()
    s.script.put("review", row, position=1)
    assert s.step().dropped == 1
    assert s.sql("SELECT stars FROM review") == [(5,)]


def test_a_replaced_relay_is_dropped_in_each_partition_by_itself(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "new relay", "stars": 1}, epoch=2)
    s.script.put("review", {"id": 2, "title": "old relay, in time", "stars": 1}, partition=1)
    s.script.put("review", {"id": 1, "title": "old relay, late", "stars": 1})
    assert s.step().dropped == 1
    assert s.sql("SELECT title FROM review ORDER BY id") == [
        ("new relay",),
        ("old relay, in time",),
    ]


def test_columns_that_are_absent_are_left_alone(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "long text", "stars": 4})
    s.step()
    s.script.put("review", {"id": 1, "stars": 5}, op="u", unavailable=["title"])
    s.step()
    assert s.sql("SELECT * FROM review") == [(1, "long text", 5)]


def test_part_of_a_row_that_is_not_there_is_parked_until_the_whole_comes(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "stars": 5}, op="u", unavailable=["title"])
    s.step()
    assert s.sql("SELECT * FROM review") == []
    assert s.parked() == {"waiting": 0, "parked": 1}
    assert "not in the target" in s.sql("SELECT reason FROM strangler_parked")[0][0]
    s.script.put("review", {"id": 1, "title": "t", "stars": 6}, op="r")
    s.step()
    assert s.sql("SELECT * FROM review") == [(1, "t", 6)]
    assert s.parked() == {"waiting": 0, "parked": 0}


def test_two_rows_swap_a_unique_value(shop):
    s = shop(ORDERS, "customer")
    s.script.put("customer", {"id": 1, "email": "a"})
    s.script.put("customer", {"id": 2, "email": "b"}, partition=1)
    s.step()
    s.script.put("customer", {"id": 1, "email": None}, op="u")
    s.script.put("customer", {"id": 2, "email": "a"}, op="u", partition=1)
    s.script.put("customer", {"id": 1, "email": "b"}, op="u")
    s.step(2)
    assert s.sql("SELECT * FROM customer ORDER BY id") == [(1, "b"), (2, "a")]
    assert s.parked() == {"waiting": 0, "parked": 0}


def test_a_late_state_does_not_stand_in_the_way_of_its_own_future(shop):
    """Partition 1 is ahead: row 2 has the address that row 1 still has in its old changes."""
    s = shop(ORDERS, "customer")
    s.script.put("customer", {"id": 2, "email": "a"}, partition=1, position=9)
    s.step()
    s.script.put("customer", {"id": 1, "email": "a"}, position=1)
    s.step()
    assert s.parked() == {"waiting": 1, "parked": 0}
    s.script.position = 10
    s.script.put("customer", {"id": 1, "email": "c"}, op="u", position=2)
    s.step()
    assert s.sql("SELECT * FROM customer ORDER BY id") == [(1, "c"), (2, "a")]
    assert s.parked() == {"waiting": 0, "parked": 0}


def test_a_column_that_the_target_lacks_stops_and_nothing_is_lost(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "a", "stars": 1, "colour": "red"})
    with pytest.raises(Stopped, match="lacks colour"):
        s.step()
    s.sql("ALTER TABLE review ADD colour text")
    s.step()
    assert s.sql("SELECT colour FROM review") == [("red",)]


def test_a_column_that_the_target_lacks_is_ignored_on_demand(shop):
    s = shop(REVIEW, "review", unknown_columns=UnknownColumns.IGNORE)
    s.script.put("review", {"id": 1, "title": "a", "stars": 1, "colour": "red"})
    s.step()
    assert s.sql("SELECT id FROM review") == [(1,)]
    assert s.applier.counters.ignored == 1


def test_a_truncate_waits_for_all_partitions_and_for_nothing_else(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "before", "stars": 1})
    s.script.truncate("review", [0])
    s.script.put("review", {"id": 2, "title": "after", "stars": 1})
    s.step(2)
    assert s.sql("SELECT title FROM review") == [("before",)]
    s.script.position = 1
    s.script.put("review", {"id": 3, "title": "before", "stars": 1}, partition=1)
    s.step()
    s.script.position = 1
    s.script.truncate("review", [1])
    s.script.position = 9
    seq = s.marker()
    s.step(2)
    assert s.sql("SELECT title FROM review") == [("after",)]
    assert s.arrived(seq)


def test_a_table_is_filled_once_its_snapshot_is_complete_in_every_partition(shop):
    s = shop(ORDERS, "customer", "orders")
    s.script.put("customer", {"id": 1, "email": "a"}, op="r")
    s.script.marker(["customer"], [0], kind="complete", body={"table": "customer"})
    s.script.marker(["orders"], [0, 1], kind="complete", body={"table": "customer"})
    s.step()
    assert s.filled() == set()
    s.script.seq = 0
    s.script.marker(["customer"], [1], kind="complete", body={"table": "customer"})
    s.step()
    assert s.filled() == {"customer"}


def test_a_new_owner_of_the_stream_stops_the_applier(shop):
    s = shop(REVIEW, "review")
    s.step()
    s.sql("UPDATE strangler_stream SET epoch = epoch + 1")
    s.script.put("review", {"id": 1, "title": "late", "stars": 1})
    with pytest.raises(Stopped, match="another owner"):
        s.step()
    with pytest.raises(Stopped, match="another owner"):
        s.step()
    assert s.sql("SELECT * FROM review") == []


def test_a_log_that_does_not_reach_back_far_enough_asks_for_a_snapshot(shop):
    s = shop(REVIEW, "review")
    s.script.put("review", {"id": 1, "title": "a", "stars": 1})
    s.step()
    for n in range(3):
        s.script.put("review", {"id": n, "title": "b", "stars": 1})
    s.reader.expire(("shop.review", 0), before=3)
    late = s.another(s.reader)
    s.applier.close()
    s.now += 60
    with pytest.raises(Stopped, match="--resnapshot"):
        late.step()
    with s.engine.begin() as connection:
        state.restart(connection, "shop")
    late.step()
    assert s.sql("SELECT id, title FROM review ORDER BY id") == [(1, "a"), (2, "b")]


def test_a_row_made_anew_does_not_keep_what_the_stream_does_not_carry(shop):
    s = shop("CREATE TABLE t (id int PRIMARY KEY, a int, own int DEFAULT 0)", "t")
    s.script.put("t", {"id": 1, "a": 1})
    s.step()
    s.sql("UPDATE t SET own = 5")
    s.script.put("t", {"id": 1, "a": 2}, op="u")
    s.step()
    assert s.sql("SELECT * FROM t") == [(1, 2, 5)]
    s.script.drop("t", {"id": 1})
    s.script.put("t", {"id": 1, "a": 3})
    s.step()
    assert s.sql("SELECT * FROM t") == [(1, 3, 0)]


def test_two_appliers_share_the_partitions_and_one_that_dies_is_replaced(shop):
    s = shop(REVIEW, "review", partitions=4)
    s.step()
    other = s.another(lease=15.0)
    other.step()

    def owners():
        return dict(s.sql("SELECT lease_owner, count(*) FROM strangler_applied GROUP BY 1"))

    assert sorted(owners().values()) == [2, 2]
    for n in range(8):
        s.script.put("review", {"id": n, "title": "t", "stars": n}, partition=n % 4)
    s.now += 60  # it looks again before it writes, and sees what it has lost
    s.applier.step()
    other.step()
    assert s.sql("SELECT count(*) FROM review") == [(8,)]
    s.sql("UPDATE strangler_applied SET lease_until = 0")
    s.now += 60
    s.applier.step()
    assert list(owners().values()) == [4]


def test_an_applier_that_was_robbed_unawares_writes_nothing(shop):
    s = shop(REVIEW, "review", partitions=1)
    s.step()
    s.sql("UPDATE strangler_applied SET lease_owner = 'thief'")
    s.script.put("review", {"id": 1, "title": "t", "stars": 1})
    with pytest.raises(Exception, match="held by another applier"):
        s.applier.step()
    assert s.sql("SELECT * FROM review") == []


ODD = {
    "postgresql": 'CREATE TABLE "or%der ""x" ("a b" int, "se`lect" varchar(20), "%s" bytea, '
    'PRIMARY KEY ("a b", "se`lect"))',
    "mysql": 'CREATE TABLE `or%der "x` (`a b` int, `se``lect` varchar(20), `%s` blob, '
    "PRIMARY KEY (`a b`, `se``lect`))",
    "sqlite": 'CREATE TABLE "or%der ""x" ("a b" int, "se`lect" varchar(20), "%s" blob, '
    'PRIMARY KEY ("a b", "se`lect"))',
}


def test_odd_names_and_keys_of_several_columns(shop):
    names = {"k": "se`lect", "value": "%s"}
    s = shop("SELECT 1", TableSync(table="t", to='or%der "x', columns=names))
    with s.engine.begin() as connection:
        connection.connection.driver_connection.cursor().execute(ODD[s.engine.name])
    key = ("a b", "k")
    s.script.put("t", {"a b": 1, "k": "x", "value": "3q0="}, key=key)
    s.script.put("t", {"a b": 1, "k": "y", "value": "3q0="}, key=key)
    s.script.put("t", {"a b": 2, "k": "x", "value": None}, key=key)
    s.step()
    s.script.put("t", {"a b": 1, "k": "x"}, key=key, op="u", unavailable=["value"])
    s.script.drop("t", {"a b": 1, "k": "y"})
    s.script.put("t", {"a b": 2, "k": "x", "value": "3g=="}, key=key, op="u")
    s.step()
    with s.engine.begin() as connection:
        cursor = connection.connection.driver_connection.cursor()
        table = '"or%der ""x"' if s.engine.name != "mysql" else '`or%der "x`'
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        assert list(cursor.fetchall()) == [(1, "x", b"\xde\xad"), (2, "x", b"\xde")]
    assert s.parked() == {"waiting": 0, "parked": 0}


def test_a_table_without_an_index_on_the_key_is_refused(shop):
    s = shop("CREATE TABLE t (id int, a int)", "t")
    s.script.put("t", {"id": 1, "a": 1})
    with pytest.raises(Stopped, match=r"no unique index on \(id\)"):
        s.step()


def test_a_table_that_is_missing_is_named(shop):
    s = shop("SELECT 1", "review")
    with pytest.raises(Stopped, match="the target has no table review"):
        s.step()


def test_children_ahead_of_their_parents_are_not_read_into_the_target_without_end(shop):
    s = shop(ORDERS, "orders", "customer", partitions=1)
    if s.engine.name == "sqlite":
        pytest.skip("SQLite's applier does not check foreign keys")
    for number in range(3_000):
        s.script.put("orders", {"id": number, "customer_id": number})
    s.step()
    assert s.parked()["waiting"] == 2_000
    for number in range(3_000):
        s.script.put("customer", {"id": number, "email": f"c{number}"})
    seq = s.marker()
    s.step(8)
    assert s.arrived(seq)
    assert s.sql("SELECT count(*) FROM orders") == [(3_000,)]
