"""HAProxy: one thread, pooled connections, forwarded headers, a unique id per request.

The routes are a map file searched by the beginning of the path (a tree, its quickest way); the
canary hashes the cookie to 0..99. Statistics per frontend and backend are always on in HAProxy.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.peers.base import Running, first_line, one_process
from bench.processes import Cores, free_port, start
from bench.setup import CANARY_PERCENT, COOKIE, Setup, prefix

_CONFIG = """\
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  option forwardfor
  http-reuse always
frontend public
  bind 127.0.0.1:{port} backlog 2048
  unique-id-format %{{+X}}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
  http-request set-header X-Request-ID %[unique-id]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-var(txn.route) path,map_beg({map},none)
{canary}
  use_backend old if {{ var(txn.route) -m str old }}
  default_backend old
backend old
  server old 127.0.0.1:{old} pool-max-conn 256
backend new
  server new 127.0.0.1:{new} pool-max-conn 256
"""

_CANARY = f"""\
  http-request set-var(txn.bucket) req.cook({COOKIE}),xxh32,mod(100)
  acl canary var(txn.bucket) -m int lt {CANARY_PERCENT}
  use_backend new if canary {{ var(txn.route) -m str split }}"""


class Haproxy:
    """A single process."""

    name = "haproxy"

    def absent(self) -> str | None:
        return None if shutil.which("haproxy") else "haproxy is not installed (Debian package)"

    def version(self) -> str:
        return first_line("haproxy", "-v").split(" 20")[0]

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        port = free_port()
        routes, config = folder / "routes.map", folder / "haproxy.cfg"
        target = "split" if setup.canary else "old"
        routes.write_text("".join(f"{prefix(n)}/ {target}\n" for n in range(setup.routes)))
        config.write_text(configuration(setup, port=port, routes=routes))
        command: list[str | Path] = ["haproxy", "-db", "-f", config]
        child = start(self.name, command, port=port, cores=cores.proxy, folder=folder)
        return one_process(child)


def configuration(setup: Setup, *, port: int, routes: Path) -> str:
    """The text of haproxy.cfg."""
    canary = _CANARY if setup.canary else ""
    return _CONFIG.format(port=port, map=routes, canary=canary, old=setup.old, new=setup.new)
