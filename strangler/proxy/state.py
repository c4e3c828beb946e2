"""What is known about one request and its answer while they are under way.

Slots, all of them set at once: that costs less than half a microsecond, and each of the many looks
at them on a request's way is several times cheaper than a default that is found in the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strangler.proxy.counters import Refusal

if TYPE_CHECKING:
    from strangler.proxy.downstream import ClientConnection
    from strangler.proxy.plan import RoutePlan, Side
    from strangler.proxy.pool import EndpointPool
    from strangler.proxy.upstream import UpstreamConnection

NO_PAIRS: list[tuple[bytes, bytes]] = []


class ExchangeState:
    """The facts; `sender.Sender` and `exchange.Exchange` act on them."""

    __slots__ = (
        "attempts",
        "base",
        "began",
        "buffered",
        "bytes_in",
        "bytes_out",
        "chunk_answer",
        "client",
        "close",
        "coding",
        "collecting",
        "connection",
        "continued",
        "cookie",
        "counted",
        "endpoint",
        "expect",
        "forwarded",
        "framed_twice",
        "has_query",
        "head",
        "held",
        "host",
        "host_fields",
        "http10",
        "in_flight",
        "length",
        "lines",
        "matched",
        "method",
        "needs_fresh",
        "new_cookie",
        "over",
        "path",
        "pending",
        "pending_bytes",
        "plan",
        "query",
        "refusal",
        "released",
        "request_done",
        "request_id",
        "safe",
        "side",
        "started",
        "status",
        "target",
        "te_trailers",
        "traceparent",
        "trailers",
        "tried",
        "unusual",
        "upgrade",
        "upstream",
        "via",
        "websocket",
    )

    def __init__(self, client: ClientConnection) -> None:  # noqa: PLR0915 (a list of facts)
        self.client = client
        self.head: list[bytes] = []
        """Every header line as it came."""
        self.lines: list[bytes] = []
        """Those that are copied."""
        self.pending: list[bytes] = []
        """Pieces of the body that wait for a connection."""

        # the head
        self.method = b""
        self.target = b""
        self.path = b""
        self.query = b""
        self.has_query = False
        self.host = b""
        self.host_fields = 0
        self.http10 = False
        self.connection = b""
        self.length: int | None = None
        self.coding = b""
        self.framed_twice = False
        """Two lengths, or a length and chunks (RFC 9112, 6.3)."""
        self.upgrade = b""
        self.websocket = False
        self.expect = b""
        self.cookie = b""
        self.forwarded: list[tuple[bytes, bytes]] = NO_PAIRS
        self.via = b""
        self.request_id = b""
        self.traceparent = b""
        self.te_trailers = False

        self.unusual = False
        """Some field needs a closer look; most requests have none."""

        # the decision
        self.plan: RoutePlan
        self.matched = False
        """`plan` is known."""
        self.side: Side
        self.endpoint: EndpointPool
        self.safe = True
        self.counted = False
        """Counted as a write in flight of its group."""
        self.in_flight = False
        self.base = 0
        """First counter cell of the series it counts in, while it is in flight."""
        self.new_cookie: bytes | None = None
        self.refusal: Refusal | None = None

        # the way of the body
        self.pending_bytes = 0
        self.collecting = False
        """The whole body is collected before it is sent."""
        self.buffered = 0
        """Bytes counted against the worker's limit of collected bodies."""
        self.held = False
        self.released = False
        """Let go by a fence, and not over yet."""
        self.request_done = False
        self.bytes_in = 0
        self.trailers: list[bytes] | None = None

        # the answer
        self.upstream: UpstreamConnection | None = None
        self.tried: tuple[EndpointPool, ...] = ()
        self.attempts = 0
        self.needs_fresh = False
        """A kept connection turned out to be closed: the next one is a new one."""
        """Something of the request was written to an endpoint."""
        self.continued = False
        self.status = 0
        self.started = False
        """The answer's head was written to the client."""
        self.chunk_answer = False
        self.bytes_out = 0
        self.close = False
        self.over = False
        self.began = 0.0
