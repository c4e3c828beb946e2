"""The applier behind a broker: Kafka's protocol, a real database, the loop in a thread."""

import threading
from dataclasses import replace
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from support.appliers import Bench
from support.kafka import QUIET, make_topic, until
from support.shared import shared_tansu

from cdc.applier.applier import Applier
from cdc.applier.state import wait_arrived
from cdc.applier.targets import open_target
from cdc.config.model import Kafka, Topics
from cdc.kafka.reader import Reader

REVIEW = "CREATE TABLE review (id bigint PRIMARY KEY, title varchar(50) NOT NULL, stars int)"
ROWS = 500
WITHIN = 30.0


@pytest.fixture(scope="session")
def broker():
    with shared_tansu() as address:
        yield address


class ToKafka:
    """Takes what a scripted reader takes, and produces it."""

    def __init__(self, broker):
        self.producer = Producer({"bootstrap.servers": broker, "logger": QUIET})

    def deliver(self, topic, partition, key, value, headers=()):
        self.producer.produce(topic, value, key, partition, headers=list(headers))


@pytest.fixture
def s(pg, broker):
    bench = Bench(pg, REVIEW, "review")
    prefix = f"t{uuid4().hex[:8]}"
    bench.stream = replace(bench.stream, topics=Topics(prefix, 2))
    bench.script.prefix = prefix
    make_topic(broker, f"{prefix}.review", 2)
    bench.broker = broker
    bench.script.reader = ToKafka(broker)
    yield bench
    bench.close()


class Running:
    """An applier in a thread."""

    def __init__(self, bench):
        self.stop = threading.Event()
        self.target = open_target(bench.url, "shop")
        reader = Reader(Kafka((bench.broker,)), committed_only=False)
        self.applier = Applier(bench.stream, self.target, reader, lease=2.0)
        self.thread = threading.Thread(target=self.applier.run, args=(self.stop,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(WITHIN)
        assert not self.thread.is_alive()


def rows(bench, first):
    for number in range(first, first + ROWS):
        row = {"id": number, "title": f"row {number}", "stars": number % 5}
        bench.script.put("review", row, partition=number % 2)
    seq = bench.marker()
    assert bench.script.reader.producer.flush(WITHIN) == 0
    return seq


def leased(bench):
    """Whether the applier has taken its partitions; before it has made its tables, it has not."""
    if bench.sql("SELECT to_regclass('strangler_applied')") == [(None,)]:
        return False
    owners = bench.sql("SELECT lease_owner FROM strangler_applied")
    return bool(owners) and (None,) not in owners


def test_what_is_in_the_topics_arrives_and_a_cut_connection_is_mended(s):
    with Running(s) as running:
        assert wait_arrived(s.engine, "shop", rows(s, 0), WITHIN)
        assert running.applier.counters.failures == 0
        s.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'strangler:shop' AND pid <> pg_backend_pid()"
        )
        assert wait_arrived(s.engine, "shop", rows(s, ROWS), WITHIN)
        until(lambda: running.applier.counters.failures, "the cut was noticed")
    assert s.sql("SELECT count(*) FROM review") == [(2 * ROWS,)]
    assert s.sql("SELECT lease_owner FROM strangler_applied") == [(None,), (None,)]


def test_an_applier_that_starts_before_its_topics_waits_for_them(s):
    s.stream = replace(s.stream, topics=Topics(f"{s.script.prefix}-later", 2))
    s.script.prefix += "-later"
    with Running(s):
        until(lambda: leased(s), "an applier at work", WITHIN)
        make_topic(s.broker, f"{s.script.prefix}.review", 2)
        assert wait_arrived(s.engine, "shop", rows(s, 0), WITHIN)
