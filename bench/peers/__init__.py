"""The proxies that are compared, each in a file with its whole configuration."""

from __future__ import annotations

from bench.peers.aiohttp_peer import Aiohttp
from bench.peers.base import Peer
from bench.peers.envoy import Envoy
from bench.peers.haproxy import Haproxy
from bench.peers.nginx import Nginx
from bench.peers.strangler import Strangler

PEERS: tuple[Peer, ...] = (Nginx(), Haproxy(), Envoy(), Aiohttp(), Strangler())
"""In the order they are run."""
