"""The first routes.yaml of somebody who has only a monolith yet."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from strangler.admin.failures import Failure, Kind

_TEMPLATE = """\
# The route table of strangler, the gateway in front of your monolith.
#
#   strangler check                    is this file right?
#   strangler serve                    run the gateway
#   strangler plan                     what would this file change?
#   strangler explain GET /some/path   where does this request go, and why?
#
# For help while typing: strangler schema > routes.schema.json
# yaml-language-server: $schema=routes.schema.json

# The table version that this file is. A running gateway takes the file up when
# you save it with the next number; with the same number nothing changes.
version: 1

gateway:
  listen: 127.0.0.1:8080     # where your users' requests arrive
  admin: 127.0.0.1:9900      # status, metrics and commands; keep it private

# Who serves requests: an upstream is one or more endpoints of the same thing.
upstreams:
  legacy:
    endpoints: [{legacy}]
    # Must be shorter than the monolith's own keep-alive (gunicorn: 2 s unless
    # you start it with --keep-alive).
    # pool_idle: 1s
    # health: {{path: /healthz, interval: 5s}}
    # timeouts: {{connect: 1s, first_byte: 60s}}

  # A first new service:
  # reviews:
  #   endpoints: [http://127.0.0.1:8101]

# Whatever no route takes goes to the monolith: without routes nothing changes.
default: legacy

# Paths that leave the monolith, one after the other.
# routes:
#   - name: reviews
#     match: {{prefix: /reviews, methods: [GET]}}
#     split: {{reviews: 0, legacy: 100}}  # then: strangler canary reviews 5
#
#   - name: old-feed
#     match: {{path: /feed.xml}}
#     respond: {{status: 410}}            # a path nobody needs any more
"""


def first_table(legacy: str) -> str:
    """A commented routes.yaml for a monolith at that URL; raises `Failure` for a bad URL."""
    url = urlsplit(legacy)
    try:
        right = url.scheme in {"http", "https"} and url.hostname and (url.port or 1)
    except ValueError:
        right = False
    if not right or url.path not in {"", "/"} or url.query or url.username:
        raise Failure(
            Kind.USAGE, f"{legacy!r} is no address: write http://HOST:PORT, without a path"
        )
    return _TEMPLATE.format(legacy=f"{url.scheme}://{url.netloc}")


def write_first_table(routes: Path, legacy: str) -> None:
    """Write a first routes.yaml, never over another; raises `Failure`."""
    text = first_table(legacy)
    try:
        with routes.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Failure(Kind.REFUSED, f"{routes} is there already: it is not overwritten") from error
    except OSError as error:
        raise Failure(Kind.REFUSED, f"{routes} cannot be written: {error.strerror}") from error
