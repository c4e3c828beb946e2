"""An endpoint in the test's own loop: counts what reaches it, can leave politely or die."""

import asyncio
import contextlib
import re
import time
from collections import Counter

POOL_IDLE = 1.0
"""The gateway's default: a write uses no connection that was idle for longer."""


def pattern(size: int) -> bytes:
    """A body whose missing or moved pieces would show."""
    return (b"0123456789abcdefghijklmnopqrstuvwxyz\n" * (size // 37 + 1))[:size]


class Endpoint:
    """A server on one port; `seen` counts the heads of each request's id, whatever comes of it."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self.port = 0
        self.ends: list[float] = []
        """When it left or died, on the monotonic clock."""
        self._open: set[asyncio.StreamWriter] = set()
        self._busy = 0
        self._leaving = False

    async def start(self) -> None:
        self._leaving = False
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def leave(self) -> None:
        """Take no more connections, let each answer be a connection's last, then close."""
        self._leaving = True
        self._close_listener()
        await asyncio.sleep(POOL_IDLE * 1.5)
        while self._busy:
            await asyncio.sleep(0.05)
        self._abort()

    def die(self) -> None:
        """Reset every connection, whatever is under way."""
        self._close_listener()
        self._abort()

    def _close_listener(self) -> None:
        self._server.close()
        self.ends.append(time.monotonic())

    def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self._busy += 1
                try:
                    await self._answer(head, reader, writer)
                finally:
                    self._busy -= 1
                if self._leaving:
                    break
        self._open.discard(writer)
        writer.close()

    async def _answer(self, head, reader, writer) -> None:
        method, path, _ = head.decode().split(" ", 2)
        if found := re.search(rb"(?i)\r\nx-id: (\S+)", head):
            self.seen[found[1].decode()] += 1
        received = await read_body(head, reader)
        size = int(path.rsplit("/", 1)[1]) if method == "GET" and "/size/" in path else 0
        body = pattern(size) if size else f"{method} {len(received)}".encode()
        end = b"Connection: close\r\n" if self._leaving else b""
        writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (end, len(body)))
        for start in range(0, len(body), 65536):
            writer.write(body[start : start + 65536])
            await writer.drain()


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """A message's body, by its length or its chunks."""
    if found := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        return await reader.readexactly(int(found[1]))
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return b""
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
