"""The relay on a real PostgreSQL and a real broker: what is in Kafka is what the source has."""

import json
import threading
import uuid
from dataclasses import replace

import psycopg
import pytest
from support.arriving import incarnation
from support.pipes import assert_equal, assert_whole, replayed, until

from cdc.bootstrap import Home, relay
from cdc.config.model import Delivery, Limits, Mask, TableSync
from cdc.envelope import decode, decode_id, decode_key
from cdc.relay.counters import Counters
from cdc.relay.relay import RelayError, Wanted

TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int, body text)"
MANY = "INSERT INTO review SELECT i, i % 5, 'text ' || i FROM generate_series(1, 300) i"


@pytest.mark.parametrize("delivery", [Delivery.FENCED, Delivery.AT_LEAST_ONCE])
def test_what_was_there_and_what_is_written_arrives(pipe, sql, delivery):
    shop = pipe("review", ddl=[TABLE, MANY], delivery=delivery, limits=Limits(chunk=50))
    with shop.relaying():
        sql(
            "INSERT INTO review VALUES (1001, 1, 'new')",
            "UPDATE review SET stars = 5 WHERE id < 10",
            "UPDATE review SET id = id + 5000 WHERE id BETWEEN 10 AND 20",
            "DELETE FROM review WHERE id BETWEEN 30 AND 40",
        )
        shop.snapshotted()
        records = assert_equal(shop)
    operations = {decode(record.value)["op"] for record in records}
    assert operations == {"r", "c", "u", "d", "m"}


def test_a_relay_that_starts_again_goes_on_where_it_was(pipe, sql):
    shop = pipe("review", ddl=TABLE)
    with shop.relaying():
        sql("INSERT INTO review VALUES (1, 1, 'a')")
        assert_equal(shop)
    sql("INSERT INTO review VALUES (2, 2, 'b')", "DELETE FROM review WHERE id = 1")
    with shop.relaying():
        records = assert_equal(shop)
    epochs = [int(dict(record.headers)["epoch"]) for record in records]
    assert len(set(epochs)) == 2


def test_a_truncate_reaches_every_partition(pipe, sql):
    shop = pipe("review", ddl=[TABLE, MANY])
    with shop.relaying():
        shop.snapshotted()
        sql("TRUNCATE review", "INSERT INTO review VALUES (7, 1, 'after')")
        records = assert_equal(shop)
    cut = [r.partition for r in records if decode(r.value)["op"] == "t"]
    assert sorted(cut) == [0, 1, 2]


def test_a_big_transaction_is_streamed_and_arrives_whole(pipe, sql):
    shop = pipe("review", ddl=TABLE)
    with shop.relaying():
        sql("INSERT INTO review SELECT i, i, repeat('x', 50) FROM generate_series(1, 20000) i")
        records = assert_equal(shop)
    assert sum(decode(r.value)["op"] == "c" for r in records) == 20000


def test_columns_that_may_not_leave_do_not(pipe, sql):
    table = TableSync(
        "member", "member", exclude=("password",),
        mask={"email": Mask(replace="x"), "phone": Mask(salt="a salt of 16 byte")},
    )  # fmt: skip
    shop = pipe(
        table,
        ddl=["CREATE TABLE member (id int PRIMARY KEY, password text, email text, phone text)",
             "INSERT INTO member VALUES (1, 'secret', 'ann@example.org', '123')"],
    )  # fmt: skip
    with shop.relaying():
        sql(
            "INSERT INTO member VALUES (2, 'secret', 'bob@example.org', NULL)",
            "UPDATE member SET email = 'other@example.org'",
            "DELETE FROM member WHERE id = 1",
        )
        records = shop.arrived(shop.barrier())
    every = b"".join(record.value + record.key for record in records)
    for hidden in (b"secret", b"example.org", b'"123"'):
        assert hidden not in every
    afters = [v["after"] for r in records if (v := decode(r.value))["op"] != "m" and v["after"]]
    assert {after["email"] for after in afters} == {"x"}
    assert {after["phone"] for after in afters if after["id"] == 2} == {None}
    hashes = {after["phone"] for after in afters if after["id"] == 1}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 64


def test_rows_of_the_outbox_become_events(pipe, sql):
    shop = pipe(
        "review",
        ddl=[TABLE, "CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text,"
                    " aggregateid text, type text, payload jsonb, headers jsonb)"],
        outbox="outbox",
    )  # fmt: skip
    kind = shop.stream.topics.prefix
    with shop.relaying():
        sql(
            f"INSERT INTO outbox VALUES (gen_random_uuid(), '{kind}', '7', 'Paid',"
            """ '{"total": "9.90"}', '{"trace": "abc"}')""",
            "DELETE FROM outbox",
        )
        shop.arrived(shop.barrier())
    events = shop.read([(f"outbox.event.{kind}", number) for number in range(3)])
    [event] = events
    headers = dict(event.headers)
    assert event.key == b"7"
    assert json.loads(event.value) == {"total": "9.90"}
    assert headers["type"] == b"Paid"
    assert headers["trace"] == b"abc"
    assert len(headers["event"]) == 36


def test_an_oversized_row_is_a_dead_letter_and_blocks_nothing_but_its_key(pipe, sql):
    shop = pipe("review", ddl=TABLE, limits=Limits(record=3000))
    topic = f"{shop.stream.topics.prefix}.review"
    with shop.relaying() as counters:
        sql(
            "INSERT INTO review VALUES (1, 1, repeat('x', 5000)), (2, 2, 'small')",
            "UPDATE review SET stars = 3",
        )
        until(lambda: counters.dead_letters >= 2, "the dead letters")
        until(lambda: counters.markers_held > 0, "a marker that is held back")
        held = shop.barrier()
        rows = replayed(shop.read())[topic]
        assert [key for key in rows if key == (1,)] == []
        until(lambda: replayed(shop.read())[topic].get((2,)), "the other row")
        letters = shop.read(shop.dead_letters())
        assert {decode_key(letter.key)["id"] for letter in letters} == {1}
        assert b"limits.record" in dict(letters[0].headers)["reason"]
        sql("UPDATE review SET body = 'short' WHERE id = 1")
        shop.arrived(held)  # a later marker stands for it: nothing is missing any more
        assert_equal(shop)


def test_a_snapshot_can_be_asked_for_again_while_writers_write(pipe, sql):
    shop = pipe("review", ddl=[TABLE, MANY], limits=Limits(chunk=40))
    with shop.relaying(Wanted(snapshot=False)):
        first = shop.arrived(shop.barrier())
        assert [r for r in first if decode(r.value)["op"] == "r"] == []
        done = shop.command("snapshot", shop.stream.name, "--where", "id <= 100")
        assert done.returncode == 0, done.stderr
        for number in range(60):
            sql(f"UPDATE review SET stars = {number} WHERE id % 60 = {number}")
        shop.snapshotted()
        records = shop.arrived(shop.barrier())
    rows = replayed(records)[f"{shop.stream.topics.prefix}.review"]
    source = shop.rows("review")
    assert {key: row for key, (row, _) in rows.items()} == source
    reads = {decode_key(r.key)["id"] for r in records if decode(r.value)["op"] == "r"}
    assert reads <= set(range(1, 101))


def test_a_table_without_a_key_is_refused_with_a_sentence(pipe, sql):
    shop = pipe("review", ddl="CREATE TABLE review (a int)")
    with pytest.raises(RelayError, match=r"no key|not publish"), shop.relaying():
        sql("SELECT 1")


def test_a_partition_count_that_is_not_the_pinned_one_is_refused(pipe, sql):
    shop = pipe("review", ddl=TABLE)
    with shop.relaying():
        assert_equal(shop)
    shop.with_(topics=replace(shop.stream.topics, partitions=5))
    with pytest.raises(RelayError, match="write `partitions: 3`"), shop.relaying():
        sql("SELECT 1")


def test_another_source_is_refused_and_taken_on_demand(pipe, sql, cluster):
    shop = pipe("review", ddl=[TABLE, MANY])
    with shop.relaying():
        shop.snapshotted()
        assert_equal(shop)
    first = incarnation(shop)
    slot = f"strangler_{shop.stream.name}"
    active = f"SELECT 1 FROM pg_replication_slots WHERE slot_name = '{slot}' AND active"
    until(lambda: sql(active).fetchone() is None, "the server to notice that the relay is gone")
    sql(f"SELECT pg_drop_replication_slot('{slot}')", "DELETE FROM review WHERE id < 5")
    with pytest.raises(RelayError, match="--resnapshot"), shop.relaying():
        sql("SELECT 1")
    with shop.relaying(Wanted(resnapshot=True)):
        seq = shop.barrier()
        records = shop.arrived(seq)
        shop.snapshotted(first)
        records = shop.read()
    assert_whole(records)
    incarnations = {decode_id(dict(r.headers)["id"]).incarnation for r in records}
    assert len(incarnations) == 2
    newest = max(incarnations)
    fresh = [r for r in records if decode_id(dict(r.headers)["id"]).incarnation == newest]
    rows = replayed(fresh)[f"{shop.stream.topics.prefix}.review"]
    assert {key: row for key, (row, _) in rows.items()} == shop.rows("review")


def test_a_store_of_checkpoints_that_was_lost_loses_nothing_else(pipe, sql, cluster):
    """The target remembers epochs and positions; what a new store begins with is greater."""
    target = cluster.create(f"t{uuid.uuid4().hex}")
    with psycopg.connect(target, autocommit=True) as copy:
        copy.execute(TABLE)
        shop = pipe("review", ddl=[TABLE, MANY], target=target)
        with shop.applying():
            for number in range(3):  # epochs grow with each start
                with shop.relaying():
                    sql(f"INSERT INTO review VALUES ({5000 + number}, 1, 'x')")
                    query = f"SELECT 1 FROM review WHERE id = {5000 + number}"
                    until(lambda asked=query: copy.execute(asked).fetchone(), "the row")
            for path in shop.folder.glob("cdc.sqlite3*"):
                path.unlink()
            with shop.relaying():
                sql("INSERT INTO review VALUES (6000, 1, 'after')")
                query = "SELECT 1 FROM review WHERE id = 6000"
                until(lambda: copy.execute(query).fetchone(), "the row after the loss")


def test_topics_of_another_name_are_not_begun_in_the_middle(pipe, sql):
    shop = pipe("review", ddl=TABLE)
    with shop.relaying():
        assert_equal(shop)
    other = replace(shop.stream.topics, prefix=f"{shop.stream.topics.prefix}x", partitions=2)
    shop.with_(topics=other)
    with pytest.raises(RelayError, match="--resnapshot"), shop.relaying():
        sql("SELECT 1")
    sql("INSERT INTO review VALUES (1, 1, 'a')")
    with shop.relaying(Wanted(resnapshot=True)):
        assert_equal(shop)


@pytest.mark.parametrize("store", ["shared", "of its own"])
def test_a_relay_that_cannot_reach_its_source_ends_nobody(pipe, sql, tmp_path, store):
    """Neither by Kafka's fencing nor by the epoch: the one that works goes on."""
    shop = pipe("review", ddl=TABLE)
    home = shop.home if store == "shared" else Home(f"sqlite:///{tmp_path}/other", tmp_path)
    astray = replace(shop.stream, source="postgresql://nobody@127.0.0.1:1/shop")
    with shop.relaying():
        sql("INSERT INTO review VALUES (1, 1, 'a')")
        relay(astray, home, Wanted(), Counters()).run(Twice())
        sql("INSERT INTO review VALUES (2, 2, 'b')")
        assert_equal(shop)


class Twice(threading.Event):
    """A stop that is set after two waits."""

    def wait(self, timeout=None):
        self.waits = getattr(self, "waits", 0) + 1
        if self.waits == 2:
            self.set()
        return super().wait(min(timeout or 0, 0.2))
