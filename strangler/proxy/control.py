"""What supervisor and worker say to each other, and the channel on which they say it.

A frame is a length (four bytes, big-endian) and a pickle. Pickle, as both ends are one program that
trusts itself: the channel is a socket pair made by the supervisor and inherited by the child that
it started, it has no name that anybody else could open, and whoever could write to it could
already write to the processes. A frame is bounded, so that a fault cannot take all memory.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from strangler.config.model import Table
from strangler.proxy.tls import CertificatePair

MAX_FRAME: Final = 64 * 1024 * 1024
"""Bytes; a table of 10,000 routes takes about 4 MB."""
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Start:
    """First message to a worker: what it needs before it can take a table."""

    slot: int
    cookie_key: bytes
    tls: CertificatePair | None


@dataclass(frozen=True, slots=True)
class Install:
    """Serve this table from now on. The first one also makes the worker listen."""

    table: Table
    """Without `sections`: they are other packages' and the data plane reads none of them."""
    series: Mapping[tuple[str, str], int]
    down: tuple[tuple[str, str], ...]
    """(upstream, endpoint) pairs that failed their health checks."""


@dataclass(frozen=True, slots=True)
class Health:
    """A health check changed its mind about an endpoint."""

    upstream: str
    endpoint: str
    up: bool


@dataclass(frozen=True, slots=True)
class ReloadTls:
    """New handshakes use this certificate."""

    tls: CertificatePair


@dataclass(frozen=True, slots=True)
class ReopenLogs:
    """The access log's file was moved away."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Accept no more connections, finish what is in flight within `timeout` seconds, exit."""

    timeout: float


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks whether the worker still turns its loop."""

    sent_ns: int


@dataclass(frozen=True, slots=True)
class Listening:
    """The worker accepts connections."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The worker matches every new request with this version."""

    version: int
    writes_in_flight: Mapping[str, int]
    """Per group, those begun under any version. A group that is not named has none."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The worker could not compile the table and serves the one before."""

    version: int
    error: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """The last write in flight of a fenced group has ended."""

    version: int
    group: str


@dataclass(frozen=True, slots=True)
class Pong:
    """Answer to a Ping, with what the process takes."""

    sent_ns: int
    resident_bytes: int
    cpu_seconds: float


ToWorker: TypeAlias = Start | Install | Health | ReloadTls | ReopenLogs | Drain | Ping
ToSupervisor: TypeAlias = Listening | Installed | Refused | Quiet | Pong
Message: TypeAlias = ToWorker | ToSupervisor


class ChannelError(Exception):
    """The other end sent something that cannot be a frame, or takes no more."""


def encode(message: Message) -> bytes:
    """The frame of a message. Raises ChannelError if it is too big."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    if len(body) > MAX_FRAME:
        raise ChannelError(f"a message of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Bytes in, messages out; keeps what is left of an unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises ChannelError on an impossible length."""
        self._buffer += data
        messages = []
        while (end := self._frame_end()) and len(self._buffer) >= end:
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            messages.append(cast(Message, pickle.loads(body)))  # noqa: S301 - see the module's text
        return messages

    def _frame_end(self) -> int:
        if len(self._buffer) < _LENGTH.size:
            return 0
        length: int = _LENGTH.unpack_from(self._buffer)[0]
        if length > MAX_FRAME:
            raise ChannelError(f"a frame of {length} bytes is over the limit of {MAX_FRAME}")
        return _LENGTH.size + length


class Channel(asyncio.Protocol):
    """One end of the socket pair. Messages arrive in order, each as a call of `on_message`."""

    def __init__(
        self, on_message: Callable[[Message], None], on_closed: Callable[[], None]
    ) -> None:
        self._decoder = Decoder()
        self._on_message = on_message
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None

    async def open(self, sock: socket.socket) -> None:
        """Speak on `sock`, which the channel closes. Messages may arrive before this returns."""
        await asyncio.get_running_loop().create_connection(lambda: self, sock=sock)

    def send(self, message: Message) -> None:
        """Queue a message."""
        self.send_frame(encode(message))

    def send_frame(self, frame: bytes) -> None:
        """Queue what `encode` made. A peer that stopped reading is cut off, not queued for."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_FRAME:
            transport.abort()
        else:
            transport.write(frame)

    def close(self) -> None:
        """Close after what was sent."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hand every complete message on."""
        for message in self._decoder.feed(data):
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone is gone
        """The other process is gone, or closed its end."""
        self._transport = None
        self._on_closed()
