"""Processes that are killed at any moment, under any writer: the long matrix of `make soak`.

Hypothesis chooses what is written, how it is delivered and when whom the signal hits; a failure
prints its choices. One example runs with the other tests.
"""

import signal

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.arriving import assert_arrives
from support.matrix import sampled
from support.pipes import until
from support.writers import Mix, writing

from cdc.config.model import Delivery

MIXES = st.builds(
    Mix,
    seed=st.integers(0, 2**32),
    sessions=st.integers(1, 3),
    keys=st.integers(2, 40),
    big=st.booleans(),
    deletes=st.booleans(),
    truncates=st.booleans(),
    rows=st.sampled_from([1, 8, 300]),
)
KILLS = st.lists(
    st.tuples(st.sampled_from(["run", "apply"]), st.integers(1, 40)), min_size=2, max_size=6
)
"""Whom, and after how many commits of the writer since the last one."""


def sessions(url):
    """How many sessions of ours a database has."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'strangler%'"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def assert_survives(shop, mix, kills):
    name = shop.stream.name
    with writing(shop.stream.source, mix) as writer:
        for word, commits in kills:
            with shop.process("run", name) as relay, shop.process("apply", name) as applier:
                target = {"run": relay, "apply": applier}[word]
                url = shop.stream.source if word == "run" else shop.stream.target
                until(lambda u=url: sessions(u), f"{word} that has begun")
                seen = writer.commits
                until(lambda n=seen + commits: writer.commits >= n, "some transactions")
                target.send_signal(signal.SIGKILL)
                assert target.wait(30) == -signal.SIGKILL
    assert_arrives(shop)


@pytest.mark.parametrize("delivery", sampled(Delivery, Delivery.FENCED, Delivery.EXACTLY_ONCE))
def test_whoever_is_killed_at_some_moment_loses_nothing(pipe, kafka, delivery):
    mix = Mix(seed=80, sessions=3, truncates=True)
    kills = [("run", 5), ("apply", 20), ("run", 30)]
    assert_survives(pipe(kafka, delivery=delivery), mix, kills)


@pytest.mark.soak
@pytest.mark.parametrize("delivery", list(Delivery))
@settings(
    max_examples=8, deadline=None, database=None, print_blob=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(mix=MIXES, kills=KILLS)
def test_whoever_is_killed_at_any_moment_loses_nothing(pipe, kafka, delivery, mix, kills):
    assert_survives(pipe(kafka, delivery=delivery), mix, kills)


@pytest.mark.soak
@settings(
    max_examples=8, deadline=None, database=None, print_blob=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(mix=MIXES, kills=KILLS)
def test_on_the_embedded_broker_it_is_the_same(pipe, broker, mix, kills):
    assert_survives(pipe(broker, delivery=Delivery.FENCED), mix, kills)
