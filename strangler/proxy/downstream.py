"""One client's connection: requests are begun and answered in the order they came.

`reading` makes requests of the bytes; here is whose turn it is, when the connection ends, what it
waits for and how long. While one exchange is under way, further (pipelined) requests that have
already arrived wait, and no more is read.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

from strangler.proxy import wire
from strangler.proxy.counters import CONNECTIONS, CONNECTIONS_TOTAL, Refusal
from strangler.proxy.deadlines import NO_DEADLINE, Phase
from strangler.proxy.exchange import Exchange
from strangler.proxy.reading import RequestReader
from strangler.proxy.upstream import WRITE_HIGH
from strangler.routing.forwarded import Origin, address_of

if TYPE_CHECKING:
    from strangler.proxy.server import DataPlane
    from strangler.proxy.state import ExchangeState
    from strangler.proxy.upstream import UpstreamConnection

LINGER_TIME = 2.0
"""Seconds in which a client's late bytes are thrown away, so that our last answer is not lost to
a reset (RFC 9112, 9.6)."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ClientConnection(RequestReader):
    """A client's connection and the exchange it is busy with."""

    __slots__ = (
        "_forwarding",
        "_host",
        "_lines",
        "_paused",
        "_taking_turns",
        "deadline",
        "full",
        "https",
        "peer",
        "total_deadline",
        "transport",
    )

    def __init__(self, plane: DataPlane) -> None:
        super().__init__(plane)
        self.full = False
        """The client takes no more bytes for now."""
        self.total_deadline = NO_DEADLINE
        self._taking_turns = False
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

    # the reader's side

    def new_exchange(self) -> Exchange:
        """An exchange of this connection."""
        return Exchange(self)

    def enqueue(self, exchange: Exchange) -> None:
        """A request has been read, or refused: begin it when its turn comes."""
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
        elif self._paused:
            self._idle()
        else:
            self.phase = Phase.IDLE
            keep_alive = self.plane.live.gateway.timeouts.keep_alive
            self.deadline = self.plane.now + (keep_alive or NO_DEADLINE)

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

    def address_of(self, exchange: ExchangeState) -> bytes:
        """The client's address: the peer's, or what a trusted proxy says."""
        return self.plane.forwarding.client_address(self.peer, exchange.forwarded)

    def origin(self, exchange: ExchangeState) -> Origin:
        """The scheme and host that the client used."""
        return self.plane.forwarding.origin(
            self.peer, exchange.forwarded, exchange.host, https=self.https
        )

    def forwarding(self, exchange: ExchangeState) -> bytes:
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
