"""The only place that knows all the parts: it puts them together and nothing else.

Imports of the heavy parts (database, event loop, HTTP) stand inside the functions that need them,
so that `strangler --help` and `strangler check` start quickly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strangler.config.load import Checked, check
from strangler.kit.problems import Severity

if TYPE_CHECKING:
    from strangler.admin.commands import Backend, Commands
    from strangler.admin.guard import Guard
    from strangler.admin.operations import CheckText
    from strangler.config.load import Sections
    from strangler.config.model import Table
    from strangler.proxy.supervisor import Settings
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


def sections() -> Sections:
    """The sections of routes.yaml that other packages own."""
    from cdc.config import SYNC

    return {"sync": SYNC}


def checker(missing_file: Severity = Severity.WARNING) -> CheckText:
    """Says everything about a text in this process's environment, and remembers the last two."""
    from strangler.admin.files import with_files

    @lru_cache(maxsize=2)
    def remembered(text: str) -> Checked:
        return check(text, env=os.environ, sections=sections())

    return lambda text: with_files(remembered(text), text, missing_file)


def schema() -> dict[str, Any]:
    """The JSON Schema of routes.yaml."""
    from strangler.config.schema import json_schema

    return json_schema(sections())


def open_place_store(place: Place) -> SqlStore:
    """The store of a place; raises `StoreError`."""
    from strangler.store import open_store, store_url

    return open_store(store_url(place.store, place.routes.parent))


@contextmanager
def commands(place: Place) -> Iterator[Commands]:
    """The commands on a running gateway if it is this place's, else on the store."""
    from strangler.admin.commands import Commands, StoreBackend
    from strangler.admin.failures import translated
    from strangler.admin.operations import Operations
    from strangler.admin.working_copy import WorkingCopy

    file = WorkingCopy(place.routes)
    with translated():
        gateway = _gateway(place)
        if gateway is not None:
            yield Commands(gateway, file)
            return
        with closing(open_place_store(place)) as store:
            operations = Operations(store, checker(), secret=_secret())
            yield Commands(StoreBackend(operations), file)


def _gateway(place: Place) -> Backend | None:
    """The gateway to ask: the one named, else one at the table's address if it is ours."""
    from strangler.admin.client import GatewayClient
    from strangler.admin.commands import is_ours

    if place.admin:
        return GatewayClient(place.admin, place.token)
    for address in _admin_addresses(place):
        client = GatewayClient(address, place.token)
        identity = client.identity()
        if identity is not None:
            own = identity.get("routes") == str(place.routes.resolve())
            store = None if own else _local_identity(place)
            return client if is_ours(identity, place.routes, store) else None
    return None


def _admin_addresses(place: Place) -> Iterator[str]:
    """Where a gateway of this place may answer: as the file says, then as the live table says.

    The file is read leniently, since a broken one is when people look for their gateway.
    """
    from strangler.config.model import Gateway
    from strangler.rollout.document import admin_of

    usual = Gateway().admin
    try:
        yield admin_of(place.routes.read_text("utf-8")) or usual
    except (OSError, ValueError):
        yield usual
    if _has_store(place):
        with closing(open_place_store(place)) as store:
            live = store.newest()
        if live is not None:
            yield admin_of(live.text) or usual


def _has_store(place: Place) -> bool:
    from strangler.rollout.versions import DEFAULT_STORE

    return place.store is not None or (place.routes.parent / DEFAULT_STORE).exists()


def _local_identity(place: Place) -> str | None:
    """The identity of the place's store, or None if there is none yet."""
    if not _has_store(place):
        return None
    with closing(open_place_store(place)) as store:
        return store_identity(store)


def store_identity(store: SqlStore) -> str:
    """A name that tells this store from every other."""
    import uuid

    return store.setting("identity", uuid.uuid4().hex)


def check_files(files: Sequence[Path]) -> dict[str, Any]:
    """Every problem of the files, for people and for programs."""
    from strangler.admin import checking

    return checking.check_files(files, checker())


@dataclass(frozen=True, slots=True)
class Serving:
    """What `strangler serve` was asked for beyond the place."""

    listen: str | None = None
    """None for the table's own."""
    workers: int | None = None
    """None for one per core."""


def serve(place: Place, serving: Serving) -> None:
    """Run the gateway until a signal ends it."""
    import asyncio

    from strangler.admin.failures import translated
    from strangler.admin.first_load import nothing_to_serve
    from strangler.telemetry import logs

    if not place.routes.exists() and not _has_store(place):
        raise nothing_to_serve()  # before a store is made in a folder that was a mistake
    logs.configure()
    with translated(), closing(open_place_store(place)) as store:
        asyncio.run(_serve(place, serving, store))


async def _serve(place: Place, serving: Serving, store: SqlStore) -> None:
    import asyncio

    from strangler.admin import gateway as control
    from strangler.admin.addresses import check_free
    from strangler.admin.app import Parts, application, listening
    from strangler.admin.first_load import first_load
    from strangler.admin.operations import Operations
    from strangler.admin.publisher import Publisher, Refusals
    from strangler.admin.runtime import SupervisorRuntime
    from strangler.admin.working_copy import WorkingCopy
    from strangler.proxy.signals import handled
    from strangler.proxy.supervisor import Supervisor

    refusals, file, secret = Refusals(), WorkingCopy(place.routes), _secret()
    check = checker(missing_file=Severity.ERROR)
    starting = Operations(store, check, secret=secret)
    saved = control.readable(file)

    def can_serve(table: Table) -> None:
        check_free(serving.listen or table.gateway.listen, "listen")
        check_free(place.admin or table.gateway.admin, "admin")

    first = await asyncio.to_thread(first_load, starting, check, saved, refusals, can_serve)
    admin = place.admin or first.table.gateway.admin
    guard = _guard(admin)

    membership = control.Membership(store)
    supervisor = Supervisor(_settings(first.table, serving, store), renew=membership.renew)
    runtime = SupervisorRuntime(supervisor, refusals)
    membership.served = runtime.served
    operations = Operations(store, check, secret=secret, runtime=runtime)
    publish = control.publish_and_report(runtime, membership)
    publisher = Publisher(store, check, publish, refusals, every=_poll(store))
    watched = None if store.shared else file
    watcher = control.file_watcher(watched, operations, refusals, publisher) if watched else None
    gateway = control.Gateway(runtime, publisher, membership, watcher)
    app = application(
        Parts(
            operations=operations,
            guard=guard,
            file=watched,
            identity={
                "store": store_identity(store),
                "routes": str(place.routes.resolve()),
                "watched": str(place.routes.resolve()) if watched else "",
            },
            changed=publisher.look,
            ready=runtime.ready,
            metrics=runtime.metrics,
        )
    )
    reload = asyncio.Event()
    async with supervisor:
        # Before anybody can see that there is a gateway, and send it a signal.
        with handled(supervisor, reload=reload.set) as stop:
            async with listening(app, admin):
                await gateway.start(first, saved)
                await gateway.run(stop, reload)
                await supervisor.stop()


def _settings(table: Table, serving: Serving, store: SqlStore) -> Settings:
    from strangler.admin.gateway import LEASE_SECONDS
    from strangler.admin.keys import cookie_key
    from strangler.proxy.supervisor import Settings

    return Settings(
        listen=serving.listen or table.gateway.listen,
        workers=serving.workers or len(os.sched_getaffinity(0)),
        cookie_key=cookie_key(store, _secret()),
        lease=LEASE_SECONDS,
    )


def _guard(admin: str) -> Guard:
    """The guard of the admin port; raises `Failure` if it would be open to a network."""
    from strangler.admin.failures import Failure, Kind
    from strangler.admin.guard import Guard, check_exposure
    from strangler.admin.tokens import TokensError, parse

    path = os.environ.get("STRANGLER_ADMIN_TOKENS_FILE")
    try:
        tokens = parse(Path(path).read_text("utf-8")) if path else ()
    except (OSError, TokensError) as error:
        raise Failure(Kind.REFUSED, f"STRANGLER_ADMIN_TOKENS_FILE {path}: {error}") from error
    check_exposure(admin, tokens)
    return Guard(tokens, admin)


def _poll(store: SqlStore) -> float:
    """Seconds between two looks for a version that another process committed."""
    return 1.0 if store.shared else 0.25


def _secret() -> str | None:
    return os.environ.get("STRANGLER_SECRET")
