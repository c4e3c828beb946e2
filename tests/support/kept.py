"""Servers that all processes of a run of tests share, each started by the first test that needs it.

They belong to the process that the run began with, which ends them. A server is kept here only
where its tests cannot be told from each other by it: Apache Kafka, whose topics have names of their
own, and which takes ten seconds of CPU until it is warm. (A database is not: a slot waits for every
transaction of its server, and its log is kept for every slot.)
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.connection import Client, Connection, Listener

import pytest

from support.databases import did_not_start
from support.kafka import apache_kafka

_VARIABLE = "TESTS_KEPT_AT"


@contextlib.contextmanager
def _kafka():
    with apache_kafka() as cluster:
        yield cluster.address


KINDS: dict[str, Callable[[], AbstractContextManager[str]]] = {"kafka": _kafka}


class Keeper:
    """Starts what it is asked for, once, and ends it all."""

    def __init__(self) -> None:
        self._listener = Listener(family="AF_UNIX")
        self._servers = ExitStack()
        self._found: dict[str, tuple[bool, str]] = {}
        os.environ[_VARIABLE] = self._listener.address
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End the servers; nobody may ask any more."""
        del os.environ[_VARIABLE]
        self._servers.close()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            with self._listener.accept() as asking, contextlib.suppress(OSError, EOFError):
                self._answer(asking)

    def _answer(self, asking: Connection) -> None:
        kind = asking.recv()
        if kind not in self._found:
            try:
                self._found[kind] = True, self._servers.enter_context(KINDS[kind]())
            except (Exception, pytest.skip.Exception, pytest.fail.Exception) as error:  # noqa: BLE001
                self._found[kind] = False, str(error)
        asking.send(self._found[kind])


def kept(kind: str) -> str:
    """The address of a server that the run shares; skips, or fails in CI, where there is none."""
    with Client(os.environ[_VARIABLE]) as keeper:
        keeper.send(kind)
        there, found = keeper.recv()
    if not there:
        did_not_start(found)
    return found
