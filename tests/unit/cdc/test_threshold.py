from cdc.threshold import Crossing, Threshold


def test_a_number_that_is_too_high_is_said_at_once_and_then_once_in_a_while():
    threshold = Threshold(10, every=60)
    told = [threshold.judge(value, now) for value, now in
            [(9, 0), (10, 1), (50, 2), (50, 60), (50, 61), (50, 100)]]  # fmt: skip
    assert told == [None, Crossing.ABOVE, None, None, Crossing.ABOVE, None]


def test_that_it_is_in_order_again_is_said_once():
    threshold = Threshold(10)
    assert [threshold.judge(value, 0) for value in (5, 12, 5, 5, 12)] == [
        None, Crossing.ABOVE, Crossing.BELOW, None, Crossing.ABOVE,
    ]  # fmt: skip
