"""Starts `bench.peers.aiohttp_proxy`, the reverse proxy a Python user would write."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from bench.peers.base import Running, one_process
from bench.processes import Cores, free_port, start
from bench.setup import CANARY_PERCENT, Setup


class Aiohttp:
    """A single process on uvloop."""

    name = "aiohttp"

    def absent(self) -> str | None:
        return None  # aiohttp is a dependency of the gateway itself

    def version(self) -> str:
        return f"aiohttp/{version('aiohttp')} on uvloop/{version('uvloop')}"

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        port = free_port()
        percent = CANARY_PERCENT if setup.canary else 0
        numbers = (port, setup.old, setup.new, setup.routes, percent)
        command = [sys.executable, "-m", "bench.peers.aiohttp_proxy", *map(str, numbers)]
        child = start(self.name, command, port=port, cores=cores.proxy, folder=folder)
        return one_process(child)
