"""The bytes of a client's connection, read as requests.

llhttp approves each head; a body is counted or taken out of its chunks. Requests that have arrived
behind the one under way wait, a bounded number of them. Anything that is not clearly one valid
request is the last thing read: what follows cannot be told apart any more.
"""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Final

from strangler.proxy import request
from strangler.proxy.chunked import ChunkDecoder, ChunkError
from strangler.proxy.counters import REQUESTS_TOTAL, Refusal
from strangler.proxy.deadlines import Phase
from strangler.proxy.exchange import Exchange

if TYPE_CHECKING:
    from strangler.proxy.server import DataPlane
    from strangler.proxy.tunnel import Tunnel

MAX_WAITING: Final = 32
"""Requests that wait behind the one under way; further bytes are kept as they came."""
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: |\Z)")
"""How a request begins."""


class RequestReader(asyncio.Protocol):
    """Cuts what arrives into exchanges and feeds them their bodies."""

    __slots__ = (
        "_chunks",
        "_closing",
        "_left",
        "_partial",
        "_surplus",
        "_waiting",
        "exchange",
        "phase",
        "plane",
        "reading",
        "tunnel",
    )

    def __init__(self, plane: DataPlane) -> None:
        self.plane = plane
        self.exchange: Exchange | None = None
        """The one whose turn it is."""
        self.reading: Exchange | None = None
        """The one whose head or body arrives."""
        self.tunnel: Tunnel | None = None
        self.phase = Phase.HEAD
        self._waiting: deque[Exchange] | None = None
        self._surplus = b""
        """What came behind as many requests as may wait."""
        self._partial = b""
        """The beginning of a head."""
        self._left = 0
        """Bytes of the body being read, if it has a length."""
        self._chunks: ChunkDecoder | None = None
        self._closing = False
        """Nothing more is read as a request."""

    @abstractmethod
    def new_exchange(self) -> Exchange:
        """An exchange of this connection."""

    @abstractmethod
    def enqueue(self, exchange: Exchange) -> None:
        """A request has been read, or refused: begin it when its turn comes."""

    @abstractmethod
    def read_no_more(self) -> None:
        """Stop reading: there is no room for more."""

    @abstractmethod
    def expect(self, phase: Phase, seconds: float) -> None:
        """From now on the connection waits for this, so long."""

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.from_client(data)
            return
        while data and not self._closing:
            reading = self.reading
            if reading is None:
                if self._waiting and len(self._waiting) >= MAX_WAITING:
                    self._surplus = data
                    break
                data = self._read_head(data)
            elif self._chunks is not None:
                data = self._read_chunks(reading, self._chunks, data)
            elif reading.websocket:
                data = self._keep_early(reading, data)
            else:
                data = self._count_body(reading, data)
        if self._waiting:
            self.read_no_more()

    # reading requests; each takes bytes and returns those that it did not need

    def _read_head(self, data: bytes) -> bytes:
        seen = 0
        if self._partial:
            seen = max(len(self._partial) - 3, 0)  # or a dripped head is searched again and again
            data = self._partial + data
            self._partial = b""
        if data[0] in b"\r\n":
            data = data.lstrip(b"\r\n")  # empty lines before a request (RFC 9112, 2.2)
        end = data.find(b"\r\n\r\n", seen) + 4
        if end < 4:
            self._keep_partial(data, seen)
            return b""
        plane = self.plane
        plane.cells[REQUESTS_TOTAL] += 1
        ex = self.new_exchange()
        refusal = request.read(ex, data[:end], plane.live.gateway.limits)
        if refusal is not None:
            self._refuse_reading(ex, refusal)
            return b""
        if ex.coding:
            self.reading = ex
            self._chunks = ChunkDecoder()
        elif ex.length:
            self.reading = ex
            self._left = ex.length
        else:
            ex.request_done = True
            if ex.websocket:
                self.reading = ex
            elif ex.close:
                self._closing = True  # bytes behind the last request are nobody's
        self.enqueue(ex)
        return data[end:]

    def _keep_partial(self, data: bytes, seen: int) -> None:
        """The head is not all here. It must not grow without end, nor be nonsense for long.

        What lies before `seen` was looked at when it came.
        """
        self._partial = data
        limits = self.plane.live.gateway.limits
        if len(data) > limits.header_bytes or (
            b"\n" not in data and len(data) > limits.request_line
        ):
            long_line = b"\n" not in data
            self._refuse_reading(
                self.new_exchange(), Refusal.URI_TOO_LONG if long_line else Refusal.HEAD_TOO_LARGE
            )
        elif data and (not _METHOD.match(data) or _BARE_LF.search(data, seen)):
            self._refuse_reading(self.new_exchange(), Refusal.BAD_REQUEST)
        elif self.exchange is None and self.phase is not Phase.HEAD:
            self.expect(Phase.HEAD, self.plane.live.gateway.timeouts.header)

    def _count_body(self, reading: Exchange, data: bytes) -> bytes:
        left = self._left
        rest = b""
        if len(data) > left:
            data, rest = data[:left], data[left:]
        self._left = left - len(data)
        reading.body(data)
        if not self._left:
            self._complete(reading)
        return rest

    def _read_chunks(self, reading: Exchange, chunks: ChunkDecoder, data: bytes) -> bytes:
        try:
            piece = chunks.feed(data)
        except ChunkError:
            self._unreadable(reading)
            return b""
        if piece:
            reading.body(piece)
        if not chunks.done:
            return b""
        self._chunks = None
        reading.trailers = chunks.trailers
        self._complete(reading)
        return chunks.rest

    def _keep_early(self, reading: Exchange, data: bytes) -> bytes:
        """Bytes behind a WebSocket's head belong to the tunnel, if there will be one."""
        reading.pending.append(data)
        reading.close = True
        self.read_no_more()
        return b""

    def _complete(self, reading: Exchange) -> None:
        if reading.close:
            self._closing = True  # bytes behind the last request are nobody's
        self.reading = None
        reading.body_done()

    def _unreadable(self, reading: Exchange) -> None:
        """The body cannot be read on. Its exchange ends, whatever it was doing."""
        self._closing = True
        reading.close = True
        if reading is self.exchange:
            reading.fail(Refusal.BAD_REQUEST)
        else:
            reading.refusal = Refusal.BAD_REQUEST

    def _refuse_reading(self, reading: Exchange, refusal: Refusal) -> None:
        """Answer a request that was not understood, after those before it, and read no more."""
        self._closing = True
        self._partial = b""
        reading.refusal = refusal
        reading.close = True
        self.enqueue(reading)
