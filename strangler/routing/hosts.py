"""Host conditions: exact names and `*.` wildcards, found from a Host header's value."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

LONGEST_HOST = 260
"""Bytes of a Host value with its port (a DNS name has up to 253); a longer one has one level."""

_PORT = re.compile(r":[0-9]*\Z")


def normal_host(host: bytes) -> str:
    """A Host value as routes compare it: lower case, no port, no trailing dot; never raises.

    IPv6 literals are compared as addresses, with or without brackets: `[::1]:80`, `::1`.
    """
    text = host.decode("latin-1").strip().lower()
    if text.startswith("[") or text.count(":") > 1:
        return _normal_ipv6(text)
    return _PORT.sub("", text).removesuffix(".")


def _normal_ipv6(text: str) -> str:
    literal = text[1:].partition("]")[0] if text.startswith("[") else text
    try:
        return f"[{IPv6Address(literal).compressed}]"
    except ValueError:
        return text


def host_levels(host: str) -> list[str]:
    """The host conditions that `host` satisfies, first the most specific.

    `*.example.com` stands for every name below example.com, at any depth, not for itself.
    """
    levels = [host]
    if not host.startswith("[") and len(host) <= LONGEST_HOST:
        labels = host.split(".")
        levels += ["*." + ".".join(labels[start:]) for start in range(1, len(labels))]
    return levels
