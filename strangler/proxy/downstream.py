"""One client's connection: reads requests in order, answers them in order.

llhttp approves each head; a body is counted or taken out of its chunks. While one exchange is
under way further (pipelined) requests that have already arrived wait, and no more is read.
Anything that is not clearly one valid request ends the connection: what follows cannot be
told apart any more.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

from strangler.proxy import request, wire
from strangler.proxy.chunked import ChunkDecoder, ChunkError
from strangler.proxy.counters import CONNECTIONS, CONNECTIONS_TOTAL, REQUESTS_TOTAL, Refusal
from strangler.proxy.deadlines import NO_DEADLINE, Phase
from strangler.proxy.exchange import Exchange
from strangler.proxy.upstream import WRITE_HIGH
from strangler.routing.forwarded import Origin, address_of

if TYPE_CHECKING:
    from strangler.proxy.server import DataPlane
    from strangler.proxy.tunnel import Tunnel
    from strangler.proxy.upstream import UpstreamConnection

MAX_WAITING = 32
"""Requests that wait behind the one under way; further bytes are kept as they came."""
LINGER_TIME = 2.0
"""Seconds in which a client's late bytes are thrown away, so that our last answer is not lost to
a reset (RFC 9112, 9.6)."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BARE_LF = re.compile(rb"(?<!\r)\n")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: |\Z)")
"""How a request begins."""


class ClientConnection(asyncio.Protocol):
    """A client's connection and the exchange it is busy with."""

    __slots__ = (
        "_chunks",
        "_closing",
        "_forwarding",
        "_host",
        "_left",
        "_lines",
        "_partial",
        "_paused",
        "_surplus",
        "_taking_turns",
        "_waiting",
        "deadline",
        "exchange",
        "full",
        "https",
        "peer",
        "phase",
        "plane",
        "reading",
        "total_deadline",
        "transport",
        "tunnel",
    )

    def __init__(self, plane: DataPlane) -> None:
        self.plane = plane
        self.exchange: Exchange | None = None
        """The one whose turn it is."""
        self.reading: Exchange | None = None
        """The one whose head or body arrives."""
        self.tunnel: Tunnel | None = None
        self.full = False
        """The client takes no more bytes for now."""
        self.phase = Phase.HEAD
        self.total_deadline = NO_DEADLINE
        self._waiting: deque[Exchange] | None = None
        self._surplus = b""
        """What came behind as many requests as may wait."""
        self._taking_turns = False
        self._partial = b""
        """The beginning of a head."""
        self._left = 0
        """Bytes of the body being read, if it has a length."""
        self._chunks: ChunkDecoder | None = None
        self._closing = False
        """Nothing more is read as a request."""
        self._paused = False
        self._forwarding: bytes | None = None
        """Lines that are the same for each request of this connection."""
        self._host: bytes | None = None
        self._lines = b""

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        self.https = transport.get_extra_info("sslcontext") is not None
        address = transport.get_extra_info("peername")
        known = address_of(address[0].encode()) if isinstance(address, tuple) else None
        self.peer = known or b"unknown"
        plane = self.plane
        plane.clients.add(self)
        plane.cells[CONNECTIONS] += 1
        plane.cells[CONNECTIONS_TOTAL] += 1
        self.expect(Phase.HEAD, plane.live.gateway.timeouts.header)
        if len(plane.clients) > plane.live.gateway.limits.connections:
            self._refuse_connection()

    def connection_lost(self, _exc: Exception | None) -> None:
        plane = self.plane
        plane.clients.discard(self)
        plane.cells[CONNECTIONS] -= 1
        self._closing = True
        self._waiting = None
        if self.tunnel is not None:
            self.tunnel.close()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_gone()

    def eof_received(self) -> bool:
        """A half-closed client may still be waiting for its answer (plain TCP only)."""
        if self.tunnel is not None:
            return self.tunnel.client_ended()
        exchange = self.exchange
        reading = self.reading
        if exchange is None or self._partial or (reading is not None and not reading.request_done):
            return False
        if exchange.held or self.https:
            return False
        self._closing = True
        exchange.close = exchange.close or self._waiting is None
        return True

    def pause_writing(self) -> None:
        self.full = True
        source = self._source()
        if source is not None:
            source.transport.pause_reading()
        self.expect(Phase.SEND, self.plane.live.gateway.timeouts.send)

    def resume_writing(self) -> None:
        self.full = False
        source = self._source()
        if source is not None:
            source.transport.resume_reading()
        if self.exchange is None:
            self._go_on()
        elif self.phase is Phase.SEND:
            self.expect(Phase.STREAM, self.exchange.side.idle)

    def _source(self) -> UpstreamConnection | None:
        return self.exchange.upstream if self.exchange is not None else None

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
        ex = Exchange(self)
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
        self._enqueue(ex)
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
                Exchange(self), Refusal.URI_TOO_LONG if long_line else Refusal.HEAD_TOO_LARGE
            )
        elif data and (not _METHOD.match(data) or _BARE_LF.search(data, seen)):
            self._refuse_reading(Exchange(self), Refusal.BAD_REQUEST)
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
        self._enqueue(reading)

    def _enqueue(self, exchange: Exchange) -> None:
        if self.exchange is None and not self.full:
            self.exchange = exchange
            exchange.begin()
        elif self._waiting is None:
            self._waiting = deque((exchange,))
        else:
            self._waiting.append(exchange)

    @property
    def is_idle(self) -> bool:
        """Nothing is under way: no request has begun to arrive."""
        return not (
            self.exchange is not None
            or self._partial
            or self.reading is not None
            or self._waiting
            or self._closing
        )

    # the exchange's side

    def next(self, done: Exchange) -> None:
        """`done` has its whole answer: go on with the next request, or close."""
        if self.exchange is not done:
            return
        self.exchange = None
        self.total_deadline = NO_DEADLINE
        if self.reading is done and done.request_done:
            self.reading = None  # an upgrade that was refused: the connection speaks HTTP again
        if done.close or not done.request_done:
            self._close(sending=not done.request_done)
        elif self._waiting or self._closing or self.full:
            self._go_on()
        else:
            self._idle()

    def _go_on(self) -> None:
        """Begin the waiting requests until one of them takes its time.

        A loop, as hundreds may be answered at once; none begins before the client has taken the
        answers before it, or they would pile up here.
        """
        if self._taking_turns or self._lingers:
            return
        self._taking_turns = True
        while self._waiting and self.exchange is None and not self.full:
            exchange = self.exchange = self._waiting.popleft()
            self.read_on()
            exchange.begin()
            if self._surplus and not self._waiting:
                surplus, self._surplus = self._surplus, b""
                self.data_received(surplus)
        self._taking_turns = False
        if self.exchange is not None or self._lingers:
            return
        if self.full:
            self.expect(Phase.SEND, self.plane.live.gateway.timeouts.send)
        elif self._closing:
            self._close(sending=False)
        else:
            self._idle()

    @property
    def _lingers(self) -> bool:
        """Our last answer is written: only the client's close is awaited."""
        return self.phase is Phase.LINGER

    def _idle(self) -> None:
        self.read_on()
        self.expect(Phase.IDLE, self.plane.live.gateway.timeouts.keep_alive)

    def closes_after(self, exchange: Exchange) -> bool:
        """The connection ends with this answer."""
        if self.plane.draining and not exchange.close:
            exchange.close = not self._waiting
        return exchange.close

    def cut(self, *, reset: bool) -> None:
        """End so that the client sees an error, not the end of an answer."""
        self.exchange = None
        self.total_deadline = NO_DEADLINE
        if reset:
            # Only a reset is an error to a client that waits for the end of the connection.
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._closing = True
            self.transport.abort()
        else:
            self.shut()

    def shut(self) -> None:
        """Close when the client has taken what was written; one that takes nothing is cut."""
        self._closing = True
        self.transport.close()
        self.expect(Phase.LINGER, self.plane.live.gateway.timeouts.send)

    def _close(self, *, sending: bool) -> None:
        """Close behind an answer; a client that is `sending` gets the time to read it."""
        sending = sending or (self.reading is not None and not self.reading.request_done)
        self._closing = True
        self.reading = None
        self._waiting = None
        if sending and self.transport.can_write_eof():
            self.transport.write_eof()
            self.read_on()
            self.expect(Phase.LINGER, LINGER_TIME)
        else:
            self.shut()

    def _refuse_connection(self) -> None:
        self._closing = True
        self.plane.refused(Refusal.CONNECTIONS)
        self.transport.write(wire.refusal_answer(Refusal.CONNECTIONS))
        self.transport.close()

    def invite_body(self, exchange: Exchange) -> None:
        """We read the body ourselves, so we are who answers `Expect: 100-continue`."""
        if exchange.expect and not exchange.continued and not exchange.bytes_in:
            exchange.continued = True
            if not exchange.http10:
                self.transport.write(wire.CONTINUE)
        self.read_on()
        self.expect_body()

    def read_no_more(self) -> None:
        """Stop reading: there is no room for more."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        if self._paused and not self._waiting and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def expect(self, phase: Phase, seconds: float) -> None:
        """From now on the connection waits for this, so long."""
        self.phase = phase
        self.deadline = self.plane.now + seconds if seconds else NO_DEADLINE

    def expect_body(self) -> None:
        """The client's turn: the next piece of the request's body."""
        self.expect(Phase.BODY, self.plane.live.gateway.timeouts.body)

    def late(self, now: float) -> None:
        """A deadline has passed."""
        exchange = self.exchange
        self.deadline = NO_DEADLINE
        if exchange is not None and self.total_deadline < now:
            self.total_deadline = NO_DEADLINE
            exchange.fail(Refusal.TOTAL_TIMEOUT)
        elif exchange is not None and self.phase in _LATE:
            exchange.fail(_LATE[self.phase])
        elif self.phase is Phase.HEAD and self._partial:
            self._refuse_reading(Exchange(self), Refusal.HEADER_TIMEOUT)
        elif self.phase is Phase.LINGER:
            self.transport.abort()
        else:
            self.shut()

    # who the client is

    def address_of(self, exchange: Exchange) -> bytes:
        """The client's address: the peer's, or what a trusted proxy says."""
        return self.plane.forwarding.client_address(self.peer, exchange.forwarded)

    def origin(self, exchange: Exchange) -> Origin:
        """The scheme and host that the client used."""
        return self.plane.forwarding.origin(
            self.peer, exchange.forwarded, exchange.host, https=self.https
        )

    def forwarding(self, exchange: Exchange) -> bytes:
        """The lines that tell an upstream who the client is."""
        if exchange.forwarded:
            return self.plane.forwarding.lines(
                self.peer, exchange.forwarded, exchange.host, https=self.https
            )
        if self._forwarding is None:
            self._forwarding = self.plane.forwarding.peer_lines(self.peer, https=self.https)
        if exchange.host != self._host:
            self._host = exchange.host
            self._lines = b"%bX-Forwarded-Host: %b\r\n" % (self._forwarding, exchange.host)
        return self._lines


_LATE = {
    Phase.BODY: Refusal.BODY_TIMEOUT,
    Phase.UPLOAD: Refusal.IDLE_TIMEOUT,
    Phase.CONNECT: Refusal.CONNECT_TIMEOUT,
    Phase.FIRST_BYTE: Refusal.FIRST_BYTE_TIMEOUT,
    Phase.STREAM: Refusal.IDLE_TIMEOUT,
    Phase.SEND: Refusal.CLIENT_GONE,
    Phase.HELD: Refusal.HOLD_TIMEOUT,
    Phase.TUNNEL: Refusal.IDLE_TIMEOUT,
}
