"""Raw bytes on both sides of a data plane that runs in the test's own loop.

`RawUpstream` is a TCP server whose connections a test answers by hand; `Wire` one end of a TCP
connection that sends and reads what a test says. Every wait ends after `WAIT` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import textwrap
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from strangler.config.load import load
from strangler.config.model import Fence, Table
from strangler.proxy.counters import PAGE_SET_BYTES, REFUSALS, Refusal, SeriesMap
from strangler.proxy.server import DataPlane

WAIT = 5.0
T = TypeVar("T")


class Wire:
    """One end of a TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode("latin-1"))
        async with asyncio.timeout(WAIT):
            await self.writer.drain()

    async def read_head(self) -> bytes:
        """Up to and with the empty line."""
        async with asyncio.timeout(WAIT):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(WAIT):
            return await self.reader.readexactly(size)

    async def read_until(self, end: bytes) -> bytes:
        async with asyncio.timeout(WAIT):
            return await self.reader.readuntil(end)

    async def read_message(self) -> tuple[bytes, bytes]:
        """Head and body, framed by length or chunks (returned as they came)."""
        head = await self.read_head()
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if length:
            return head, await self.read(int(length[1]))
        if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
            body = b""
            while True:
                size = await self.read_until(b"\r\n")
                body += size
                if int(size.split(b";")[0], 16) == 0:
                    while (line := await self.read_until(b"\r\n")) != b"\r\n":
                        body += line
                    return head, body + line
                body += await self.read(int(size.split(b";")[0], 16) + 2)
        return head, b""

    async def read_all(self) -> bytes:
        """Everything until the other side ends; a reset ends it too, see `is_reset`."""
        data = b""
        self.is_reset = False
        async with asyncio.timeout(WAIT):
            try:
                while piece := await self.reader.read(65536):
                    data += piece
            except ConnectionError:
                self.is_reset = True
        return data

    async def ended(self) -> bool:
        """The other side has closed, and sent nothing more before."""
        return await self.read_all() == b""

    async def silent(self, seconds: float = 0.15) -> bool:
        """Nothing arrives for a moment."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    def half_close(self) -> None:
        self.writer.write_eof()

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        """Reset the connection."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class RawUpstream:
    """A server whose connections wait to be accepted by the test."""

    def __init__(self) -> None:
        self._accepted: asyncio.Queue[Wire] = asyncio.Queue()
        self.wires: list[Wire] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        self.wires.append(wire)
        self._accepted.put_nowait(wire)

    @property
    def connections(self) -> int:
        return len(self.wires)

    async def accept(self) -> Wire:
        async with asyncio.timeout(WAIT):
            return await self._accepted.get()

    async def stop(self) -> None:
        self._server.close()
        for wire in self.wires:
            wire.writer.transport.abort()


class Always:
    """A lease that holds, or not."""

    holds = True

    def valid(self) -> bool:
        return self.holds


class Gateway:
    """A data plane on a free port."""

    def __init__(self, table: Table, log: list | None = None) -> None:
        self.series = SeriesMap()
        self.cells = memoryview(bytearray(PAGE_SET_BYTES)).cast("Q")
        self.lease = Always()
        self.logged: list[tuple[object, int]] = []
        self.plane = DataPlane(
            asyncio.get_running_loop(),
            cells=self.cells,
            cookie_key=b"k" * 32,
            lease=self.lease,
            log_request=lambda ex, elapsed: self.logged.append((ex, elapsed)),
        )
        self.install(table)

    def install(self, table: Table | str) -> None:
        table = parse(table) if isinstance(table, str) else table
        self.plane.install(table, self.series.assign(table))

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            self.plane.connection, "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def connect(self) -> Wire:
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))

    def refused(self, refusal: Refusal) -> int:
        return self.cells[REFUSALS + refusal]

    async def stop(self) -> None:
        self._server.close()
        self.plane.close()


def parse(text: str) -> Table:
    return load(textwrap.dedent(text), file="routes.yaml", env={})


def simple(
    upstream: RawUpstream,
    *,
    upstream_keys: str = "",
    gateway: str = "",
    routes: str = "",
    version: int = 1,
) -> str:
    """A table with one upstream; the keys are YAML in flow style or indented lines."""
    text = f"version: {version}\n"
    text += f"upstreams:\n  legacy: {{endpoints: ['http://127.0.0.1:{upstream.port}']"
    text += f", {upstream_keys}}}\n" if upstream_keys else "}\n"
    text += "default: legacy\n"
    if gateway:
        text += f"gateway: {{{gateway}}}\n"
    if routes:
        text += "routes:\n" + textwrap.indent(textwrap.dedent(routes), "  ")
    return text


def split(
    old: RawUpstream,
    new: RawUpstream,
    share: float,
    *,
    version: int = 1,
    extra: str = "",
    gateway: str = "",
) -> str:
    """A table with a group `api` between two upstreams; `share` percent go to the new one."""
    gateway = f"gateway: {{{gateway}}}\n" if gateway else ""
    return f"""version: {version}
{gateway}upstreams:
  legacy: {{endpoints: ['http://127.0.0.1:{old.port}']}}
  fresh: {{endpoints: ['http://127.0.0.1:{new.port}'], request_buffering: off}}
default: legacy
routes:
  - name: api
    group: api
    match: {{prefix: /api}}
    split: {{fresh: {share}, legacy: {100 - share}}}
{extra}"""


def fenced(table: str, group: str = "api") -> Table:
    """The table with a fence around the group."""
    return replace(parse(table), fences=(Fence(group, "attempt-1", 2e9),))


@asynccontextmanager
async def client_of(gateway: Gateway) -> AsyncIterator[Wire]:
    wire = await gateway.connect()
    try:
        yield wire
    finally:
        with contextlib.suppress(ConnectionError):
            wire.close()


async def answered_before(
    reading: Coroutine[Any, Any, T], forwarding: Coroutine[Any, Any, object]
) -> T:
    """What the client reads; fails at once if something reaches the upstream instead."""
    answer, other = asyncio.ensure_future(reading), asyncio.ensure_future(forwarding)
    await asyncio.wait((answer, other), return_when=asyncio.FIRST_COMPLETED)
    if other.done() and other.exception() is None:
        answer.cancel()
        raise AssertionError("it reached the upstream")
    other.cancel()
    return await answer


def fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values of a head, as they came."""
    lines = head.split(b"\r\n")[1:-2]
    return [(n, v.strip()) for n, _, v in (line.partition(b":") for line in lines)]


def value(head: bytes, name: bytes) -> list[bytes]:
    """The values of a field, in order."""
    return [v for n, v in fields(head) if n.lower() == name.lower()]
