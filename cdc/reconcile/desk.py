"""Everything that a comparison of one stream has open, and closes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event, Thread

from cdc.config.model import Stream, TableSync
from cdc.functions import load
from cdc.mapping import mappings
from cdc.reconcile.barrier import Barriers, RelayReport, Waiting, open_engine
from cdc.reconcile.dialects import Session, database_of, open_session
from cdc.reconcile.dialects.base import Dialect, Field, Selected
from cdc.reconcile.plan import Pair, Plan, ReconcileError, plan
from cdc.reconcile.rows import RowSide, SourceRows, TargetRows
from cdc.reconcile.sides import Side, SqlSide
from cdc.reconcile.walk import RANGE, Sides
from cdc.relay.ports import SourceControl, SourceError
from cdc.sources import open_control

_WATCH = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is made."""

    show_values: bool = False
    """Whether differences carry the values, which may be personal."""
    kept: int = 1_000
    barrier_within: float = 60.0
    """Seconds to wait for what is on its way."""
    statement_within: float = 300.0
    rounds: int = 10
    range_rows: int = RANGE
    batch: int = 2_000
    """Keys that are looked at again at a time."""
    waiting: Waiting = lambda _what: None
    """Told what is waited for where that takes a while."""


@dataclass(slots=True)
class Desk:
    """Sessions on both databases, used by one thread but for the walk's two."""

    stream: Stream
    options: Options
    control: SourceControl
    target_control: SourceControl
    barriers: Barriers
    stop: Event
    databases: tuple[str, str]
    _open: list[Session] = field(default_factory=list)

    def plan(self, table: TableSync) -> Plan:
        """How a table is compared. Raises `ReconcileError` and `SourceError`."""
        source = self.control.relation(table.table, table.key)
        names = [source.columns[index].name for index in source.key]
        key = [table.columns.get(name, name) for name in names]
        try:
            target = self.target_control.relation(table.to, key)
        except SourceError as error:
            raise ReconcileError(f"the target's table {table.to}: {error}") from error
        return plan(table, source, target, self.databases)

    @contextmanager
    def sides(self, plan: Plan) -> Iterator[Sides]:
        """Both sides, each with its thread and sessions, for walking."""
        with ExitStack() as stack:
            yield Sides(
                self._walked(stack, plan, ours=True), self._walked(stack, plan, ours=False),
                _thread(stack, "source"), _thread(stack, "target"),
            )  # fmt: skip

    @contextmanager
    def looking(self, plan: Plan) -> Iterator[tuple[Side, Side]]:
        """Both sides, with sessions of their own, for single rows."""
        if plan.python is not None:
            yield self.row_sides(plan)
            return
        with ExitStack() as stack:
            yield (
                self._walked(stack, plan, ours=True),
                self._walked(stack, plan, ours=False),
            )

    def row_sides(self, plan: Plan) -> tuple[RowSide, RowSide]:
        """Both sides for a comparison in Python."""
        mapping = mappings(replace(self.stream, tables=(plan.table,)), load)[plan.table.table]
        return SourceRows(self.control, plan, mapping), TargetRows(self.target_control, plan)

    def _walked(self, stack: ExitStack, plan: Plan, *, ours: bool) -> SqlSide:
        url = self.stream.source if ours else self.stream.target or ""
        dialect, session = self._session(stack, url)
        _, drill = self._session(stack, url)
        return SqlSide(dialect, session, drill, selected(plan, ours=ours))

    def _session(self, stack: ExitStack, url: str) -> tuple[Dialect, Session]:
        dialect, session = open_session(url, self.options.statement_within)
        stack.callback(session.close)
        self._open.append(session)
        stack.callback(self._open.remove, session)
        return dialect, session

    def cancel_when_stopped(self, done: Event) -> None:
        """End the statements that run once `stop` is set, until `done` is; in a thread."""
        while not done.is_set():
            if self.stop.wait(_WATCH):
                for session in list(self._open):
                    session.cancel()
                done.wait(_WATCH)


def selected(plan: Plan, *, ours: bool) -> Selected:
    """One side of a plan."""

    def fields(pairs: tuple[Pair, ...]) -> tuple[Field, ...]:
        return tuple((pair.source if ours else pair.target, pair.form) for pair in pairs)

    relation = plan.source if ours else plan.target
    return Selected(relation, fields(plan.key), fields(plan.pairs))


def _thread(stack: ExitStack, name: str) -> ThreadPoolExecutor:
    return stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix=f"reconcile-{name}"))


@contextmanager
def open_desk(
    stream: Stream, options: Options, stop: Event | None = None, relay: RelayReport | None = None
) -> Iterator[Desk]:
    """A desk for a stream. Raises `ReconcileError` and `SourceError`."""
    if stream.target is None:
        raise ReconcileError(f"the stream {stream.name} has no `target:` to compare with")
    databases = (database_of(stream.source), database_of(stream.target))
    stop = stop or Event()
    with ExitStack() as stack:
        control = _control(stack, stream)
        target = _control(stack, replace(stream, source=stream.target, target=None))
        engine = open_engine(stream)
        stack.callback(engine.dispose)
        barriers = Barriers(
            stream, control, engine, options.barrier_within, stop, relay, options.waiting
        )
        desk = Desk(stream, options, control, target, barriers, stop, databases)
        with _watched(desk):
            yield desk


@contextmanager
def _watched(desk: Desk) -> Iterator[None]:
    done = Event()
    watch = Thread(target=desk.cancel_when_stopped, args=(done,), name="reconcile-stop")
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _control(stack: ExitStack, stream: Stream) -> SourceControl:
    control = open_control(stream)
    stack.callback(control.close)
    return control


Progress = Callable[[str, int, int], None]
"""Called with a table, the rows compared so far, and about how many there are."""
