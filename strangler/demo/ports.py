"""Where the parts of the demo listen: the usual ports, or others where those are taken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """One TCP port of the loopback interface each."""

    gateway: int = 8080
    admin: int = 9900
    legacy: int = 8000
    reviews: int = 8101
    notices: int = 8102


USUAL = Ports()
ANY = Ports(0, 0, 0, 0, 0)


def choose(wanted: Ports) -> Ports:
    """The wanted ports where they are free, else any free one; 0 takes any."""
    with contextlib.ExitStack() as held:
        # All are held until all are known, so that no two parts get the same one.
        return Ports(*(_hold(held, port) for port in vars(wanted).values()))


def taken(wanted: Ports, got: Ports) -> Mapping[str, tuple[int, int]]:
    """The parts that did not get the port they wanted: part -> (wanted, got)."""
    pairs = {part: (port, getattr(got, part)) for part, port in vars(wanted).items()}
    return {part: (port, other) for part, (port, other) in pairs.items() if port not in {0, other}}


def _hold(held: contextlib.ExitStack, wanted: int) -> int:
    for port in (wanted, 0):
        probe = held.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((HOST, port))
        except OSError:
            continue
        return int(probe.getsockname()[1])
    raise OSError("this machine has no free port")
