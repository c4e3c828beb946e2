"""What the figures were measured on, without anything that names the machine."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path


def describe() -> dict[str, str]:
    """Label -> value, in the order to print."""
    return {
        "Processor": processor(Path("/proc/cpuinfo").read_text()),
        "Cores": str(len(os.sched_getaffinity(0))),
        "Memory": f"{memory(Path('/proc/meminfo').read_text()):.0f} GiB",
        "Kernel": kernel(platform.release()),
        "System": _system(),
    }


def anonymous(text: str) -> str:
    """`text` without the folders of this machine, as it will be published."""
    places = {sys.prefix, sys.base_prefix, tempfile.gettempdir(), str(Path.cwd())}
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, "")
    return text


def processor(cpuinfo: str) -> str:
    """The model name in /proc/cpuinfo, or the architecture where it has none (arm64)."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def memory(meminfo: str) -> float:
    """GiB of the machine."""
    return int(meminfo.partition("MemTotal:")[2].split(maxsplit=1)[0]) / (1 << 20)


def kernel(release: str) -> str:
    """The version without its local suffix, which may name a provider or a host."""
    return f"Linux {release.partition('-')[0]}"


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
