import asyncio
import threading

import pytest

from strangler.admin.gateway import Membership
from strangler.rollout.versions import StoreError
from strangler.testing import MemoryStore


class SlowStore(MemoryStore):
    """A store whose registering waits until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = threading.Event(), threading.Event()

    def register(self, replica, lease):
        self.asked.set()
        assert self.go_on.wait(10)
        return super().register(replica, lease)


async def test_a_replica_that_has_left_is_not_entered_again():
    store = MemoryStore()
    membership = Membership(store)
    await membership.renew()
    assert len(store.replicas()) == 1
    await membership.leave()
    with pytest.raises(StoreError, match="has left"):  # the lease's next renewal, while it drains
        await membership.renew()
    assert not store.replicas()


async def test_a_renewal_that_is_on_its_way_does_not_come_after_the_leaving():
    store = SlowStore()
    membership = Membership(store)
    renewal = asyncio.ensure_future(membership.renew())
    await asyncio.to_thread(store.asked.wait, 10)
    renewal.cancel()  # the task ends; its thread goes on
    leaving = asyncio.ensure_future(membership.leave())
    await asyncio.sleep(0.05)
    store.go_on.set()
    await leaving
    assert not store.replicas()
