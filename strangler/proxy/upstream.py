"""One connection to an endpoint: writes requests, reads answers, hands their bytes on.

llhttp approves the head of an answer; its body is counted, or taken out of its chunks, and goes
from socket to socket as it comes. Whatever an endpoint sends outside an answer, after it or
beyond its length makes the connection useless, never an answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from strangler.proxy import response, wire
from strangler.proxy.chunked import ChunkDecoder, ChunkError
from strangler.proxy.counters import UPSTREAM_CONNECTIONS, Refusal
from strangler.proxy.deadlines import Phase

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.pool import EndpointPool
    from strangler.proxy.tunnel import Tunnel

MAX_HEAD: Final = 256 * 1024
"""Bytes of an answer's head; more is an invalid answer."""
CLOSE_TIME: Final = 2.0
"""Seconds that an endpoint gets to take the last bytes before its connection is cut."""
WRITE_HIGH: Final = 256 * 1024
"""Bytes waiting for a slow endpoint or client before its source is no longer read."""


class UpstreamConnection(asyncio.Protocol):
    """A connection to an endpoint; carries one exchange at a time."""

    __slots__ = (
        "_answer",
        "_chunks",
        "_full",
        "_left",
        "_partial",
        "close_after",
        "exchange",
        "idle_since",
        "peer",
        "pool",
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
        self.close_after = False
        """Not to be used for another request."""
        self._full = False
        """The endpoint takes no more bytes for now."""
        self._answer: response.Answer | None = None
        self._left = 0
        """Bytes of a body with a length that are still to come."""
        self._chunks: ChunkDecoder | None = None
        self._partial = b""

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
        self._full = True
        if self.exchange is not None:
            self.exchange.upstream_full()

    def resume_writing(self) -> None:
        self._full = False
        if self.exchange is not None:
            self.exchange.upstream_drained()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if self.tunnel is not None:
            self.tunnel.from_upstream(data)
        elif exchange is None:
            self.close()  # an answer nobody asked for
        elif self._answer is None:
            self._read_head(exchange, data)
        else:
            self._read_body(exchange, data, b"")

    # the exchange's side

    def start(self, exchange: Exchange, head: bytes) -> None:
        """Send a request's head; the answer goes to `exchange`."""
        self.exchange = exchange
        self.requests += 1
        self._answer = None
        self.transport.write(head)

    def release(self, now: float) -> None:
        """The exchange is over on both sides: back into the pool, or closed."""
        exchange, self.exchange = self.exchange, None
        pool = self.pool
        if exchange is not None and exchange.client.full:
            self.transport.resume_reading()  # one client's slowness is not the next one's
        if self._full:
            self.transport.abort()  # it has answered without taking the request
        elif self.close_after or pool.retired or len(pool.idle) >= pool.upstream.pool_size:
            self.transport.close()
        else:
            self.idle_since = now
            pool.idle.append(self)

    def close(self) -> None:
        """Close without another word to the exchange, when the endpoint has taken what was sent."""
        self.exchange = None
        self.transport.close()
        if self.transport.get_write_buffer_size():  # it may never take it
            asyncio.get_running_loop().call_later(CLOSE_TIME, self.transport.abort)

    def abort(self) -> None:
        """Cut: the request must not look complete to the endpoint."""
        self.exchange = None
        self.transport.abort()

    # reading an answer

    def _read_head(self, exchange: Exchange, data: bytes) -> None:
        """Read heads until the final one; interim ones go to the client at once."""
        if self._partial:
            data = self._partial + data
            self._partial = b""
        out = b""
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                self._partial = data
                if len(data) > MAX_HEAD:
                    exchange.fail(Refusal.UPSTREAM_BAD_RESPONSE)
                elif out:
                    exchange.interim(out)
                return
            answer = response.read(data[:end])
            data = data[end:]
            if answer is None or not 100 <= answer.code <= 599:
                exchange.fail(Refusal.UPSTREAM_BAD_RESPONSE)
                return
            if answer.code >= 200:
                break
            if answer.code == 101:
                self._upgraded(exchange, answer, data)
                return
            exchange.continued = exchange.continued or answer.code == 100
            if not exchange.http10:
                out += response.informational(answer)
        self._final_head(exchange, answer, data, out)

    def _final_head(
        self, exchange: Exchange, answer: response.Answer, data: bytes, out: bytes
    ) -> None:
        self._answer = answer
        response.frame(answer, exchange)
        if answer.closes or answer.until_close:
            self.close_after = True
        out += response.head(exchange, answer)
        if answer.length is not None and answer.has_body:
            self._left = answer.length
        elif answer.coding and answer.has_body:
            self._chunks = ChunkDecoder()
        self._read_body(exchange, data, out)

    def _read_body(self, exchange: Exchange, data: bytes, out: bytes) -> None:
        """Hand on `out`, the head if this is the first call, and what `data` has of the body."""
        if self._left:
            size = len(data)
            if size > self._left:
                data = data[: self._left]
                size = self._left
                self.close_after = True
            self._left -= size
            exchange.bytes_out += size
            self._hand_on(exchange, out + data if out else data, complete=not self._left)
        elif self._chunks is not None:
            self._read_chunks(exchange, self._chunks, data, out)
        elif self._until_close:
            exchange.bytes_out += len(data)
            out += wire.chunk(data) if exchange.chunk_answer and data else data
            self._hand_on(exchange, out, complete=False)
        else:
            if data:
                self.close_after = True  # bytes behind the answer: whose would they be?
            self._hand_on(exchange, out, complete=True)

    @property
    def _until_close(self) -> bool:
        return self._answer is not None and self._answer.until_close

    def _hand_on(self, exchange: Exchange, out: bytes, *, complete: bool) -> None:
        client = exchange.client
        exchange.started = True
        client.transport.write(out)
        if complete:
            exchange.answered()
        elif not client.full:
            client.expect(Phase.STREAM, exchange.side.idle)

    def _read_chunks(
        self, exchange: Exchange, chunks: ChunkDecoder, data: bytes, out: bytes
    ) -> None:
        try:
            piece = chunks.feed(data)
        except ChunkError:
            exchange.fail(Refusal.UPSTREAM_BAD_RESPONSE)
            return
        again = exchange.chunk_answer
        parts = [out]
        if piece:
            exchange.bytes_out += len(piece)
            parts.append(wire.chunk(piece) if again else piece)
        if chunks.done:
            self._chunks = None
            if chunks.rest:
                self.close_after = True
            if again:
                parts.append(response.last_chunk(chunks.trailers))
        self._hand_on(exchange, b"".join(parts), complete=chunks.done)

    def _upgraded(self, exchange: Exchange, answer: response.Answer, rest: bytes) -> None:
        if exchange.websocket and answer.upgrade.lower() == b"websocket":
            self.close_after = True
            exchange.started = True
            exchange.client.transport.write(response.switching(exchange, answer))
            exchange.switched(rest)
        else:
            exchange.fail(Refusal.UPSTREAM_BAD_RESPONSE)

    def _ended(self, exchange: Exchange, *, reset: bool) -> None:
        """The endpoint closed. Only a body that nothing delimits is complete by that."""
        answer = self._answer
        if answer is None:
            begun = bool(self._partial) or exchange.continued
            exchange.upstream_closed(repeatable=not begun and self.requests > 1)
        elif answer.until_close and not reset:
            if exchange.chunk_answer:
                exchange.client.transport.write(wire.LAST_CHUNK)
            exchange.answered()
        else:
            exchange.fail(Refusal.UPSTREAM_RESET)
