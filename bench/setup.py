"""What a proxy is asked to do in a case: how many routes, whether a canary, which upstreams.

Every peer turns the same `Setup` into its own configuration, so that the work is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

COOKIE = "uid"
"""The cookie whose value is the identity in the canary cases."""
CANARY_PERCENT = 10
SIDE_BYTES = 150
"""Length of the JSON answer of both sides."""
REQUESTS = 2000
"""Different requests in one load; each has an identity of its own."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One configuration of a proxy."""

    name: str
    routes: int
    """Prefix routes `/svc-000` .. ; what matches none goes to the old side too."""
    canary: bool
    """Every route sends 10 % of the identities (cookie `uid`) to the new side, and keeps them."""
    old: int
    """Port of the old side on 127.0.0.1."""
    new: int
    """Port of the new side on 127.0.0.1."""


def prefix(number: int) -> str:
    """The path prefix of a route."""
    return f"/svc-{number:03d}"


def path(number: int, routes: int) -> str:
    """The path of the n-th request of a load: the routes in turn."""
    return f"{prefix(number % routes)}/items/{number}"


def identity(number: int) -> str:
    """The value of the cookie in the n-th request of a load."""
    return f"user-{number:06d}"


def answer(side: str) -> bytes:
    """The JSON body of a side, 150 bytes."""
    head = f'{{"side":"{side}","items":[1,2,3],"note":"'
    return (head + "." * (SIDE_BYTES - len(head) - 2) + '"}').encode()
