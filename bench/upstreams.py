"""The upstreams behind every proxy: two sides of nginx, and a source and sink for long bodies."""

from __future__ import annotations

import os
import pwd
import random
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.processes import Child, Cores, free_port, start
from bench.setup import answer

LARGE_PATH = "/svc-000/large"
LARGE_BYTES = 1_000_000
"""A 1 MB answer."""

HEADERS_PATH = "/svc-000/headers"
"""Answers with the X-Forwarded-For and X-Request-ID that came; so does `/headers`, where a rewrite
strips the prefix."""

_NGINX = """\
{user}daemon off; pid {folder}/{side}.pid; error_log stderr crit;
worker_processes 1; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; server_tokens off;
  keepalive_requests 1000000000; keepalive_timeout 600s; client_body_temp_path {folder};
  proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    default_type application/json;
    location / {{ return 200 '{answer}'; }}
    location = {large_path} {{ alias {folder}/large; }}
    location = {headers_path} {{ return 200 '$http_x_forwarded_for $http_x_request_id'; }}
    location = /headers {{ return 200 '$http_x_forwarded_for $http_x_request_id'; }}
    location = /status {{ stub_status; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Ports of the running upstreams, and what they answer."""

    old: int
    new: int
    sink: int
    """See `bench.sink`."""
    large: bytes
    """The body at `LARGE_PATH`."""

    def served(self, port: int) -> int:
        """Requests a side has answered so far, this one included."""
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/status")
        text = connection.getresponse().read().decode()
        connection.close()
        return int(text.splitlines()[2].split()[2])


def nginx_user() -> str:
    """The `user` directive: nginx started by root would otherwise not read our files."""
    return f"user {pwd.getpwuid(0).pw_name}; " if os.geteuid() == 0 else ""


def start_upstreams(stack: ExitStack, cores: Cores, folder: Path) -> Upstreams:
    """Start all three on the load's cores; `stack` ends them. Raises StartError."""
    large = random.Random(1).randbytes(LARGE_BYTES)
    (folder / "large").write_bytes(large)
    old = stack.enter_context(_nginx_side("old", cores, folder))
    new = stack.enter_context(_nginx_side("new", cores, folder))
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "bench.sink", str(port)]
    sink = stack.enter_context(start("sink", command, port=port, cores=cores.load, folder=folder))
    return Upstreams(old.port, new.port, sink.port, large)


def _nginx_side(side: str, cores: Cores, folder: Path) -> Child:
    port = free_port()
    config = folder / f"upstream-{side}.conf"
    config.write_text(
        _NGINX.format(
            user=nginx_user(),
            folder=folder,
            side=side,
            port=port,
            answer=answer(side).decode(),
            large_path=LARGE_PATH,
            headers_path=HEADERS_PATH,
        )
    )
    command: list[str | Path] = ["nginx", "-e", "stderr", "-p", folder, "-c", config]
    return start(f"upstream-{side}", command, port=port, cores=cores.load, folder=folder)
