"""The sweep: late ones are told, and nothing stops it."""

import asyncio
from time import monotonic

from strangler.proxy.deadlines import NO_DEADLINE, Sweep


class Client:
    """Has a deadline; what is told of it fails."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.total_deadline = NO_DEADLINE
        self.told = 0

    def late(self, _now: float) -> None:
        self.told += 1
        raise ValueError("a fault")


async def test_a_fault_does_not_end_the_sweep():
    loop = asyncio.get_running_loop()
    faults: list[dict] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    late, early = Client(monotonic() - 1), Client(monotonic() + 60)
    ticks: list[float] = []
    sweep = Sweep(loop, [early, late], ticks.append)
    async with asyncio.timeout(5):
        while late.told < 2:
            await asyncio.sleep(0.01)
    sweep.close()
    assert early.told == 0
    assert len(ticks) == len(faults) == late.told
