import errno
import os
import socket

import pytest

from strangler.proxy.pulse import Pulse
from strangler.proxy.slot import Crew, Slot, WorkerStartError


async def test_a_host_without_descriptors_left_is_a_worker_that_could_not_be_started() -> None:
    def none_left():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    crew = Crew(
        command=("worker",), lease_fd=-1, take_pages=none_left, give_pages=lambda _: None,
        greeting=lambda _: [], pulse=Pulse(), start_timeout=1.0,
    )  # fmt: skip
    with socket.socket() as listener:
        slot = Slot(0, listener, crew)
        with pytest.raises(WorkerStartError, match="Too many open files"):
            await slot.start()
