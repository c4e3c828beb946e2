"""The only place that knows all the parts: it puts them together and nothing else.

Imports of the heavy parts (database, event loop, HTTP) stand inside the functions that need them,
so that `strangler --help` and `strangler check` start quickly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strangler.config.load import Checked, check

if TYPE_CHECKING:
    from strangler.admin.commands import Backend, Commands
    from strangler.admin.operations import Operations
    from strangler.config.load import Sections
    from strangler.store import SqlStore


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works: which file, which store, which gateway."""

    routes: Path = Path("routes.yaml")
    store: str | None = None
    """URL of the store; None for SQLite beside the file."""
    admin: str | None = None
    """Address of the gateway's admin API; None to look at the table's own."""
    token: str | None = None
    local: bool = False
    """Work on the store itself even if a gateway runs."""


def sections() -> Sections:
    """The sections of routes.yaml that other packages own."""
    from cdc.config import SYNC

    return {"sync": SYNC}


def check_text(text: str, env: Mapping[str, str] | None = None) -> Checked:
    """Everything that can be said about a text in this process's environment."""
    return check(text, env=os.environ if env is None else env, sections=sections())


def schema() -> dict[str, Any]:
    """The JSON Schema of routes.yaml."""
    from strangler.config.schema import json_schema

    return json_schema(sections())


@contextmanager
def open_operations(place: Place) -> Iterator[Operations]:
    """The operations on a place's store, without a gateway."""
    from strangler.admin.operations import Operations

    with closing(open_place_store(place)) as store:
        yield Operations(store, check_text)


def open_place_store(place: Place) -> SqlStore:
    """The store of a place; raises `StoreError`."""
    from strangler.store import open_store, store_url

    return open_store(store_url(place.store, place.routes.parent))


@contextmanager
def commands(place: Place) -> Iterator[Commands]:
    """The commands on a running gateway if it is this place's, else on the store."""
    from strangler.admin.commands import Commands, StoreBackend
    from strangler.admin.failures import translated
    from strangler.admin.working_copy import WorkingCopy

    file = WorkingCopy(place.routes)
    gateway = None if place.local else _gateway(place)
    if gateway is not None:
        yield Commands(gateway, file)
        return
    with translated(), open_operations(place) as operations:
        yield Commands(StoreBackend(operations), file)


def _gateway(place: Place) -> Backend | None:
    """The gateway to ask: the one named, else the one at the table's address if it is ours."""
    from strangler.admin.client import GatewayClient
    from strangler.admin.commands import is_ours
    from strangler.admin.failures import Failure, Kind

    client = GatewayClient(place.admin or _admin_address(place), place.token)
    if place.admin:
        return client
    try:
        identity = client.identity()
    except Failure as failure:
        if failure.kind is Kind.UNAVAILABLE:
            return None
        raise
    store = None if identity.get("routes") == str(place.routes.resolve()) else _identity(place)
    return client if is_ours(identity, place.routes, store) else None


def _admin_address(place: Place) -> str:
    """The admin address that the file names, or the default where it cannot say."""
    from strangler.config.model import Gateway

    try:
        table = check_text(place.routes.read_text("utf-8")).table
    except (OSError, ValueError):
        table = None
    return (table.gateway if table else Gateway()).admin


def _identity(place: Place) -> str | None:
    """The identity of the place's store, or None if there is none yet."""
    from strangler.store import DEFAULT_STORE

    if place.store is None and not (place.routes.parent / DEFAULT_STORE).exists():
        return None
    with closing(open_place_store(place)) as store:
        return store_identity(store)


def store_identity(store: SqlStore) -> str:
    """A name that tells this store from every other."""
    import uuid

    return store.setting("identity", uuid.uuid4().hex)
