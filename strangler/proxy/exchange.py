"""One request and its answer, from the match to the last byte.

The client's connection creates an exchange per head, calls `begin` when it is its turn and feeds
it the body; the upstream's connection feeds it the answer. Everything that can go wrong ends in
`refuse` (no byte of an answer was sent yet) or `cut` (the client must see that it is incomplete).

Attributes not set in `__init__` fall back to the class: a request sets only what it has.
"""

from __future__ import annotations

from bisect import bisect_left
from random import getrandbits
from time import monotonic
from typing import TYPE_CHECKING

from strangler.config.model import Buffering
from strangler.proxy import request, wire
from strangler.proxy.counters import (
    ABORTED,
    BOUNDS_US,
    BUCKETS,
    BYTES_IN,
    BYTES_OUT,
    DURATION_US,
    IN_FLIGHT,
    RECONNECTS_TOTAL,
    REFUSALS,
    RETRIES,
    STATUS_1XX,
    Refusal,
)
from strangler.proxy.deadlines import NO_DEADLINE, Phase
from strangler.proxy.fields import pairs_of
from strangler.proxy.tunnel import Tunnel
from strangler.routing.table import AMBIGUOUS

if TYPE_CHECKING:
    from strangler.proxy.downstream import ClientConnection
    from strangler.proxy.plan import RoutePlan, Side
    from strangler.proxy.pool import EndpointPool
    from strangler.proxy.upstream import UpstreamConnection

PENDING_HIGH = 64 * 1024
"""Bytes of a body that wait for a connection before the client is no longer read."""
MAX_ATTEMPTS = 3
NO_PAIRS: list[tuple[bytes, bytes]] = []


class Exchange:
    """One request and its answer."""

    # the head
    method = b""
    target = b""
    path = b""
    query = b""
    has_query = False
    host = b""
    host_fields = 0
    http10 = False
    connection = b""
    length: int | None = None
    coding = b""
    framed_twice = False
    """Two lengths, or a length and chunks (RFC 9112, 6.3)."""
    upgrade = b""
    websocket = False
    expect = b""
    cookie = b""
    forwarded: list[tuple[bytes, bytes]] = NO_PAIRS
    via = b""
    request_id = b""
    traceparent = b""
    te_trailers = False

    unusual = False
    """Some field needs a closer look; most requests have none."""

    # the decision
    plan: RoutePlan
    side: Side
    endpoint: EndpointPool
    safe = True
    counted = False
    """Counted as a write in flight of its group."""
    in_flight = False
    base = 0
    """First counter cell of the series it counts in, while it is in flight."""
    new_cookie: bytes | None = None
    refusal: Refusal | None = None

    # the way of the body
    pending_bytes = 0
    collecting = False
    """The whole body is collected before it is sent."""
    buffered = 0
    """Bytes counted against the worker's limit of collected bodies."""
    held = False
    released = False
    """Let go by a fence, and not over yet."""
    request_done = False
    bytes_in = 0
    trailers: list[bytes] | None = None

    # the answer
    upstream: UpstreamConnection | None = None
    connecting = False
    tried: tuple[EndpointPool, ...] = ()
    attempts = 0
    needs_fresh = False
    """A kept connection turned out to be closed: the next one is a new one."""
    sent = False
    """Something of the request was written to an endpoint."""
    continued = False
    status = 0
    started = False
    """The answer's head was written to the client."""
    chunk_answer = False
    bytes_out = 0
    close = False
    over = False
    began = 0.0

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.head: list[bytes] = []
        """Every header line as it came."""
        self.lines: list[bytes] = []
        """Those that are copied."""
        self.pending: list[bytes] = []
        """Pieces of the body that wait for a connection."""

    # from the head to a connection

    def begin(self) -> None:
        """It is this exchange's turn: decide, and send it on its way."""
        client = self.client
        live = client.plane.live
        self.began = self.began or monotonic()
        if self.refusal is not None:
            self.refuse(self.refusal)
            return
        index = live.routing.match(
            self.method,
            self.host.lower(),
            self.path,
            self.query,
            pairs_of(self.head) if live.reads_headers else NO_PAIRS,
        )
        if index == AMBIGUOUS:
            self.refuse(Refusal.AMBIGUOUS_PATH)
            return
        plan = self.plan = live.plan(index)
        self.safe = self.method in wire.SAFE_METHODS and not self.websocket
        if (self.length or 0) > plan.body_limit or self.bytes_in > plan.body_limit:
            self.refuse(Refusal.BODY_TOO_LARGE)
        elif plan.chooser is None:
            client.plane.answer(self)
        elif not self.safe and plan.fenced:
            client.plane.hold.add(self)
        elif not self.safe and plan.has_streams and not client.plane.may_write():
            self.refuse(Refusal.LEASE_LOST)
        else:
            self._choose(plan)

    def _choose(self, plan: RoutePlan) -> None:
        client = self.client
        plane = client.plane
        side = plan.fixed if self.safe or plan.owner is None else plan.owner
        if side is None:
            assert plan.chooser is not None
            choice = plan.chooser.choose(
                pairs_of(self.head) if plan.reads_headers else NO_PAIRS,
                self.cookie,
                client.address_of(self),
                plane.cookies,
                _draw,
                https=client.https,
            )
            side = plan.sides[choice.upstream]
            self.new_cookie = choice.new_cookie
        self.side = side
        if side.total < NO_DEADLINE:
            client.total_deadline = self.began + side.total
        if not (self.request_id and self.traceparent):
            request.identify(self)
        if self.via and request.looping(self, plan.pseudonym):
            self.refuse(Refusal.BAD_REQUEST)
            return
        self.counts(side.base)
        if not self.safe:
            plane.write_begins(self)
        buffering = side.buffering
        if buffering is not Buffering.OFF and (
            self.coding or (self.length and buffering is Buffering.ALL)
        ):
            self._collect()
        else:
            self.dispatch()

    def counts(self, base: int) -> None:
        """From now on it is in flight in the series that begins at this cell."""
        self.client.plane.cells[base + IN_FLIGHT] += 1
        self.base = base
        self.in_flight = True

    def _collect(self) -> None:
        """Take in the whole body first: the upstream reads no chunks, or is spared slow clients."""
        self.collecting = True
        limit = self.client.plane.live.gateway.limits.buffered_body
        if (self.length or self.pending_bytes) > limit:
            self.refuse(Refusal.BODY_TOO_LARGE)
        elif self.request_done:
            self.dispatch()
        else:
            self.client.invite_body(self)

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
        self.connecting = True
        self.client.expect(Phase.CONNECT, self.side.connect + 1)

    def connected(self, connection: UpstreamConnection) -> bool:
        """The connection that was opened for this exchange; False when nobody needs it any more."""
        self.connecting = False
        if self.over:
            return False
        self._send(connection)
        return True

    def connect_failed(self, refusal: Refusal) -> None:
        """Nothing was written: any request may try the next endpoint."""
        self.connecting = False
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
        self.sent = True
        client = self.client
        if not self.request_done:
            client.read_on()  # before the writes, as they may fill the endpoint
        length = self.pending_bytes if self.collecting else None
        connection.start(self, request.upstream_head(self, length=length))
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
        trailers = request.trailer_lines(self.trailers) if self.trailers else b""
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

    # the answer

    def interim(self, data: bytes) -> None:
        """Interim answers (1xx); the final one is still to come."""
        self.client.transport.write(data)

    def answered(self) -> None:
        """The answer is complete."""
        connection = self.upstream
        if connection is not None:
            self.upstream = None
            if self.request_done:
                connection.release(monotonic())
            else:
                connection.abort()  # the endpoint answered early and must not get a cut body
        self._finish()
        self.client.next(self)

    def switched(self, rest: bytes) -> None:
        """The upstream said 101: from now on bytes go through as they are."""
        connection = self.upstream
        assert connection is not None
        tunnel = connection.tunnel = self.client.tunnel = Tunnel(self, connection)
        early, self.pending = self.pending, []
        for data in early:
            tunnel.from_client(data)
        if rest:
            tunnel.from_upstream(rest)
        self.client.read_on()
        if tunnel.group in self.client.plane.live.fenced:
            tunnel.close()  # the fence came between its request and this answer

    def tunnel_closed(self) -> None:
        """Both connections of the tunnel are closed."""
        self.upstream = None
        self._finish()

    @property
    def is_plain(self) -> bool:
        """The answer's head needs no line about this connection."""
        return (
            self.request_done
            and not self.http10
            and not self.close
            and self.new_cookie is None
            and not self.client.plane.draining
        )

    # what can go wrong

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

    def fail(self, refusal: Refusal) -> None:
        """End the exchange: by an answer of our own, or visibly cut if one has begun."""
        if self.over:
            return
        if self.started:
            self.cut(refusal)
        else:
            self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        """Answer instead of the upstream."""
        client = self.client
        self._drop_upstream()
        self.refusal = refusal
        self.status = refusal.status
        close = self.close = self.close or not self.request_done or client.closes_after(self)
        client.plane.cells[REFUSALS + refusal] += 1
        head_only = self.method == b"HEAD"
        answer = wire.refusal_answer(
            refusal, request_id=self.request_id, close=close, head_only=head_only
        )
        client.transport.write(answer)
        self._finish()
        client.next(self)

    def cut(self, refusal: Refusal) -> None:
        """The answer has begun and cannot be completed: the client must notice."""
        self._drop_upstream()
        self.refusal = refusal
        client = self.client
        client.plane.cells[REFUSALS + refusal] += 1
        self._finish(aborted=True)
        client.cut(reset=not self.chunk_answer and self.http10)

    def client_gone(self) -> None:
        """The client left: nothing more is sent to the endpoint either."""
        if self.over:
            return
        self._drop_upstream()
        self.refusal = Refusal.CLIENT_GONE
        self.status = self.status or Refusal.CLIENT_GONE.status
        self.client.plane.cells[REFUSALS + Refusal.CLIENT_GONE] += 1
        self._finish(aborted=True)

    def _drop_upstream(self) -> None:
        connection, self.upstream = self.upstream, None
        if connection is not None:
            connection.abort()

    def _finish(self, *, aborted: bool = False) -> None:
        if self.over:
            return
        self.over = True
        plane = self.client.plane
        if self.attempts:
            self.endpoint.in_flight -= 1
        if self.counted:
            plane.write_ends(self)
        if self.held or self.released:
            plane.hold.ended(self)
        if self.collecting:
            plane.unbuffer(self)
        elapsed = int((monotonic() - self.began) * 1_000_000)
        if self.in_flight:
            cells = plane.cells
            base = self.base
            cells[base + IN_FLIGHT] -= 1
            cells[base + STATUS_1XX - 1 + self.status // 100] += 1
            cells[base + BYTES_OUT] += self.bytes_out
            cells[base + DURATION_US] += elapsed
            cells[base + BUCKETS + bisect_left(BOUNDS_US, elapsed)] += 1
            if self.bytes_in:
                cells[base + BYTES_IN] += self.bytes_in
            if aborted:
                cells[base + ABORTED] += 1
        if plane.log_request is not None:
            plane.log_request(self, elapsed)


def _draw() -> int:
    return getrandbits(128)
