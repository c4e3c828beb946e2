"""One client's connection: reads requests in order, answers them in order.

llhttp reads heads and chunked bodies. A body with a length is counted, not parsed. While one
exchange is under way further (pipelined) requests that have already arrived wait, and no more is
read. Anything that is not clearly one valid request ends the connection: what follows cannot be
told apart any more.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from strangler.proxy import request, wire
from strangler.proxy.counters import CONNECTIONS, CONNECTIONS_TOTAL, REQUESTS_TOTAL, Refusal
from strangler.proxy.deadlines import NO_DEADLINE, Phase
from strangler.proxy.exchange import Exchange
from strangler.proxy.upstream import WRITE_HIGH
from strangler.routing.forwarded import Origin, address_of

if TYPE_CHECKING:
    from strangler.proxy.server import DataPlane
    from strangler.proxy.tunnel import Tunnel
    from strangler.proxy.upstream import UpstreamConnection

LINGER_TIME = 2.0
"""Seconds in which a client's late bytes are thrown away, so that our last answer is not lost to
a reset (RFC 9112, 9.6)."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PARSER_ERRORS = (httptools.HttpParserError, httptools.HttpParserInvalidMethodError)


class ClientConnection(asyncio.Protocol):
    """A client's connection and the exchange it is busy with."""

    __slots__ = (
        "_again",
        "_body_left",
        "_closing",
        "_forwarding",
        "_head_bytes",
        "_paused",
        "_rebuild",
        "_waiting",
        "deadline",
        "exchange",
        "full",
        "https",
        "parser",
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
        self.parser: httptools.HttpRequestParser | None = None
        self._waiting: deque[Exchange] | None = None
        self._body_left = 0
        self._head_bytes = 0
        self._closing = False
        """Nothing more is read as a request."""
        self._paused = False
        self._forwarding: bytes | None = None
        """Lines that are the same for each request of this connection."""
        self._rebuild = False
        """The head just read asks for an upgrade that is not done here."""
        self._again: Exchange | None = None
        """Whose body llhttp is to read although its head had `Upgrade`."""

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

    def connection_lost(self, exc: Exception | None) -> None:
        plane = self.plane
        plane.clients.discard(self)
        plane.cells[CONNECTIONS] -= 1
        self._closing = True
        self.parser = None
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
        if exchange is None or (reading is not None and not reading.request_done):
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
        if self.exchange is not None and self.phase is Phase.SEND:
            self.expect(Phase.STREAM, self.exchange.side.idle)

    def _source(self) -> UpstreamConnection | None:
        return self.exchange.upstream if self.exchange is not None else None

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.from_client(data)
            return
        while data and not self._closing:
            data = self._count_body(data) if self._body_left else self._parse(data)
        if self._waiting:
            self.read_no_more()

    # reading requests

    def _parse(self, data: bytes) -> bytes:
        """Feed llhttp; returns what it did not take (behind a head with `Upgrade`)."""
        parser = self.parser
        if parser is None:
            parser = self.parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._after_upgrade(data[upgrade.args[0] :])
        except _PARSER_ERRORS as error:
            self._unreadable(error)
            return b""
        reading = self.reading
        if reading is None:
            return b""
        if not reading.method:
            self._limit_head(reading, len(data))
        elif not reading.coding and reading.length and not reading.request_done:
            # The head is through and a body with a known length follows: count, do not parse.
            self._body_left = reading.length - reading.bytes_in
            self.parser = None
        return b""

    def _count_body(self, data: bytes) -> bytes:
        reading = self.reading
        assert reading is not None
        left = self._body_left
        if len(data) <= left:
            self._body_left = left - len(data)
            rest = b""
        else:
            data, rest = data[:left], data[left:]
            self._body_left = 0
        reading.body(data)
        if not self._body_left and not self._closing:
            self._complete(reading)
        return rest

    def _limit_head(self, reading: Exchange, size: int) -> None:
        """A head that never ends must not fill the memory of parser and process."""
        self._head_bytes += size
        if self._head_bytes > self.plane.live.gateway.limits.header_bytes:
            self._refuse_reading(reading, Refusal.HEAD_TOO_LARGE)
        elif self.exchange is None and self.phase is not Phase.HEAD:
            self.expect(Phase.HEAD, self.plane.live.gateway.timeouts.header)

    def _unreadable(self, error: Exception) -> None:
        if self._closing:
            return
        reading = self.reading
        if reading is not None and reading.method and not reading.request_done:
            # The body cannot be read on. Its exchange ends, whatever it was doing.
            self._closing = True
            reading.close = True
            if reading is self.exchange:
                reading.fail(Refusal.BAD_REQUEST)
            else:
                reading.refusal = Refusal.BAD_REQUEST
            return
        refusal = Refusal.BAD_REQUEST
        if "Content-Length" in str(error):
            refusal = Refusal.AMBIGUOUS_LENGTH
        elif isinstance(error, httptools.HttpParserInvalidMethodError):
            refusal = Refusal.METHOD
        if reading is None or reading.request_done:
            reading = Exchange(self)
        self._refuse_reading(reading, refusal)

    def _refuse_reading(self, reading: Exchange, refusal: Refusal) -> None:
        """Answer a request that was not understood, after those before it, and read no more."""
        self._closing = True
        reading.refusal = refusal
        reading.close = True
        self._enqueue(reading)

    def _enqueue(self, exchange: Exchange) -> None:
        self.plane.cells[REQUESTS_TOTAL] += 1
        if self.exchange is None:
            self.exchange = exchange
            exchange.begin()
        elif self._waiting is None:
            self._waiting = deque((exchange,))
        else:
            self._waiting.append(exchange)

    def _after_upgrade(self, rest: bytes) -> bytes:
        """Llhttp skips the body behind `Upgrade`, so such a head is read again without it."""
        self.parser = None
        reading = self.reading
        if reading is None or self._closing:
            return b""
        if not self._rebuild:
            # A WebSocket: what follows belongs to the tunnel, if there will be one.
            if rest:
                reading.pending.append(rest)
                reading.close = True
            self.read_no_more()
            return b""
        self._rebuild = False
        self._again = reading
        return _framing_head(reading) + rest

    # llhttp's side

    def on_message_begin(self) -> None:
        if self._closing:
            raise ConnectionAbortedError  # stops the parser
        self.reading = self._again or Exchange(self)
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        reading = self.reading
        if reading is not None and self._again is None:
            reading.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        reading = self.reading
        if reading is None or self._again is not None:
            return
        lower = name.lower()
        if reading.method:
            self._trailer(reading, name, value)
            return
        reading.pairs.append((lower, value))
        kind = request.FIELDS.get(lower)
        if kind is not None:
            request.note(reading, kind, name, value)
        elif b"_" not in lower and not lower.startswith(b"x-strangler-"):
            # WSGI cannot tell `X_Forwarded_For` from `X-Forwarded-For`: no `_` gets through.
            reading.lines.append(b"%b: %b\r\n" % (name, value))

    def _trailer(self, reading: Exchange, name: bytes, value: bytes) -> None:
        if reading.trailers is None:
            reading.trailers = []
        reading.trailers.append((name, value))
        if len(reading.trailers) > self.plane.live.gateway.limits.header_count:
            raise ValueError("too many trailers")

    def on_headers_complete(self) -> None:
        reading, parser = self.reading, self.parser
        if self._closing or reading is None or parser is None:
            raise ConnectionAbortedError
        if self._again is not None:
            self._again = None
            self._enqueue(reading)
            return
        reading.method = parser.get_method()
        limits = self.plane.live.gateway.limits
        if len(reading.target) + len(reading.method) + 11 > limits.request_line:
            self._refuse_head(reading, Refusal.URI_TOO_LONG)
        if len(reading.pairs) > limits.header_count or self._head_size(reading) > (
            limits.header_bytes
        ):
            self._refuse_head(reading, Refusal.HEAD_TOO_LARGE)
        refusal = request.check(reading, parser.get_http_version())
        if refusal is not None:
            self._refuse_head(reading, refusal)
        if parser.should_upgrade():
            if not request.wants_websocket(reading):
                self._rebuild = True
                reading.close = request.closes(reading)
                return
            reading.websocket = True
        if not parser.should_keep_alive():
            reading.close = True
        self._enqueue(reading)

    def _head_size(self, reading: Exchange) -> int:
        size = 4 * len(reading.pairs)
        for name, value in reading.pairs:
            size += len(name) + len(value)
        return size

    def _refuse_head(self, reading: Exchange, refusal: Refusal) -> None:
        self._refuse_reading(reading, refusal)
        raise ConnectionAbortedError(refusal.label)  # stops the parser

    def on_body(self, data: bytes) -> None:
        reading = self.reading
        if reading is not None and not self._rebuild:
            reading.body(data)
        if self._closing:
            raise ConnectionAbortedError

    def on_message_complete(self) -> None:
        reading = self.reading
        if reading is None or self._rebuild:
            return
        self._complete(reading)

    def _complete(self, reading: Exchange) -> None:
        if reading.close:
            self._closing = True  # bytes behind the last request are nobody's
        self.reading = None
        reading.body_done()

    @property
    def is_idle(self) -> bool:
        """Nothing is under way: no request has begun to arrive."""
        return self.exchange is None and not self._head_bytes and self.reading is None

    # the exchange's side

    def next(self, done: Exchange) -> None:
        """`done` has its whole answer: go on with the next request, or close."""
        if self.exchange is not done:
            return
        self.exchange = None
        self.total_deadline = NO_DEADLINE
        if done.close or not done.request_done:
            self._close()
        elif self._waiting:
            self.exchange = self._waiting.popleft()
            self.exchange.begin()
        elif self._closing:
            self._close()
        else:
            self.read_on()
            self.expect(Phase.IDLE, self.plane.live.gateway.timeouts.keep_alive)

    def closes_after(self, exchange: Exchange) -> bool:
        """The connection ends with this answer."""
        if self.plane.draining and not exchange.close:
            exchange.close = not self._waiting
        return exchange.close

    def cut(self, *, reset: bool) -> None:
        """End so that the client sees an error, not the end of an answer."""
        self._closing = True
        self.exchange = None
        if reset:
            # Only a reset is an error to a client that waits for the end of the connection.
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()
        else:
            self.transport.close()

    def _close(self) -> None:
        """Close behind an answer; a client that still sends gets the time to read it."""
        sending = self.reading is not None and not self.reading.request_done
        self._closing = True
        self.reading = None
        if sending and self.transport.can_write_eof():
            self.transport.write_eof()
            self.read_on()
            self.expect(Phase.LINGER, LINGER_TIME)
        else:
            self.transport.close()

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
        self.deadline = self.plane.time() + seconds if seconds else NO_DEADLINE

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
        elif self.phase is Phase.HEAD and self.reading is not None and self._head_bytes:
            self._refuse_reading(self.reading, Refusal.HEADER_TIMEOUT)
        elif self.phase is Phase.LINGER:
            self.transport.abort()
        else:
            self._closing = True
            self.transport.close()

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
        return b"%bX-Forwarded-Host: %b\r\n" % (self._forwarding, exchange.host)


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


def _framing_head(ex: Exchange) -> bytes:
    """A head that makes llhttp read the body of `ex`, whose own head it stumbled over."""
    if ex.coding:
        return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (ex.length or 0)
