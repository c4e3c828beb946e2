"""The section `upstreams:`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strangler.config.addresses import ENDPOINT, is_authority, is_host
from strangler.config.fields import FILE, LABELS, OWNER, TIMEOUTS
from strangler.config.model import Balance, Buffering, Health, Upstream, UpstreamTls
from strangler.config.paths import PATH
from strangler.kit.quantities import DURATION, POSITIVE_DURATION
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.scalars import BOOL, choice, integer
from strangler.kit.shapes import Parsed, UnfitError, name


def _sent_host(text: str) -> str:
    """`keep`, `endpoint`, or a literal Host with or without a port."""
    if not is_authority(text):
        raise UnfitError("is not a host", "write `keep`, `endpoint`, or such as `shop.example.com`")
    return text


SENT_HOST = Parsed("`keep`, `endpoint` or a host", _sent_host, {"type": "string"})


def _tls_name(text: str) -> str:
    if not is_host(text):
        raise UnfitError("is not a host's name", "write such as `app.internal`, without a port")
    return text


TLS_NAME = Parsed("a host's name", _tls_name, {"type": "string"})

HEALTH = Record(
    "`health`",
    [
        Field("path", PATH, "Asked for with GET; 2xx and 3xx pass.", True, "path: /healthz"),
        Field("interval", POSITIVE_DURATION, "Between two checks. Default 5s."),
        Field("timeout", POSITIVE_DURATION, "Of one check. Default 2s."),
        Field(
            "unhealthy_after",
            integer(1, 100),
            "Failed checks in a row that take an endpoint out. Default 2.",
        ),
        Field(
            "healthy_after",
            integer(1, 100),
            "Passed checks in a row that bring it back. Default 1.",
        ),
    ],
    Health,
)

TLS = Record(
    "`tls`",
    [
        Field("verify", BOOL, "Whether the endpoint's certificate is checked. Default true."),
        Field("ca", FILE, "PEM file with the authorities to trust. Default: the system's."),
        Field(
            "server_name", TLS_NAME, "Name sent (SNI) and checked. Default: the endpoint's host."
        ),
    ],
    UpstreamTls,
)

UPSTREAM: Record[dict[str, Any]] = Record(
    "an upstream",
    [
        Field(
            "endpoints",
            ListOf(ENDPOINT, "endpoints", at_least=1),
            "Addresses: http://host:port, https://host:port or unix:/path.",
            True,
            "endpoints: [http://127.0.0.1:8000]",
        ),
        Field("balance", choice(Balance), "How an endpoint is picked. Default round_robin."),
        Field("health", HEALTH, "Active health checks. Default: none."),
        Field("timeouts", TIMEOUTS, "Deadlines; a route's own beat them."),
        Field("host", SENT_HOST, "The Host sent: keep, endpoint, or a literal. Default keep."),
        Field(
            "request_buffering",
            choice(Buffering),
            "Request bodies collected first. Default: chunked for the default upstream, else off.",
        ),
        Field(
            "pool_idle",
            DURATION,
            "How long a connection may idle and still carry an unsafe request. Default 1s.",
        ),
        Field("pool_size", integer(0, 100_000), "Idle connections per endpoint. Default 128."),
        Field("max_connections", integer(1, 1_000_000), "Per endpoint and worker. Default 1024."),
        Field("resolve_every", POSITIVE_DURATION, "Between two look-ups of names. Default 30s."),
        Field("tls", TLS, "How https endpoints are checked."),
        Field("owner", OWNER, "The team."),
        Field("labels", LABELS, "Free names and values."),
    ],
    dict,
)

UPSTREAMS = MapOf(
    name("an upstream's name", reserved=frozenset({"old", "new"})),
    UPSTREAM,
    "`upstreams`",
    at_least=1,
)
"""`old` and `new` are what a forced header or cookie may say."""


def named(upstreams: Mapping[str, dict[str, Any]], default: str) -> dict[str, Upstream]:
    """The upstreams under their names, with the default of `request_buffering` filled in.

    Django behind gunicorn reads a chunked body as empty, so the default upstream, which is the
    monolith, gets such bodies collected.
    """
    return {
        name: Upstream(
            name=name,
            **{
                "request_buffering": Buffering.CHUNKED if name == default else Buffering.OFF,
                **values,
            },
        )
        for name, values in upstreams.items()
    }
