"""One connection to an endpoint: writes requests, reads answers, hands their bytes on.

A parser reads one answer and is thrown away. A body with a length is counted, not parsed, once
its head is through: the bytes go from socket to socket as they come. Whatever an endpoint sends
outside an answer, after it or beyond its length makes the connection useless, never an answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools

from strangler.proxy import response, wire
from strangler.proxy.counters import UPSTREAM_CONNECTIONS, Refusal

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.pool import EndpointPool
    from strangler.proxy.tunnel import Tunnel

MAX_HEAD: Final = 256 * 1024
"""Bytes of an answer's head; more is an invalid answer."""
WRITE_HIGH: Final = 256 * 1024
"""Bytes waiting for a slow endpoint or client before its source is no longer read."""


class UpstreamConnection(asyncio.Protocol):
    """A connection to an endpoint; carries one exchange at a time."""

    __slots__ = (
        "body_left",
        "close_after",
        "code",
        "complete",
        "exchange",
        "fields",
        "head_bytes",
        "head_done",
        "http10",
        "idle_since",
        "lines",
        "out",
        "parser",
        "peer",
        "pool",
        "reason",
        "requests",
        "transport",
        "tunnel",
    )

    def __init__(self, pool: EndpointPool) -> None:
        self.pool = pool
        self.exchange: Exchange | None = None
        self.tunnel: Tunnel | None = None
        self.requests = 0
        """Requests sent; a connection with none before this one is fresh."""
        self.idle_since = 0.0
        self.body_left = 0
        self.out: list[bytes] = []

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else ""
        self.pool.cells[UPSTREAM_CONNECTIONS] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.cells[UPSTREAM_CONNECTIONS] -= 1
        self.pool.closed(self)
        exchange, self.exchange = self.exchange, None
        if self.tunnel is not None:
            self.tunnel.close()
        elif exchange is not None:
            self._ended(exchange, reset=exc is not None)

    def eof_received(self) -> bool:
        return self.tunnel is not None and self.tunnel.upstream_ended()

    def pause_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.upstream_full()

    def resume_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.upstream_drained()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if self.tunnel is not None:
            self.tunnel.from_upstream(data)
        elif exchange is None:
            self.close()  # an answer nobody asked for
        elif self.body_left:
            self._count_body(exchange, data)
        else:
            self._parse(exchange, data)

    # the exchange's side

    def start(self, exchange: Exchange, head: bytes) -> None:
        """Send a request's head; the answer goes to `exchange`."""
        self.exchange = exchange
        self.requests += 1
        self.parser = httptools.HttpResponseParser(self)
        self.fields = response.Fields()
        self.lines: list[bytes] = []
        self.code = 0
        self.reason = b""
        self.head_bytes = 0
        self.head_done = False
        self.complete = False
        self.close_after = False
        self.transport.write(head)

    def release(self, now: float) -> None:
        """The exchange is over on both sides: back into the pool, or closed."""
        self.exchange = None
        if self.close_after or not self.complete or self.body_left:
            self.close()
        else:
            self.pool.put(self, now)

    def close(self) -> None:
        """Close without another word to the exchange."""
        self.exchange = None
        self.transport.close()

    def abort(self) -> None:
        """Cut: the request must not look complete to the endpoint."""
        self.exchange = None
        self.transport.abort()

    # reading an answer

    def _parse(self, exchange: Exchange, data: bytes) -> None:
        self.out = []
        if not self.head_done:
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(exchange, data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self.close_after = True
            if not self.complete:
                self._flush(exchange)
                exchange.upstream_failed(Refusal.UPSTREAM_BAD_RESPONSE)
                return
        if not self.head_done and self.head_bytes > MAX_HEAD:
            exchange.upstream_failed(Refusal.UPSTREAM_BAD_RESPONSE)
            return
        self._flush(exchange)
        if self.complete:
            exchange.answered()
        elif self.head_done:
            self.body_left = self.fields.left(exchange.bytes_out)

    def _flush(self, exchange: Exchange) -> None:
        out = self.out
        if out and self.exchange is exchange:
            exchange.write(out[0] if len(out) == 1 else b"".join(out))

    def _count_body(self, exchange: Exchange, data: bytes) -> None:
        size = len(data)
        if size > self.body_left:
            data = data[: self.body_left]
            size = len(data)
            self.close_after = True
        self.body_left -= size
        exchange.bytes_out += size
        exchange.write(data)
        if not self.body_left:
            self.complete = True
            exchange.answered()

    def _upgraded(self, exchange: Exchange, rest: bytes) -> None:
        if exchange.websocket and self.code == 101:
            self._flush(exchange)
            exchange.switched(rest)
        else:
            exchange.upstream_failed(Refusal.UPSTREAM_BAD_RESPONSE)

    def _ended(self, exchange: Exchange, *, reset: bool) -> None:
        """The endpoint closed. Only a body that nothing delimits is complete by that."""
        if self.head_done and not reset and self.fields.until_close and not self.body_left:
            self.complete = True
            self.close_after = True
            if exchange.chunk_answer:
                exchange.write(wire.LAST_CHUNK)
            exchange.answered()
        elif self.head_done or self.code >= 200:
            exchange.upstream_failed(Refusal.UPSTREAM_RESET)
        else:
            exchange.upstream_closed(fresh=self.requests == 1)

    # llhttp's side

    def on_message_begin(self) -> None:
        if self.head_done:
            self.close_after = True  # bytes behind the answer: whose would they be?

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_done:
            self.fields.trailers.append((name, value))
            return
        kind = response.FIELDS.get(name.lower())
        if kind is None:
            self.lines.append(b"%b: %b\r\n" % (name, value))
        else:
            response.note(self.fields, self.lines, kind, name, value)

    def on_headers_complete(self) -> None:
        exchange = self.exchange
        if exchange is None or self.complete:
            self.close_after = True
            return
        self.code = self.parser.get_status_code()
        if self.code < 200:
            self._informational(exchange)
            return
        self.head_done = True
        self.http10 = self.parser.get_http_version() != "1.1"
        self.close_after = self.fields.closes or self.http10
        refusal = response.check(self.fields, exchange, self.code, http10=self.http10)
        if refusal is not None:
            self.close_after = True
            raise ValueError(refusal.label)  # stops the parser
        self.out.append(response.head(exchange, self.fields, self.lines, self.code, self.reason))
        if not self.fields.has_body:
            self.complete = True

    def _informational(self, exchange: Exchange) -> None:
        if self.code == 101:
            if exchange.websocket:
                self.out.append(response.switching(exchange, self.lines, self.fields))
            return
        if self.code == 100:
            exchange.continued = True
        if not exchange.http10:
            self.out.append(response.informational(self.code, self.reason, self.lines))
        self.fields = response.Fields()
        self.lines = []
        self.reason = b""

    def on_body(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None or self.complete:
            self.close_after = True
            return
        exchange.bytes_out += len(data)
        self.out.append(wire.chunk(data) if exchange.chunk_answer else data)

    def on_message_complete(self) -> None:
        exchange = self.exchange
        if exchange is None or not self.head_done or self.complete:
            return
        self.complete = True
        if exchange.chunk_answer:
            self.out.append(response.last_chunk(self.fields.trailers))
