"""Relays of MariaDB and SQLite that are killed, at each step of their promise and at any moment."""

from __future__ import annotations

import itertools
import random
import signal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError
from support.arriving import assert_arrives
from support.items import engine_of, prepared, rows, writing
from support.mariadb import binlog_mariadb, fresh
from support.matrix import sampled
from support.pipes import Pipe, until

from cdc.applier import state
from cdc.config.model import Delivery, Limits

KINDS = ("mariadb", "sqlite")
POINTS = ("before_produce", "after_produce", "after_settle", "after_checkpoint", "after_confirm")


@pytest.fixture(scope="module")
def maria():
    with binlog_mariadb() as server:
        yield server


@pytest.fixture
def urls(request, kind, tmp_path):
    """Makes a filled source and an empty target of one kind."""

    def make():
        number = random.getrandbits(40)
        if kind == "sqlite":
            paths = [tmp_path / f"{name}{number}.sqlite3" for name in ("old", "new")]
            for path in paths:
                path.touch()
            made = [f"sqlite:///{path}" for path in paths]
        else:
            server = request.getfixturevalue("maria")
            made = [fresh(server, f"{name}{number}") for name in ("old", "new")]
        return prepared(made[0], rows=60), prepared(made[1])

    return make


@pytest.fixture
def pipe(tmp_path, urls):
    def make(address, **more):
        source, target = urls()
        return Pipe(tmp_path, address, source, ("item",), target=target, **more)

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_a_relay_killed_at_every_point_loses_nothing(pipe, broker, killed_at):
    shop = pipe(broker, limits=Limits(chunk=10))
    with writing(shop.stream.source, seed=5) as writer:
        for times, point in enumerate(POINTS):
            killed_at(shop, "run", f"{point}:{2 + times}")
        killed_at(shop, "apply", "before_commit:1")
        with shop.process("run", shop.stream.name):
            killed_at(shop, "apply", "after_commit:2")
        assert writer.commits > 20
    assert_arrives(shop)
    assert len(rows(shop.stream.source)) > 60


def assert_survives(shop, seed, kills):
    """Whom, and after how many of the writer's commits since it has begun to do something."""
    name = shop.stream.name
    with writing(shop.stream.source, seed) as writer:
        for word, commits in kills:
            # One that was stopped while it started has not begun: count from here, not in rounds.
            begun = relays(shop)
            with shop.process("run", name) as relay, shop.process("apply", name) as applier:
                victim = {"run": relay, "apply": applier}[word]
                if word == "run":
                    until(lambda n=begun: relays(shop) > n, "a relay that has begun")
                else:
                    until(lambda a=applier: applies(shop, a), "an applier that has begun")
                seen = writer.commits
                until(lambda n=seen + commits: writer.commits >= n, "some transactions")
                victim.send_signal(signal.SIGKILL)
                assert victim.wait(30) == -signal.SIGKILL
    assert_arrives(shop)


def relays(shop):
    """How many relays have begun so far."""
    log = shop.folder / "run.log"
    return log.read_text().count("relay_started") if log.exists() else 0


def applies(shop, process):
    """Whether this applier holds something."""
    engine = engine_of(shop.stream.target)
    try:
        with engine.connect() as connection:
            holders = state.leases(connection, shop.stream.name).holders
        return any(f"/{process.pid}/" in holder for holder in holders)
    except SQLAlchemyError:  # its tables come with its first transaction
        return False
    finally:
        engine.dispose()


KILLS = st.lists(
    st.tuples(st.sampled_from(["run", "apply"]), st.integers(1, 40)), min_size=2, max_size=6
)


@pytest.mark.parametrize(
    ("kind", "delivery"),
    sampled(
        itertools.product(KINDS, Delivery),
        ("mariadb", Delivery.FENCED), ("sqlite", Delivery.EXACTLY_ONCE),
    ),
)  # fmt: skip
def test_whoever_is_killed_at_some_moment_loses_nothing(pipe, kafka, delivery):
    kills = [("run", 3), ("apply", 15), ("run", 30)]
    assert_survives(pipe(kafka, delivery=delivery, limits=Limits(chunk=5)), 81, kills)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delivery", list(Delivery))
@settings(
    max_examples=8, deadline=None, database=None, print_blob=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32), kills=KILLS)
def test_whoever_is_killed_at_any_moment_loses_nothing(pipe, kafka, delivery, seed, kills):
    assert_survives(pipe(kafka, delivery=delivery, limits=Limits(chunk=5)), seed, kills)
