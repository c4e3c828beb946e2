"""A process that has imported command line and services once and forks a child for each start.

Importing takes a second of CPU, and the tests run more than a thousand commands. A child is a
process like any other (its own pid, streams, folder, environment, exit status; it can be killed),
only its imports are done. `support.commands` starts this and speaks with it; whatever tests the
start itself runs `python` instead.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

STATUS = struct.Struct("i")
"""What is sent back of a child: its pid, and in the end its wait status."""
MOST = 1 << 18
"""Bytes of a request."""


PRELOADED = (
    *("cli", "strangler.bootstrap", "strangler.preparing", "strangler.reconciling"),
    *("strangler.relays", "cdc.applier.applier", "cdc.kafka.reader", "cdc.kafka.sink"),
    *("cdc.reconcile", "cdc.sources.mysql", "cdc.sources.postgres", "cdc.sources.sqlite"),
    *("sqlalchemy.dialects.mysql.pymysql", "sqlalchemy.dialects.postgresql.psycopg"),
    *("sqlalchemy.dialects.sqlite.pysqlite", "services.notices.__main__"),
    "services.reviews.__main__",
)
"""What commands import where they need it."""


def preload() -> None:
    """Import it all, and keep it out of the children's garbage collections."""
    for name in PRELOADED:
        importlib.import_module(name)
    # Else the first collection of each child would copy every page of what is shared.
    gc.collect()
    gc.freeze()


def next_child(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; returns in a child with its request, in the parent at the end."""
    statuses: dict[int, socket.socket] = {}
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(statuses)
        if control not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, MOST, 4)
        if not message:
            return None
        status = socket.socket(fileno=descriptors[0])
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (control, status, *statuses.values()):
                one.close()
            os.close(woken)
            os.close(wakes)
            for number, descriptor in enumerate(descriptors[1:]):
                os.dup2(descriptor, number)
                os.close(descriptor)
            return json.loads(message)
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        status.send(STATUS.pack(pid))
        statuses[pid] = status


def _reap(statuses: dict[int, socket.socket]) -> None:
    """Tell how children have ended."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            pid, ended = found
            # It may be that nobody waits for it any more.
            with contextlib.suppress(OSError), statuses.pop(pid) as status:
                status.send(STATUS.pack(ended))


if __name__ == "__main__":
    preload()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        asked = next_child(requests)
    if asked is not None:
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = asked["words"]
        from cdc import failpoints

        failpoints.arm(os.environ)  # what else is read as it is imported is left to `python`
        importlib.import_module(asked["module"]).main()
