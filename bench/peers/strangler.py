"""Ours: `strangler serve --workers 1`, pinned like the others.

The identity of the canary is the cookie that the peers hash too, unless a feature says otherwise.
Metrics, deadlines, request ids and forwarded headers are always on; the access log is off.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from bench.peers.base import Running, master_and_workers
from bench.processes import START_LIMIT, Cores, free_port, start
from bench.setup import CANARY_PERCENT, COOKIE, Setup, prefix

_OLD, _NEW = "legacy", "shop"
COMMAND = Path(sys.executable).with_name("strangler")
"""The console script beside the interpreter that runs this."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is switched on beyond the setup; `bench.cases.features` prices each."""

    signed_cookie: bool = False
    """The identity is the gateway's own signed cookie (its default)."""
    route_header: bool = False
    """A response header with route, upstream and table version."""
    header_rules: bool = False
    """A header set and one removed, each way."""
    rewrite: bool = False
    """The route's prefix is stripped."""
    access_log: bool = False
    """A JSON line per request, to a file."""
    certificate: Path | None = None
    """A PEM file with certificate and key: the listener speaks TLS."""


@dataclass(frozen=True, slots=True)
class Strangler:
    """A supervisor and one worker."""

    name: str = "strangler"
    features: Features = field(default=Features())
    command: Path = COMMAND
    under: tuple[str, ...] = ()
    """A program, with its options, that runs the command: an instrument."""
    env: Mapping[str, str] = field(default_factory=dict)
    start_limit: float = START_LIMIT

    def absent(self) -> str | None:
        return None if self.command.exists() else "the package strangler is not installed"

    def version(self) -> str:
        return f"strangler/{version('strangler')} on Python {sys.version.split()[0]}"

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        port, routes = free_port(), folder / "routes.yaml"
        store = folder / "store"
        for old in folder.glob("store*"):  # each start is a first start
            old.unlink()
        table = configuration(setup, self.features, log=folder / "access.log")
        routes.write_text(yaml.safe_dump(table, sort_keys=False))
        command: list[str | Path] = [*self.under, self.command, "serve"]
        command += ["--routes", routes, "--workers", "1"]
        command += ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
        command += ["--store", f"sqlite:///{store}"]
        # Not where the harness runs: a worker is started by `python -m`, which looks there first.
        child = start(
            self.name, command, port=port, cores=cores.proxy, folder=folder, env=self.env,
            cwd=folder, within=self.start_limit,
        )  # fmt: skip
        running = master_and_workers(child)
        return Running(child, running.workers, tls=self.features.certificate is not None)


def configuration(setup: Setup, features: Features, *, log: Path) -> dict[str, Any]:
    """The route table."""
    return {
        "version": 1,
        "gateway": _gateway(features, log),
        "upstreams": {
            _OLD: {"endpoints": [f"http://127.0.0.1:{setup.old}"]},
            _NEW: {"endpoints": [f"http://127.0.0.1:{setup.new}"]},
        },
        "default": _OLD,
        "routes": [_route(n, setup, features) for n in range(setup.routes)],
    }


def _gateway(features: Features, log: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {"access_log": {"format": "off"}, "limits": {"body": 0}}
    if features.access_log:
        settings["access_log"] = {"format": "json", "path": str(log)}
    if features.route_header:
        settings["route_header"] = "X-Route"
    if features.certificate is not None:
        both = str(features.certificate)
        settings["tls"] = {"certificate": both, "key": both}
    return settings


def _route(number: int, setup: Setup, features: Features) -> dict[str, Any]:
    route: dict[str, Any] = {"name": f"svc-{number:03d}", "match": {"prefix": prefix(number)}}
    if setup.canary:
        route["split"] = {_NEW: CANARY_PERCENT, _OLD: 100 - CANARY_PERCENT}
        route["identity"] = ["proxy_cookie" if features.signed_cookie else f"cookie:{COOKIE}"]
    else:
        route["upstream"] = _OLD
    if features.header_rules:
        route["request_headers"] = {"remove": ["X-Debug"], "set": {"X-Stage": "production"}}
        route["response_headers"] = {"remove": ["Server"], "set": {"X-Stage": "production"}}
    if features.rewrite:
        route["rewrite"] = {"strip_prefix": prefix(number)}
    return route
