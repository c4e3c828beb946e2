"""The only place that knows all the parts: it puts them together and nothing else.

Imports of the heavy parts (database, event loop, HTTP) stand inside the functions that need them,
so that `strangler --help` and `strangler check` start quickly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strangler.config.load import Checked, check

if TYPE_CHECKING:
    from strangler.admin.commands import Backend, Commands
    from strangler.admin.guard import Guard
    from strangler.admin.operations import Operations
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
        yield Operations(store, check_text, secret=_secret())


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


def write_first_table(routes: Path, legacy: str) -> str:
    """Write a first routes.yaml; what to do next."""
    from strangler.admin.failures import Failure, Kind
    from strangler.admin.first_table import first_table

    text = first_table(legacy)
    try:
        with routes.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Failure(Kind.REFUSED, f"{routes} is there already: it is not overwritten") from error
    except OSError as error:
        raise Failure(Kind.REFUSED, f"{routes} cannot be written: {error.strerror}") from error
    return f"Wrote {routes}. Next: strangler check, then strangler serve."


def check_files(files: tuple[Path, ...]) -> dict[str, Any]:
    """Every problem of the files: `ok`, the `problems` as data, the `lines` for a person."""
    from strangler.admin.commands import read_file
    from strangler.admin.failures import problem_count
    from strangler.admin.working_copy import WorkingCopy

    problems, lines, errors = [], [], 0
    for path in files:
        checked = check_text(read_file(WorkingCopy(path)).text)
        errors += len(checked.errors)
        problems += [{"file": str(path), **asdict(each)} for each in checked.problems]
        lines += [each.at(str(path)) for each in checked.problems]
        if checked.table is not None:
            routes, upstreams = len(checked.table.routes), len(checked.table.upstreams)
            lines.append(f"{path}: right: {routes} routes, {upstreams} upstreams")
    if errors:
        lines.append(problem_count(errors))
    return {"ok": not errors, "problems": problems, "lines": lines}


def make_token(name: str, role: str) -> tuple[str, str]:
    """A new token of the admin API, and its line for the tokens file."""
    from strangler.admin.calls import Role
    from strangler.admin.tokens import make

    secret, token = make(name, Role(role))
    return secret, str(token)


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
    from strangler.telemetry import logs

    logs.configure()
    with translated(), closing(open_place_store(place)) as store:
        asyncio.run(_serve(place, serving, store))


async def _serve(place: Place, serving: Serving, store: SqlStore) -> None:
    import asyncio

    from strangler.admin import gateway as control
    from strangler.admin.app import Parts, application, listening
    from strangler.admin.first_load import first_load
    from strangler.admin.operations import Operations
    from strangler.admin.publisher import Publisher, Refusals
    from strangler.admin.runtime import SupervisorRuntime
    from strangler.admin.working_copy import WorkingCopy
    from strangler.proxy.signals import handled
    from strangler.proxy.supervisor import Supervisor

    refusals, file, secret = Refusals(), WorkingCopy(place.routes), _secret()
    starting = Operations(store, check_text, secret=secret)
    saved = control.readable(file)
    first = await asyncio.to_thread(first_load, starting, check_text, saved, refusals)
    admin = place.admin or first.table.gateway.admin
    guard = _guard(admin)

    membership = control.Membership(store)
    supervisor = Supervisor(_settings(first.table, serving, store), renew=membership.renew)
    runtime = SupervisorRuntime(supervisor, refusals)
    membership.served = runtime.served
    operations = Operations(store, check_text, secret=secret, runtime=runtime)
    publish = control.publish_and_report(runtime, membership)
    publisher = Publisher(store, check_text, publish, refusals, every=_poll(store))
    watched = None if store.shared else file
    watcher = control.file_watcher(watched, operations, refusals, publisher) if watched else None
    gateway = control.Gateway(runtime, publisher, membership, watcher)
    app = application(
        Parts(
            operations=operations,
            guard=guard,
            file=watched,
            identity={"store": store_identity(store), "routes": str(place.routes.resolve())},
            changed=publisher.look,
            ready=runtime.ready,
            metrics=runtime.metrics,
        )
    )
    reload = asyncio.Event()
    async with supervisor, listening(app, admin):
        with handled(supervisor, reload=reload.set) as stop:
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
