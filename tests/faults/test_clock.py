"""Clocks that jump: only what is shown to people follows them."""

import time

import pytest
from support.arriving import assert_applied, assert_ordered, copied
from support.pipes import assert_equal, until
from support.writers import Mix, writing

DAY = 86_400


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_moves_nothing_else(pipe, broker, monkeypatch, days):
    shop = pipe(broker)
    now, now_ns, jump = time.time, time.time_ns, [0]
    monkeypatch.setattr(time, "time", lambda: now() + jump[0])
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + jump[0] * 10**9)
    with (
        writing(shop.stream.source, Mix(seed=70)) as writer,
        shop.relaying() as counters,
        shop.applying(),
    ):
        for jumped in (days * DAY, 0, days * DAY):
            jump[0] = jumped
            seen, streamed = writer.commits, counters.transactions
            until(lambda n=seen: writer.commits > n + 20, "some transactions")
            until(lambda n=streamed: counters.transactions > n + 20, "transactions that stream on")
        with writer.resting():
            until(lambda: copied(shop), "a complete snapshot")
            assert_ordered(assert_equal(shop))
            assert_applied(shop, shop.barrier())
