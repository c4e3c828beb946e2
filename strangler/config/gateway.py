"""The section `gateway:`."""

from __future__ import annotations

import re
from enum import StrEnum

from strangler.config.addresses import LISTEN, NETWORK
from strangler.config.fields import COOKIE_NAME, FILE, TOKEN
from strangler.config.headers import CHANGEABLE
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
from strangler.kit.quantities import DURATION, POSITIVE_DURATION, SIZE
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, Record
from strangler.kit.scalars import choice, integer
from strangler.kit.shapes import Parsed, UnfitError


class _Secure(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class _SameSite(StrEnum):
    LAX = "Lax"
    STRICT = "Strict"
    NONE = "None"


_SECURE_ONLY = ("__secure-", "__host-")


def _share(text: str) -> float:
    """A number from 0 to 1."""
    if re.fullmatch(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?", text) is None:
        raise UnfitError("is not a share", "write a number from 0 to 1, such as `0.01`")
    return float(text)


SHARE = Parsed("a number from 0 to 1", _share, {"type": "number", "minimum": 0, "maximum": 1})

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
    "`gateway: timeouts`",
    [
        Field("header", DURATION, "To the end of a request's head; 408 beyond. Default 10s."),
        Field("body", DURATION, "Between two reads of a body; 408 beyond. Default 30s."),
        Field("keep_alive", DURATION, "Between two requests on a connection. Default 75s."),
        Field("send", DURATION, "While a client takes no byte of its answer. Default 60s."),
        Field("drain", DURATION, "For requests in flight after SIGTERM. Default 30s."),
    ],
    ClientTimeouts,
)

LIMITS = Record(
    "`limits`",
    [
        Field("request_line", SIZE, "Method, target and version; 414 beyond. Default 8KiB."),
        Field("header_bytes", SIZE, "The whole head; 431 beyond. Default 32KiB."),
        Field("header_count", integer(1, 100_000), "Header fields; 431 beyond. Default 100."),
        Field("body", SIZE, "A request's body; 413 beyond; 0 for no limit. Default 64MiB."),
        Field("buffered_body", SIZE, "A collected body; 413 beyond. Default 8MiB."),
        Field("buffered_total", SIZE, "A worker's collected bodies; 503 beyond. Default 256MiB."),
        Field("connections", integer(1, 10_000_000), "Clients per worker. Default 10000."),
    ],
    Limits,
)

HOLD = Record(
    "`hold`",
    [
        Field("requests", integer(0, 1_000_000), "Held per worker; 503 beyond. Default 1000."),
        Field("time", POSITIVE_DURATION, "The longest hold; 503 beyond. Default 5s."),
        Field("body", SIZE, "Read of a held request's body. Default 16KiB."),
    ],
    Hold,
)

ACCESS_LOG = Record(
    "`access_log`",
    [
        Field("format", choice(LogFormat), "off, json or common. Default json."),
        Field("path", FILE, "A file, or - for standard output. Default -."),
        Field("sample", SHARE, "Share of the requests logged; 5xx always are. Default 1."),
    ],
    AccessLog,
)


class _CookieRecord(Record[ProxyCookie]):
    """What browsers take: some cookies only if they are Secure (RFC 6265bis, section 4.1)."""

    def read(self, node: Node, reader: Reader) -> ProxyCookie | None:
        """The cookie's settings."""
        cookie = super().read(node, reader)
        if cookie is None or cookie.secure != _Secure.NEVER:
            return cookie
        if cookie.same_site == _SameSite.NONE or cookie.name.lower().startswith(_SECURE_ONLY):
            reader.error(
                node,
                "browsers refuse this cookie unless it is Secure, and then nobody stays on one"
                " side: write `secure: always`, or `same_site: Lax` and a name that does not"
                " begin with `__Secure-` or `__Host-`",
            )
            return None
        return cookie


COOKIE = _CookieRecord(
    "`cookie`",
    [
        Field("name", COOKIE_NAME, "Default strangler_id."),
        Field("max_age", POSITIVE_DURATION, "How long a browser keeps it. Default 180d."),
        Field("secure", choice(_Secure), "auto (when the client came by https), always or never."),
        Field("same_site", choice(_SameSite), "Lax, Strict or None. Default Lax."),
    ],
    ProxyCookie,
)

GATEWAY = Record(
    "`gateway`",
    [
        Field("listen", LISTEN, "HOST:PORT of the data plane. Default 127.0.0.1:8080."),
        Field("admin", LISTEN, "HOST:PORT of the admin API. Default 127.0.0.1:9900."),
        Field("tls", TLS, "Certificate of the listener. Default: plain HTTP."),
        Field(
            "trusted_proxies",
            ListOf(NETWORK, "networks"),
            "Networks whose X-Forwarded-* and Forwarded are believed. Default: none.",
        ),
        Field("via", TOKEN, "The name in Via. Default strangler."),
        Field(
            "route_header", CHANGEABLE, "Response header: route, upstream, version. Default off."
        ),
        Field("timeouts", TIMEOUTS, "Deadlines towards clients."),
        Field("limits", LIMITS, "What one client or one worker may take."),
        Field("hold", HOLD, "Bounds on the writes held by a fence."),
        Field("access_log", ACCESS_LOG, "One line per finished request."),
        Field("cookie", COOKIE, "The gateway's own identity cookie."),
    ],
    Gateway,
)
