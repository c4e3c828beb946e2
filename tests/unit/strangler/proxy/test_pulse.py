import asyncio

from strangler.proxy.pulse import Pulse


async def test_a_beat_makes_waiters_look_again() -> None:
    pulse, seen = Pulse(), []
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(pulse.until(lambda: len(seen) == 2, 60))
        for _ in range(2):
            await asyncio.sleep(0)
            seen.append(1)
            pulse.beat()
    assert waiter.result() is True


async def test_it_gives_up_in_time_and_leaves_nobody_waiting() -> None:
    pulse = Pulse()
    assert await pulse.until(lambda: False, 0.01) is False
    assert not pulse._waiters


async def test_what_holds_already_needs_no_beat() -> None:
    assert await Pulse().until(lambda: True, 0) is True
