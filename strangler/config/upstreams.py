"""The section `upstreams:`."""

from __future__ import annotations

from typing import Any

from strangler.config.addresses import EndpointUrl, is_host
from strangler.config.fields import FILE, LABELS, OWNER, TIMEOUTS, PathText
from strangler.config.model import Balance, Buffering, Health, Upstream, UpstreamTls
from strangler.kit.nodes import Node
from strangler.kit.quantities import Duration
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import Bool, Choice, Integer, JsonSchema, Name, Shape, Text

_HOST = Text("a host's name", r"[A-Za-z0-9._-]{1,253}", "write such as `app.internal`")


class _SentHost(Shape[str]):
    """`keep`, `endpoint`, or a literal Host with or without a port."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "`keep`, `endpoint` or a host")
        if text is None:
            return None
        name, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        host = name if colon and port.isdigit() else text
        if not is_host(host.strip("[]")):
            reader.error(
                node, "this is no host: write `keep`, `endpoint`, or such as `shop.example.com`"
            )
            return None
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string"}


HEALTH = Record(
    "`health`",
    [
        Field(
            "path",
            PathText(),
            "What is asked for with GET; 2xx and 3xx pass.",
            True,
            "path: /healthz",
        ),
        Field("interval", Duration(zero=False), "Between two checks. Default 5s."),
        Field("timeout", Duration(zero=False), "Of one check. Default 2s."),
        Field(
            "unhealthy_after",
            Integer(1, 100),
            "Failed checks in a row that take an endpoint out. Default 2.",
        ),
        Field(
            "healthy_after",
            Integer(1, 100),
            "Passed checks in a row that bring it back. Default 1.",
        ),
    ],
    Health,
)

TLS = Record(
    "`tls`",
    [
        Field("verify", Bool(), "Whether the endpoint's certificate is checked. Default true."),
        Field("ca", FILE, "PEM file with the authorities to trust. Default: the system's."),
        Field(
            "server_name", _HOST, "The name sent (SNI) and checked. Default: the endpoint's host."
        ),
    ],
    UpstreamTls,
)

UPSTREAM = Record(
    "an upstream",
    [
        Field(
            "endpoints",
            ListOf(EndpointUrl(), "endpoints", at_least=1),
            "Addresses: http://host:port, https://host:port or unix:/path.",
            True,
            "endpoints: [http://127.0.0.1:8000]",
        ),
        Field("balance", Choice(Balance), "How an endpoint is picked. Default round_robin."),
        Field("health", HEALTH, "Active health checks. Default: none."),
        Field("timeouts", TIMEOUTS, "Deadlines; a route's own beat them."),
        Field("host", _SentHost(), "The Host sent: keep, endpoint, or a literal. Default keep."),
        Field(
            "request_buffering",
            Choice(Buffering),
            "Which request bodies are collected first. Default: chunked for the default upstream, else off.",
        ),
        Field(
            "pool_idle",
            Duration(),
            "How long a connection may idle and still carry an unsafe request. Default 1s.",
        ),
        Field(
            "pool_size",
            Integer(0, 100_000),
            "Idle connections per endpoint and worker. Default 128.",
        ),
        Field(
            "max_connections",
            Integer(1, 1_000_000),
            "Connections per endpoint and worker. Default 1024.",
        ),
        Field(
            "resolve_every", Duration(zero=False), "Between two look-ups of the names. Default 30s."
        ),
        Field("tls", TLS, "How https endpoints are checked."),
        Field("owner", OWNER, "The team."),
        Field("labels", LABELS, "Free names and values."),
    ],
    dict,
)


UPSTREAMS = MapOf(
    Name("an upstream's name", reserved=("old", "new")), UPSTREAM, "`upstreams`", at_least=1
)


def named(upstreams: dict[str, dict[str, Any]], default: str | None) -> dict[str, Upstream]:
    """The upstreams under their names. Django behind gunicorn reads a chunked body as empty, so
    the default upstream collects such bodies unless the file says otherwise."""
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
