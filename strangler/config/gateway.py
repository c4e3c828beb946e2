"""The section `gateway:`."""

from __future__ import annotations

from enum import StrEnum

from strangler.config.addresses import ListenAddress, Network
from strangler.config.fields import FILE, HEADER_NAME, TOKEN
from strangler.config.model import (
    AccessLog,
    ClientTimeouts,
    Gateway,
    Hold,
    Limits,
    LogFormat,
    ProxyCookie,
    Tls,
)
from strangler.kit.nodes import Node
from strangler.kit.quantities import Duration, Size
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, Record
from strangler.kit.shapes import Choice, Integer, JsonSchema, Shape, Text


class _Secure(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class _SameSite(StrEnum):
    LAX = "Lax"
    STRICT = "Strict"
    NONE = "None"


class _Share(Shape[float]):
    """A number from 0 to 1."""

    def read(self, node: Node, reader: Reader) -> float | None:
        text = reader.text(node, "a number from 0 to 1")
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            reader.error(node, "a share is a number from 0 to 1: write `0.01` for one in a hundred")
            return None
        return value

    def schema(self) -> JsonSchema:
        return {"type": "number", "minimum": 0, "maximum": 1}


TLS = Record(
    "`tls`",
    [
        Field(
            "certificate",
            FILE,
            "PEM file with the certificate and its chain.",
            True,
            "certificate: cert.pem",
        ),
        Field("key", FILE, "PEM file with the private key.", True, "key: key.pem"),
    ],
    Tls,
)

TIMEOUTS = Record(
    "`gateway.timeouts`",
    [
        Field("header", Duration(), "To the end of a request's head; 408 beyond. Default 10s."),
        Field(
            "body", Duration(), "Between two reads of a request's body; 408 beyond. Default 30s."
        ),
        Field("keep_alive", Duration(), "Between two requests on a connection. Default 75s."),
        Field("send", Duration(), "While a client takes no byte of its answer. Default 60s."),
        Field("drain", Duration(), "For requests in flight after SIGTERM. Default 30s."),
    ],
    ClientTimeouts,
)

LIMITS = Record(
    "`limits`",
    [
        Field(
            "request_line", Size(), "Bytes of method, target and version; 414 beyond. Default 8KiB."
        ),
        Field("header_bytes", Size(), "Bytes of the whole head; 431 beyond. Default 32KiB."),
        Field("header_count", Integer(1, 100_000), "Header fields; 431 beyond. Default 100."),
        Field(
            "body", Size(), "Bytes of a request's body; 413 beyond; 0 for no limit. Default 64MiB."
        ),
        Field("buffered_body", Size(), "Bytes of a collected body; 413 beyond. Default 8MiB."),
        Field(
            "buffered_total",
            Size(),
            "All collected bodies of a worker; 503 beyond. Default 256MiB.",
        ),
        Field(
            "connections", Integer(1, 10_000_000), "Client connections per worker. Default 10000."
        ),
    ],
    Limits,
)

HOLD = Record(
    "`hold`",
    [
        Field(
            "requests", Integer(0, 1_000_000), "Held writes per worker; 503 beyond. Default 1000."
        ),
        Field("time", Duration(zero=False), "The longest hold; 503 beyond. Default 5s."),
        Field("body", Size(), "Bytes read of a held request's body. Default 16KiB."),
    ],
    Hold,
)

ACCESS_LOG = Record(
    "`access_log`",
    [
        Field("format", Choice(LogFormat), "off, json or common. Default json."),
        Field("path", FILE, "A file, or - for standard output. Default -."),
        Field("sample", _Share(), "Share of the requests logged; errors always are. Default 1."),
    ],
    AccessLog,
)

COOKIE = Record(
    "`cookie`",
    [
        Field(
            "name",
            Text("a cookie's name", TOKEN, "use letters, digits, `-` and `_`"),
            "Default strangler_id.",
        ),
        Field("max_age", Duration(zero=False), "How long a browser keeps it. Default 180d."),
        Field("secure", Choice(_Secure), "auto (when the client came by https), always or never."),
        Field("same_site", Choice(_SameSite), "Lax, Strict or None. Default Lax."),
    ],
    ProxyCookie,
)

GATEWAY = Record(
    "`gateway`",
    [
        Field("listen", ListenAddress(), "HOST:PORT of the data plane. Default 127.0.0.1:8080."),
        Field("admin", ListenAddress(), "HOST:PORT of the admin API. Default 127.0.0.1:9900."),
        Field("tls", TLS, "Certificate of the listener. Default: plain HTTP."),
        Field(
            "trusted_proxies",
            ListOf(Network(), "networks"),
            "Networks whose X-Forwarded-* are believed.",
        ),
        Field(
            "via",
            Text("a pseudonym", TOKEN, "use letters, digits, `-`"),
            "The name in Via. Default strangler.",
        ),
        Field(
            "route_header", HEADER_NAME, "Response header that tells route, upstream and version."
        ),
        Field("timeouts", TIMEOUTS, "Deadlines towards clients."),
        Field("limits", LIMITS, "What one client or one worker may take."),
        Field("hold", HOLD, "Bounds on the writes held by a fence."),
        Field("access_log", ACCESS_LOG, "One line per finished request."),
        Field("cookie", COOKIE, "The gateway's own identity cookie."),
    ],
    Gateway,
)
