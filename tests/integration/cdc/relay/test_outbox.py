"""Events of an outbox come by the log: neither numbers nor deletions hide one."""

import json
import uuid

import psycopg
import pytest
from support.pipes import until

TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int)"
OUTBOX = (
    "CREATE TABLE outbox (id bigint PRIMARY KEY, aggregatetype text, aggregateid text, type text,"
    " payload jsonb)"
)


@pytest.fixture
def shop(pipe):
    made = pipe("review", ddl=[TABLE, OUTBOX], outbox="outbox")
    made.kind = f"k{uuid.uuid4().hex[:8]}"
    return made


def put(shop, number, of="1"):
    return (
        "INSERT INTO outbox VALUES (%s, %s, %s, 'Happened', %s)",
        (number, shop.kind, of, json.dumps({"number": number})),
    )


def events(shop):
    """Numbers of the events, by partition and in order, as they stand in the topic."""
    partitions = [(f"outbox.event.{shop.kind}", number) for number in range(3)]
    return [json.loads(event.value)["number"] for event in shop.read(partitions)]


def test_a_lower_number_that_commits_later_is_not_skipped(shop, sql):
    with (
        shop.relaying(),
        psycopg.connect(shop.stream.source) as early,
        psycopg.connect(shop.stream.source) as late,
    ):
        early.execute(*put(shop, 1))
        late.execute(*put(shop, 2))
        late.commit()
        shop.arrived(shop.barrier())
        assert events(shop) == [2]
        early.execute(*put(shop, 3))
        early.commit()
        shop.arrived(shop.barrier())
    assert events(shop) == [2, 1, 3], "the events of one aggregate, in the order of the commits"


def test_an_event_lives_and_dies_with_its_transaction(shop, sql):
    with shop.relaying(), psycopg.connect(shop.stream.source) as session:
        session.execute(*put(shop, 1))
        session.rollback()
        session.execute(*put(shop, 2))
        session.execute("DELETE FROM outbox WHERE id = 2")  # at once, as many keep it empty
        session.execute("SAVEPOINT here")
        session.execute(*put(shop, 3))
        session.execute("ROLLBACK TO SAVEPOINT here")
        session.execute(*put(shop, 4))
        session.commit()
        session.execute("UPDATE outbox SET payload = '{}'")
        session.execute("DELETE FROM outbox")
        session.commit()
        shop.arrived(shop.barrier())
    assert events(shop) == [2, 4]


def test_what_was_in_the_outbox_before_is_not_sent_and_what_came_while_away_is(shop, sql):
    with psycopg.connect(shop.stream.source, autocommit=True) as session:
        session.execute(*put(shop, 1))
    with shop.relaying():
        shop.snapshotted()
    with psycopg.connect(shop.stream.source, autocommit=True) as session:
        session.execute(*put(shop, 2))
        session.execute("DELETE FROM outbox")
    with shop.relaying():
        until(lambda: events(shop)[-1:] == [2], "the event")
        shop.arrived(shop.barrier())
    assert events(shop) == [2]
