"""What is known about one request and its answer while they are under way.

Attributes not set in `__init__` fall back to the class: a request sets only what it has, which is
much cheaper than setting fifty attributes each time.
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
    matched = False
    """`plan` is known."""
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
