"""A relay that is killed where it hurts: after each step of its promise, and before the next."""

import itertools

import pytest
from support.arriving import assert_arrives
from support.matrix import sampled
from support.writers import Mix, writing

from cdc.config.model import Delivery

POINTS = ("before_produce", "after_produce", "after_settle", "after_checkpoint", "after_confirm")


@pytest.mark.parametrize(
    ("point", "delivery"),
    sampled(
        itertools.product(POINTS, [Delivery.FENCED, Delivery.AT_LEAST_ONCE]),
        *((point, Delivery.FENCED) for point in POINTS),
        ("after_produce", Delivery.AT_LEAST_ONCE), ("after_checkpoint", Delivery.AT_LEAST_ONCE),
    ),
)  # fmt: skip
def test_a_relay_killed_there_loses_nothing(pipe, broker, killed_at, point, delivery):
    shop = pipe(broker, delivery=delivery)
    with writing(shop.stream.source, Mix(seed=POINTS.index(point))):
        killed_at(shop, "run", f"{point}:2")  # while the snapshot runs
        killed_at(shop, "run", f"{point}:4")
    assert_arrives(shop)
