import asyncio
import mmap
import os

from strangler.proxy.lease import LEASE_BYTES, Lease, LeaseHolder, keep_lease


class Clock:
    now = 10_000_000_000

    def __call__(self) -> int:
        return self.now


def test_a_lease_that_was_never_given_is_not_valid() -> None:
    lease = Lease(memoryview(bytearray(8)).cast("Q"))
    assert not lease.valid()
    assert lease.remaining() == float("-inf")


def test_it_holds_until_its_deadline_and_not_longer() -> None:
    clock = Clock()
    cells = memoryview(bytearray(8)).cast("Q")
    cells[0] = clock.now + 5_000_000_000
    lease = Lease(cells, clock)
    assert (lease.valid(), lease.remaining()) == (True, 5.0)
    clock.now += 5_000_000_000
    assert not lease.valid()


def test_an_older_renewal_never_shortens_it() -> None:
    holder = LeaseHolder(5.0)
    holder.renewed(20_000_000_000)
    deadline = holder.lease.remaining()
    holder.renewed(10_000_000_000)
    assert abs(holder.lease.remaining() - deadline) < 1
    holder.close()


def test_another_mapping_of_the_same_memory_sees_the_renewal() -> None:
    holder = LeaseHolder(60.0)
    seen = mmap.mmap(os.dup(holder.fd), LEASE_BYTES)
    holder.renewed(2**40)
    assert int.from_bytes(seen[:8], "little") == 2**40 + 60_000_000_000
    seen.close()
    holder.close()


async def test_only_a_confirmed_renewal_moves_the_deadline() -> None:
    holder = LeaseHolder(0.03)
    asked = asyncio.Event()
    answers = iter([ConnectionError("no store"), None])

    async def renew() -> None:
        answer = next(answers)
        if answer is not None:
            assert holder.lease.remaining() == float("-inf")
            raise answer
        asked.set()
        await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(keep_lease(holder, renew))
        await asked.wait()
        while holder.lease.remaining() == float("-inf"):
            await asyncio.sleep(0)
        keeper.cancel()
    holder.close()


async def test_the_deadline_counts_from_before_the_renewal_was_sent() -> None:
    holder = LeaseHolder(30.0)
    sent = asyncio.Event()
    confirm = asyncio.Event()

    async def renew() -> None:
        sent.set()
        await confirm.wait()

    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(keep_lease(holder, renew))
        await sent.wait()
        await asyncio.sleep(0.05)
        confirm.set()
        while holder.lease.remaining() == float("-inf"):
            await asyncio.sleep(0)
        assert holder.lease.remaining() <= 29.95
        keeper.cancel()
    holder.close()
