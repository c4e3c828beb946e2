"""What the applier does on PostgreSQL in particular."""

import threading

import pytest

from cdc.applier import state
from cdc.applier.ports import Stopped

REVIEW = "CREATE TABLE review (id bigint PRIMARY KEY, title varchar(50) NOT NULL, stars int)"
ORDERS = (
    "CREATE TABLE customer (id int PRIMARY KEY, email varchar(50) UNIQUE);"
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customer (id))"
)


def test_an_order_waits_for_its_customer_and_holds_the_barrier(shop):
    s = shop(ORDERS, "orders", "customer")
    s.script.put("orders", {"id": 1, "customer_id": 7})
    s.script.put("orders", {"id": 1, "customer_id": 8}, op="u")
    s.script.put("orders", {"id": 2, "customer_id": None})
    s.step()
    assert s.sql("SELECT id FROM orders") == [(2,)]
    assert s.parked() == {"waiting": 1, "parked": 0}
    seq = s.script.marker(["orders"], s.partitions)
    s.step(3)
    assert s.parked() == {"waiting": 1, "parked": 0}, "the customers have not seen the marker"
    assert not s.arrived(seq)
    s.script.put("customer", {"id": 7, "email": "a"})
    s.script.put("customer", {"id": 8, "email": "b"}, partition=1)
    s.script.seq -= 1
    assert s.script.marker(["customer"], s.partitions) == seq
    s.step()
    assert s.sql("SELECT * FROM orders ORDER BY id") == [(1, 8), (2, None)]
    assert s.arrived(seq)
    assert s.parked() == {"waiting": 0, "parked": 0}


def test_what_nothing_mends_is_parked_once_a_marker_is_out_everywhere(shop):
    s = shop(ORDERS, "orders", "customer")
    s.script.put("orders", {"id": 1, "customer_id": 7})
    s.step()
    seq = s.marker()
    s.step(2)
    assert s.parked() == {"waiting": 0, "parked": 1}
    assert s.arrived(seq)
    [(reason,)] = s.sql("SELECT reason FROM strangler_parked")
    assert "orders_customer_id_fkey" in reason
    s.sql("INSERT INTO customer VALUES (7, 'by hand')")
    with s.engine.begin() as connection:
        assert state.retry(connection, "shop") == 1
    s.now += 60
    s.step(2)
    assert s.sql("SELECT * FROM orders") == [(1, 7)]


def test_django_s_deferred_foreign_keys(shop):
    s = shop(
        "CREATE TABLE parent (id int PRIMARY KEY);CREATE TABLE child (id int PRIMARY KEY,"
        " parent_id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "child",
        "parent",
    )
    s.script.put("child", {"id": 1, "parent_id": 1})
    s.script.put("child", {"id": 2, "parent_id": None})
    s.step()
    assert s.sql("SELECT id FROM child") == [(2,)]
    s.script.put("parent", {"id": 1})
    s.step()
    assert s.sql("SELECT id FROM child ORDER BY id") == [(1,), (2,)]


def test_poison_is_parked_names_its_column_and_blocks_only_its_key(shop):
    s = shop("CREATE TABLE review (id int PRIMARY KEY, born date, title varchar(3))", "review")
    s.script.put("review", {"id": 1, "born": "0000-00-00", "title": "a"})
    s.script.put("review", {"id": 2, "born": "2026-11-24", "title": "b"})
    s.script.put("review", {"id": 3, "born": "infinity", "title": "far too long"})
    s.step()
    assert s.sql("SELECT id FROM review") == [(2,)]
    reasons = s.sql("SELECT reason FROM strangler_parked ORDER BY id")
    assert reasons[0] == ("review.born (date) cannot hold a zero date",)
    assert "far too" not in reasons[1][0]
    s.script.put("review", {"id": 1, "title": "c"}, op="u", unavailable=["born"])
    s.script.put("review", {"id": 2, "born": None, "title": "d"}, op="u")
    s.step()
    assert s.sql("SELECT * FROM review") == [(2, None, "d")]
    assert s.sql("SELECT count(*) FROM strangler_parked") == [(3,)]
    s.script.drop("review", {"id": 1})
    s.step()
    assert s.parked() == {"waiting": 0, "parked": 1}


def test_generated_and_identity_columns(shop):
    s = shop(
        "CREATE TABLE line (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price int, "
        "twice int GENERATED ALWAYS AS (price * 2) STORED, n int GENERATED ALWAYS AS IDENTITY)",
        "line",
    )
    s.script.put("line", {"id": 41, "price": 3, "twice": 6, "n": 9})
    s.script.put("line", {"id": 42, "price": 3, "twice": 6, "n": 10})
    s.script.put("line", {"id": 41, "price": 4, "twice": 8, "n": 9}, op="u")
    s.step()
    assert s.sql("SELECT * FROM line ORDER BY id") == [(41, 4, 8, 9), (42, 3, 6, 10)]


WHO = """CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.title = current_setting('strangler.applier', true)
                || ' ' || pg_replication_origin_session_is_setup();
    RETURN NEW; END $$"""


def test_the_transaction_can_be_told_from_others(shop):
    s = shop(REVIEW, "review")
    s.sql(WHO)
    s.sql("CREATE TRIGGER who BEFORE INSERT ON review FOR EACH ROW EXECUTE FUNCTION who()")
    ((before,),) = s.sql("SELECT pg_current_wal_lsn()")
    s.script.put("review", {"id": 1, "title": "t", "stars": 1})
    s.step()
    assert s.sql("SELECT title FROM review") == [("shop true",)]
    came = "SELECT local_lsn > '{}' FROM pg_replication_origin_status WHERE external_id = '{}'"
    assert s.sql(came.format(before, "strangler:shop")) == [(True,)]


def test_the_reverse_direction_lets_triggers_and_foreign_keys_rest(shop):
    s = shop(ORDERS, "orders", reverse=True)
    s.script.put("orders", {"id": 1, "customer_id": 7})
    s.step()
    assert s.sql("SELECT * FROM orders") == [(1, 7)]


def test_a_guard_that_refuses_stops_the_applier(shop):
    s = shop(REVIEW, "review")
    s.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not the owner'; END $$"
    )
    s.sql("CREATE TRIGGER no BEFORE INSERT ON review FOR EACH ROW EXECUTE FUNCTION no()")
    s.script.put("review", {"id": 1, "title": "t", "stars": 1})
    with pytest.raises(Stopped, match="not the owner"):
        s.applier.run(threading.Event(), poll=0.0)
    assert s.sql("SELECT state FROM strangler_stream") == [("stopped",)]
