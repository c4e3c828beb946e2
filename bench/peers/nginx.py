"""nginx as a reverse proxy: one worker, pooled connections, forwarded headers, a request id.

One `location` per route; the canary is `split_clients` on the cookie. Answers are buffered in
memory only (its default would write long ones to files) and request bodies are streamed, as ours
are; larger buffers than the default make its 1 MB case faster.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.peers.base import Running, first_line, master_and_workers
from bench.processes import Cores, free_port, start
from bench.setup import CANARY_PERCENT, COOKIE, Setup, prefix
from bench.upstreams import nginx_user

_CONFIG = """\
{user}daemon off; pid {folder}/proxy.pid; error_log stderr crit;
worker_processes 1; worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off; server_tokens off; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  client_max_body_size 0; client_body_buffer_size 64k;
  upstream old {{
    server 127.0.0.1:{old}; keepalive 256;
    keepalive_requests 1000000000; keepalive_timeout 600s;
  }}
  upstream new {{
    server 127.0.0.1:{new}; keepalive 256;
    keepalive_requests 1000000000; keepalive_timeout 600s;
  }}
  split_clients "$cookie_{cookie}" $side {{ {percent}% new; * old; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Request-ID $request_id;
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{ proxy_pass http://old; }}
{locations}
  }}
}}
"""


class Nginx:
    """The peer every ratio is taken to."""

    name = "nginx"

    def absent(self) -> str | None:
        return None if shutil.which("nginx") else "nginx is not installed (Debian package nginx)"

    def version(self) -> str:
        return first_line("nginx", "-v").removeprefix("nginx version: ")

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(configuration(setup, port=port, folder=folder))
        command: list[str | Path] = ["nginx", "-e", "stderr", "-p", folder, "-c", config]
        child = start(self.name, command, port=port, cores=cores.proxy, folder=folder)
        return master_and_workers(child)


def configuration(setup: Setup, *, port: int, folder: Path) -> str:
    """The text of nginx.conf."""
    side = "$side" if setup.canary else "old"
    locations = "\n".join(
        f"    location {prefix(n)}/ {{ proxy_pass http://{side}; }}" for n in range(setup.routes)
    )
    return _CONFIG.format(
        user=nginx_user(),
        folder=folder,
        port=port,
        old=setup.old,
        new=setup.new,
        cookie=COOKIE,
        percent=CANARY_PERCENT,
        locations=locations,
    )
