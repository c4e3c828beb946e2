"""Where the parts of the demo listen: the usual ports, or others where those are taken.

A part listens only seconds after its port was chosen. Until then another demo, which would find the
port free, is kept off by a name that the kernel holds for us (an abstract Unix socket) and forgets
when this process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strangler.demo.failure import DemoError

HOST = "127.0.0.1"
_ATTEMPTS = 20


@dataclass(frozen=True)
class Ports:
    """One TCP port of the loopback interface each."""

    gateway: int = 8080
    admin: int = 9900
    legacy: int = 8000
    reviews: int = 8101
    notices: int = 8102
    kafka: int = 9092


USUAL = Ports()
ANY = Ports(*[0] * len(vars(USUAL)))


@contextlib.contextmanager
def chosen(wanted: Ports) -> Iterator[Ports]:
    """The wanted ports where they are free, else any free ones (0 takes any); ours in the block."""
    with contextlib.ExitStack() as held:
        yield Ports(*(_hold(held, port) for port in vars(wanted).values()))


def taken(wanted: Ports, got: Ports) -> Mapping[str, tuple[int, int]]:
    """The parts that did not get the port they wanted: part -> (wanted, got)."""
    pairs = {part: (port, getattr(got, part)) for part, port in vars(wanted).items()}
    return {part: (port, other) for part, (port, other) in pairs.items() if port not in {0, other}}


def _hold(held: contextlib.ExitStack, wanted: int) -> int:
    for port in (wanted, *[0] * _ATTEMPTS):
        with contextlib.suppress(OSError):
            free = _free(port)
            held.enter_context(_name(free))
            return free
    raise DemoError("No port is free on this machine.", "Stop what holds them, and try again.")


def _free(port: int) -> int:
    """A port that nobody listens on; raises OSError if `port` is not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])


def _name(port: int) -> socket.socket:
    """The name that says a demo has a port; raises OSError if another one said so first."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0strangler-demo-port-{port}")
    except OSError:
        name.close()
        raise
    return name
