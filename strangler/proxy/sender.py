"""The request's way to an endpoint: a connection for it, its head, its body as it comes.

Only a read is ever sent again, and only if the connection that took it had been kept and brought
no byte of an answer: it was closed while idle. A write is sent once (ADR 3).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from strangler.proxy import forward, wire
from strangler.proxy.counters import RECONNECTS_TOTAL, RETRIES, Refusal
from strangler.proxy.deadlines import Phase
from strangler.proxy.state import ExchangeState

if TYPE_CHECKING:
    from strangler.proxy.upstream import UpstreamConnection

PENDING_HIGH: Final = 64 * 1024
"""Bytes of a body that wait for a connection before the client is no longer read."""
MAX_ATTEMPTS: Final = 3


class Sender(ExchangeState):
    """Sends one request."""

    __slots__ = ()

    @abstractmethod
    def refuse(self, refusal: Refusal) -> None:
        """Answer instead of the upstream."""

    @abstractmethod
    def fail(self, refusal: Refusal) -> None:
        """End the exchange: by an answer of our own, or visibly cut if one has begun."""

    # a connection

    def dispatch(self) -> None:
        """Send the request to an endpoint, over an idle connection or a new one."""
        pool = self.side.pool
        endpoint = pool.only if pool.only and not self.tried else pool.pick(self.tried)
        if endpoint is None:
            self.refuse(Refusal.NO_ENDPOINT if not self.tried else Refusal.CONNECT_FAILED)
            return
        self.endpoint = endpoint
        endpoint.in_flight += 1
        self.attempts += 1
        if endpoint.idle and not self.needs_fresh:
            connection = endpoint.take(safe=self.safe)
            if connection is not None:
                self._send(connection)
                return
        refusal = endpoint.begin_open(self)
        if refusal is not None:
            self.refuse(refusal)
            return
        self.client.expect(Phase.CONNECT, self.side.connect + 1)

    def connected(self, connection: UpstreamConnection) -> bool:
        """The connection that was opened for this exchange; False when nobody needs it any more."""
        if self.over:
            return False
        self._send(connection)
        return True

    def connect_failed(self, refusal: Refusal) -> None:
        """Nothing was written: any request may try the next endpoint."""
        if self.over:
            return
        self.endpoint.in_flight -= 1
        self.tried = (*self.tried, self.endpoint)
        if self.attempts < MAX_ATTEMPTS and self.side.pool.pick(self.tried) is not None:
            self.client.plane.cells[self.side.base + RETRIES] += 1
            self.dispatch()
        else:
            self.endpoint.in_flight += 1  # `_finish` gives it back
            self.refuse(refusal)

    def _send(self, connection: UpstreamConnection) -> None:
        self.upstream = connection
        client = self.client
        if not self.request_done:
            client.read_on()  # before the writes, as they may fill the endpoint
        length = self.pending_bytes if self.collecting else None
        # Every Sender is an Exchange; the upper half hears of the answer.
        connection.start(self, forward.upstream_head(self, length=length))  # type: ignore[arg-type]
        if self.pending and not self.websocket:
            self._send_pending(connection)
        if self.request_done:
            if self.coding and not self.collecting:
                self._send_last_chunk(connection)
            client.phase = Phase.FIRST_BYTE
            client.deadline = client.plane.now + self.side.first_byte
        else:
            client.expect_body()

    def _send_pending(self, connection: UpstreamConnection) -> None:
        chunked = self.coding and not self.collecting
        pieces = self.pending
        connection.transport.writelines([wire.chunk(p) for p in pieces] if chunked else pieces)
        if not self.safe:
            self.pending = []

    def _may_repeat(self) -> bool:
        """It is a read, and all of it is still here."""
        return self.safe and self.request_done and self.pending_bytes == self.bytes_in

    def _send_last_chunk(self, connection: UpstreamConnection) -> None:
        trailers = forward.trailer_lines(self.trailers) if self.trailers else b""
        connection.transport.write(b"0\r\n%b\r\n" % trailers)

    # the request's body

    def body(self, data: bytes) -> None:
        """A piece of the request's body."""
        size = len(data)
        self.bytes_in += size
        if self.over:
            return
        connection = self.upstream
        if connection is not None:
            if self.bytes_in > self.plan.body_limit:
                self.fail(Refusal.BODY_TOO_LARGE)
                return
            self.client.expect_body()  # before the write: it may fill the endpoint
            connection.transport.write(wire.chunk(data) if self.coding else data)
            return
        self.pending.append(data)
        self.pending_bytes += size
        self._check_pending()

    def _check_pending(self) -> None:
        client = self.client
        if self.collecting:
            limits = client.plane.live.gateway.limits
            if self.bytes_in > min(self.plan.body_limit, limits.buffered_body):
                self.refuse(Refusal.BODY_TOO_LARGE)
            elif not client.plane.buffer(self):
                self.refuse(Refusal.BUFFER_FULL)
            else:
                client.expect_body()
        elif self.pending_bytes > (client.plane.hold.body if self.held else PENDING_HIGH):
            client.read_no_more()

    def body_done(self) -> None:
        """The request is complete."""
        self.request_done = True
        if self.over or self.client.exchange is not self:
            return
        connection = self.upstream
        if connection is not None:
            if self.coding:
                self._send_last_chunk(connection)
            if not self.started:
                self.client.expect(Phase.FIRST_BYTE, self.side.first_byte)
        elif self.collecting:
            self.dispatch()

    # what the endpoint does

    def upstream_closed(self, *, repeatable: bool) -> None:
        """The endpoint closed before an answer; a read on a kept connection is sent once more.

        `repeatable`: the connection had served before and brought no byte of this answer, so it
        was most likely closed while idle.
        """
        self.upstream = None
        if not (repeatable and self._may_repeat() and self.attempts < MAX_ATTEMPTS):
            self.fail(Refusal.UPSTREAM_RESET)
            return
        plane = self.client.plane
        self.needs_fresh = True
        plane.cells[RECONNECTS_TOTAL] += 1
        plane.cells[self.side.base + RETRIES] += 1
        self.endpoint.in_flight -= 1
        self.dispatch()

    def upstream_full(self) -> None:
        """The endpoint takes no more for now: the client is not read."""
        self.client.read_no_more()
        if not self.started and self.client.tunnel is None:
            self.client.expect(Phase.UPLOAD, self.side.idle)

    def upstream_drained(self) -> None:
        """The endpoint takes bytes again."""
        self.client.read_on()
        if self.client.tunnel is None and not self.request_done:
            self.client.expect_body()
