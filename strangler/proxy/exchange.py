"""One request and its answer, from the match to the last byte.

The client's connection creates an exchange per head, calls `begin` when it is its turn and feeds
it the body; the upstream's connection feeds it the answer. Everything that can go wrong ends in
`refuse` (no byte of an answer was sent yet) or `cut` (the client must see that it is incomplete).
"""

from __future__ import annotations

from bisect import bisect_left
from random import getrandbits
from time import monotonic
from typing import TYPE_CHECKING

from strangler.config.model import Buffering
from strangler.proxy import forward, wire
from strangler.proxy.counters import (
    ABORTED,
    BOUNDS_US,
    BUCKETS,
    BYTES_IN,
    BYTES_OUT,
    DURATION_US,
    IN_FLIGHT,
    REFUSALS,
    STATUS_1XX,
    Refusal,
)
from strangler.proxy.deadlines import NO_DEADLINE
from strangler.proxy.fields import pairs_of
from strangler.proxy.sender import Sender
from strangler.proxy.state import NO_PAIRS
from strangler.proxy.tunnel import Tunnel
from strangler.routing.table import AMBIGUOUS

if TYPE_CHECKING:
    from strangler.proxy.plan import RoutePlan


class Exchange(Sender):
    """One request and its answer."""

    __slots__ = ()

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
        plan = self.plan = live.plans[index] or live.plan(index)
        self.matched = True
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
                client.address_of(self) if plan.reads_address else b"",
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
            forward.identify(self)
        if self.via and forward.looping(self, plan.pseudonym):
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

    # what can go wrong

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
        if self.method and not self.request_id:
            forward.identify(self)
        head_only = self.method == b"HEAD"
        answer = wire.refusal_answer(
            refusal,
            request_id=self.request_id,
            close=close,
            head_only=head_only,
            lines=self.plan.route_line if self.matched else b"",
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
