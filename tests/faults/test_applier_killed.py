"""An applier that is killed just before and just after its transaction commits."""

import pytest
from support.arriving import assert_arrives
from support.writers import Mix, writing

POINTS = ("before_commit", "after_commit")


@pytest.mark.parametrize("point", POINTS)
def test_an_applier_killed_there_applies_everything_once(pipe, broker, killed_at, point):
    shop = pipe(broker)
    mix = Mix(seed=60 + POINTS.index(point), truncates=True)
    with shop.process("run", shop.stream.name), writing(shop.stream.source, mix):
        for times in (1, 3, 8):
            killed_at(shop, "apply", f"{point}:{times}")
    assert_arrives(shop)
