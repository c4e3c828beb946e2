"""A source and sink of long bodies: `python -m bench.sink PORT`.

`GET .../bytes/N` answers N bytes; `POST .../count` answers how many bytes came;
`POST .../slow` does too, but reads slowly; `POST .../echo` answers with the body itself.
The path is looked at from its end, so that any route's prefix may stand before it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import httptools
import uvloop

BLOCK = bytes(256 * 1024)
SLOW_PAUSE = 0.02
"""Seconds between two reads of a slow sink."""


class Sink(asyncio.Protocol):
    """One connection of a proxy."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.parser = httptools.HttpRequestParser(self)
        self.path = b""
        self.received = 0
        self.echo: list[bytes] = []
        self.left = 0
        """Bytes of the running answer that are still to be written."""
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class is not one

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        if self.path.endswith(b"/slow") and not self.transport.is_closing():
            self.transport.pause_reading()
            self.loop.call_later(SLOW_PAUSE, self._resume)

    def on_message_begin(self) -> None:
        self.path, self.received, self.echo = b"", 0, []

    def on_url(self, url: bytes) -> None:
        self.path += url

    def on_body(self, body: bytes) -> None:
        self.received += len(body)
        if self.path.endswith(b"/echo"):
            self.echo.append(body)

    def on_message_complete(self) -> None:
        if b"/bytes/" in self.path:
            self.left = int(self.path.rsplit(b"/", 1)[1])
            self._head(self.left)
            self._write()
            return
        body = b"".join(self.echo) or b'{"bytes":%d}' % self.received
        self._head(len(body), body)

    def _head(self, length: int, body: bytes = b"") -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % length + body)

    def _write(self) -> None:
        while self.left and self.writable:
            block = BLOCK[: self.left]
            self.left -= len(block)
            self.transport.write(block)

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._write()

    def _resume(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self.left = 0


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(loop), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
