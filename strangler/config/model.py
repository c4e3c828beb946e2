"""The route table: frozen, complete, and free of anything that happens at run time.

A `Table` is what `strangler.config.load` makes of a routes.yaml and what every other part reads.
Durations are seconds (float), sizes are bytes (int), percentages are integer hundredths (a split
of `12.5` is 1250), names are str. `None` means "not set here"; a duration of 0 means "off".
Every field has its key's name in routes.yaml unless its docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order, repetition kept."""


class Balance(StrEnum):
    """How an endpoint of an upstream is picked for a request."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUESTS = "least_requests"
    P2C = "p2c"
    """Power of two choices: the less busy of two drawn at random."""


class Buffering(StrEnum):
    """Which request bodies are collected before they are sent to an upstream."""

    OFF = "off"
    CHUNKED = "chunked"
    """Only bodies without a length (gunicorn's WSGI hides them from Django)."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an upstream: `http://host:port`, `https://host:port` or `unix:/path`."""

    host: str
    """A name or an address; empty for a Unix socket."""
    port: int
    """0 for a Unix socket."""
    tls: bool = False
    unix: str | None = None
    """Path of a Unix socket."""

    def __str__(self) -> str:
        if self.unix is not None:
            return f"unix:{self.unix}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines towards an upstream, in seconds; 0 switches one off. None is filled by `over`."""

    connect: float | None = None
    """From the first SYN to a usable connection, TLS included. Default 5 s."""
    first_byte: float | None = None
    """From the last byte of the request to the first of the answer. Default 60 s."""
    idle: float | None = None
    """Between two bytes of a body, either way, and on a tunnel. Default 60 s."""
    total: float | None = None
    """The whole exchange, retries included. Default off."""

    def over(self, base: Timeouts) -> Timeouts:
        """These deadlines, with the gaps filled from `base`."""
        return Timeouts(
            base.connect if self.connect is None else self.connect,
            base.first_byte if self.first_byte is None else self.first_byte,
            base.idle if self.idle is None else self.idle,
            base.total if self.total is None else self.total,
        )


DEFAULT_TIMEOUTS = Timeouts(connect=5.0, first_byte=60.0, idle=60.0, total=0.0)


@dataclass(frozen=True, slots=True)
class Health:
    """Active health checks of an upstream's endpoints."""

    path: str
    interval: float = 5.0
    timeout: float = 2.0
    unhealthy_after: int = 2
    """Failed checks in a row that take an endpoint out."""
    healthy_after: int = 1
    """Passed checks in a row that bring it back."""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How the gateway checks and greets an upstream's `https` endpoints."""

    verify: bool = True
    ca: str | None = None
    """Path of a PEM file with the authorities to trust; None for the system's."""
    server_name: str | None = None
    """The name sent (SNI) and checked; None for the endpoint's host."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A named set of endpoints that serve the same thing."""

    name: str
    endpoints: tuple[Endpoint, ...]
    balance: Balance = Balance.ROUND_ROBIN
    health: Health | None = None
    timeouts: Timeouts = Timeouts()
    host: str = "keep"
    """The Host sent: `keep` (the client's), `endpoint` (the endpoint's own), or a literal."""
    request_buffering: Buffering | None = None
    """None: `chunked` for the default upstream, `off` for the others (filled in by `load`)."""
    pool_idle: float = 1.0
    """Seconds a connection may have been idle and still carry an unsafe request. Must be below
    the upstream's own keep-alive; safe requests may use older ones, as they can be sent again."""
    pool_size: int = 128
    """Idle connections kept per endpoint and worker."""
    max_connections: int = 1024
    """Connections per endpoint and worker; beyond it requests are refused with 503."""
    resolve_every: float = 30.0
    """Seconds between two look-ups of the endpoints' names."""
    tls: UpstreamTls = UpstreamTls()
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """A condition on one header, query parameter or cookie.

    Exactly one of `exact`, `regex`, `present` is set; `regex` must match the whole value.
    """

    name: str
    exact: str | None = None
    regex: str | None = None
    present: bool | None = None


class PathKind(StrEnum):
    """How `Match.path` is read."""

    EXACT = "path"
    PREFIX = "prefix"
    """By whole segments: /abc matches /abc, /abc/, /abc/def, never /abcd."""
    TEMPLATE = "template"
    """Segments of text and `{name}`; each `{name}` matches one non-empty segment."""
    REGEX = "regex"
    """Must match the whole path."""
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Match:
    """What a request must look like. All conditions must hold."""

    kind: PathKind = PathKind.ANY
    path: str = "/"
    """The text after the key `path`, `prefix`, `template` or `regex`."""
    host: str | None = None
    """Exact (`shop.example.com`) or wildcard (`*.example.com`); the port is not looked at."""
    methods: frozenset[str] = frozenset()
    """Empty for all. GET matches HEAD too."""
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()
    cookies: tuple[ValueMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """Percentages over upstreams in file order; the shares are hundredths and sum to 10000."""

    shares: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """An answer that sends the client elsewhere. Unset parts are kept from the request."""

    status: int = 308
    scheme: str | None = None
    host: str | None = None
    path: str | None = None
    """The whole new path; excludes `prefix`."""
    prefix: str | None = None
    """Replaces the matched prefix."""
    keep_query: bool = True


@dataclass(frozen=True, slots=True)
class Respond:
    """A fixed answer; a retired path answers 410."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


Action: TypeAlias = Split | Redirect | Respond
"""`upstream: x` in the file is a Split of 100 % to x."""


class IdentityKind(StrEnum):
    """Where the identity of a request may come from."""

    COOKIE = "cookie"
    HEADER = "header"
    CLIENT_IP = "client_ip"
    PROXY_COOKIE = "proxy_cookie"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """One source, as `cookie:NAME`, `header:NAME`, `client_ip`, `proxy_cookie` or `random`."""

    kind: IdentityKind
    name: str = ""


DEFAULT_IDENTITY = (IdentitySource(IdentityKind.PROXY_COOKIE),)


@dataclass(frozen=True, slots=True)
class Force:
    """A header or cookie whose value (an upstream's name, `old` or `new`) picks the side."""

    header: str | None = None
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Routes that move together: one salt, one bucket per identity, one set of overrides.

    A route without `group:` forms a group of its own under its own name.
    """

    name: str
    salt: str
    """Key of the bucket's hash; at most 64 bytes. Default: the group's name."""
    identity: tuple[IdentitySource, ...] = DEFAULT_IDENTITY
    """The first source that is present in the request decides."""
    allow: frozenset[str] = frozenset()
    """Identities that always get the new side."""
    deny: frozenset[str] = frozenset()
    """Identities that always get the old side; beats `allow`."""
    force: Force = Force()
    kill: bool = False
    """Everything to the old side at once, whatever any list, header or cookie says."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Changes of the path before it goes upstream; applied in the order of the fields."""

    strip_prefix: str | None = None
    replace_prefix: tuple[str, str] | None = None
    """(from, to)"""
    add_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """Changes of a head, applied in the order remove, set, add."""

    remove: tuple[str, ...] = ()
    set: Headers = ()
    add: Headers = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A match plus what happens to the requests that match."""

    name: str
    match: Match
    action: Action
    group: str
    """The group's name; the route's own name if it has no `group:`."""
    old: str
    """The upstream a split moves away from; the default upstream unless `old:` names one."""
    owner: str | None = None
    """The team."""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    rewrite: Rewrite = Rewrite()
    request_headers: HeaderRules = HeaderRules()
    response_headers: HeaderRules = HeaderRules()
    timeouts: Timeouts = Timeouts()
    body_limit: int | None = None
    """Bytes of a request's body; None for the gateway's `limits.body`."""
    sync: tuple[str, ...] = ()
    """Streams (keys of `sync:`) that keep the new side's data in step."""
    line: int = field(default=0, compare=False)
    """Where the route begins in the file (1-based), for messages."""
    column: int = field(default=0, compare=False)
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate of the listener; both files are read again when they change."""

    certificate: str
    """Path of a PEM file with the certificate and its chain."""
    key: str
    """Path of a PEM file with the private key."""


@dataclass(frozen=True, slots=True)
class ClientTimeouts:
    """Deadlines towards clients, in seconds."""

    header: float = 10.0
    """From the first byte of a request to the end of its head: 408 beyond."""
    body: float = 30.0
    """Between two reads of a request's body: 408 beyond."""
    keep_alive: float = 75.0
    """Between two requests on a connection; the connection is closed beyond."""
    send: float = 60.0
    """While a client takes no byte of its answer; the connection is cut beyond."""
    drain: float = 30.0
    """How long requests in flight may take after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client or one worker may take."""

    request_line: int = 8 * 1024
    """Bytes of method, target and version: 414 beyond."""
    header_bytes: int = 32 * 1024
    """Bytes of the whole head: 431 beyond."""
    header_count: int = 100
    """431 beyond."""
    body: int = 64 * 1024 * 1024
    """Bytes of a request's body: 413 beyond; 0 for no limit."""
    buffered_body: int = 8 * 1024 * 1024
    """Bytes of a body that is collected (`request_buffering`): 413 beyond."""
    buffered_total: int = 256 * 1024 * 1024
    """Bytes of all collected bodies of a worker: 503 beyond."""
    connections: int = 10_000
    """Client connections per worker: 503 beyond."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Bounds on the writes held by a fence, per worker: 503 with Retry-After beyond."""

    requests: int = 1000
    time: float = 5.0
    body: int = 16 * 1024
    """Bytes read of a held request's body."""


class LogFormat(StrEnum):
    """Format of the access log."""

    OFF = "off"
    JSON = "json"
    COMMON = "common"


@dataclass(frozen=True, slots=True)
class AccessLog:
    """One line per finished request, written by the workers."""

    format: LogFormat = LogFormat.JSON
    path: str = "-"
    """A file, or `-` for standard output."""
    sample: float = 1.0
    """Share of the requests logged, 0 to 1; errors (5xx) are always logged."""


@dataclass(frozen=True, slots=True)
class ProxyCookie:
    """The gateway's own signed identity cookie; its key is the store's or STRANGLER_SECRET."""

    name: str = "strangler_id"
    max_age: float = 180 * 86400.0
    secure: str = "auto"
    """`auto` (when the client came by https), `always` or `never`."""
    same_site: str = "Lax"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings of the gateway itself (`gateway:`)."""

    listen: str = "127.0.0.1:8080"
    """HOST:PORT of the data plane; `--listen` beats it."""
    admin: str = "127.0.0.1:9900"
    """HOST:PORT of the admin API and the metrics; `--admin` beats it."""
    tls: Tls | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose X-Forwarded-* and Forwarded are believed."""
    via: str = "strangler"
    """The pseudonym in Via."""
    route_header: str | None = None
    """A response header that tells route, upstream and table version; off by default."""
    timeouts: ClientTimeouts = ClientTimeouts()
    limits: Limits = Limits()
    hold: Hold = Hold()
    access_log: AccessLog = AccessLog()
    cookie: ProxyCookie = ProxyCookie()


@dataclass(frozen=True, slots=True)
class Fence:
    """New writes of a group are held while a cutover drains; set by a transition only."""

    group: str
    attempt: str
    """Id of the transition that set it."""
    expires_at: float
    """Unix time after which anybody may abort the attempt. Workers never release by themselves."""


@dataclass(frozen=True, slots=True)
class Table:
    """One immutable, numbered state of the whole route table."""

    version: int
    upstreams: Mapping[str, Upstream]
    default: str
    """Name of the upstream that serves whatever no route matches: the monolith."""
    routes: tuple[Route, ...] = ()
    """In file order."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """Every group of every route, implicit ones too."""
    gateway: Gateway = Gateway()
    sections: Mapping[str, object] = field(default_factory=dict)
    """Parsed sections that other packages registered (`sync:`), by key."""
    fences: tuple[Fence, ...] = ()
    """Carried by the table version in the store beside its text."""
