"""How far each stream's relay has come, kept in SQLite beside the route table or the shared store.

The row of a stream carries the epoch of the relay that may write it. Starting claims the next
epoch; a relay that has been replaced finds its epoch gone and saves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cdc.checkpoint import Checkpoint, CheckpointError

_METADATA = MetaData()
_CHECKPOINTS = Table(
    "cdc_checkpoints",
    _METADATA,
    Column("stream", String(128), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("body", LargeBinary),
    Column("saved_ms", BigInteger, nullable=False),
)
_STATUS = Table(
    "cdc_status",
    _METADATA,
    Column("stream", String(128), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


def open_engine(url: str) -> Engine:
    """The store of checkpoints, its tables made; raises `CheckpointError`."""
    with _failures("cannot be opened"):
        postgresql = url.startswith("postgresql")
        engine = create_engine(url, pool_pre_ping=True, connect_args=_BOUNDS if postgresql else {})
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _durable)
        _make_tables(engine)
    return engine


_TOGETHER: Final = 2.0
"""Seconds within which processes count as started at once."""
_BOUNDS: Final = {
    "connect_timeout": 10,
    # Seconds after which a server that says nothing has gone; milliseconds, for what was sent.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "options": "-c statement_timeout=20s -c lock_timeout=10s -c synchronous_commit=on",
}


def _make_tables(engine: Engine) -> None:
    """Where processes start at once, one makes what the other was about to: it looks again."""
    deadline = time.monotonic() + _TOGETHER
    while True:
        try:
            _METADATA.create_all(engine)
            return
        except SQLAlchemyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _durable(connection: Any, _record: Any) -> None:
    # The source forgets what a checkpoint says is done, so a power cut must not undo one.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")


class SqlCheckpoints:
    """The checkpoints of one stream's relay, under the epoch that it claimed."""

    def __init__(self, engine: Engine, stream: str) -> None:
        self._engine, self._stream = engine, stream
        self.epoch = 0

    def claim(self) -> int:
        """Become the stream's relay: the new epoch, greater than every earlier one.

        Once per session. Only the first takes over from whoever runs: a relay that has been
        replaced meanwhile gives way with a `CheckpointError` that says so. Otherwise one that
        stood still for a while would wake up and end the one that took its place.
        """
        row = _CHECKPOINTS.c
        with _failures(), self._engine.begin() as connection:
            found = connection.scalar(select(row.epoch).where(row.stream == self._stream))
            if found is None:
                self._insert_first()
        mine = row.epoch == self.epoch if self.epoch else true()
        with _failures(), self._engine.begin() as connection:
            changed = connection.execute(
                update(_CHECKPOINTS)
                .where(row.stream == self._stream, mine)
                .values(epoch=row.epoch + 1)
            ).rowcount
            if changed != 1:
                raise self._replaced()
            self.epoch = int(
                connection.scalar(select(row.epoch).where(row.stream == self._stream)) or 0
            )
        return self.epoch

    def load(self) -> bytes | None:
        """What was saved last; None at the very first start."""
        row = _CHECKPOINTS.c
        with _failures(), self._engine.connect() as connection:
            return connection.scalar(select(row.body).where(row.stream == self._stream))

    def save(self, checkpoint: bytes) -> None:
        """Keep it durably; raises `CheckpointError` where a newer relay has started."""
        row = _CHECKPOINTS.c
        with _failures(), self._engine.begin() as connection:
            changed = connection.execute(
                update(_CHECKPOINTS)
                .where(row.stream == self._stream, row.epoch == self.epoch)
                .values(body=checkpoint, saved_ms=_now_ms())
            ).rowcount
        if changed != 1:
            raise self._replaced()

    def _replaced(self) -> CheckpointError:
        return CheckpointError(
            f"another relay of the stream {self._stream} has started since", replaced=True
        )

    def _insert_first(self) -> None:
        # Epochs begin at the time and not at 0: should this store ever be lost, the next one's are
        # greater than all that consumers remember, who would drop what is lower without a word.
        values = {"stream": self._stream, "epoch": _now_ms() // 1000, "saved_ms": _now_ms()}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_CHECKPOINTS).values(values))
        except IntegrityError:
            return  # another relay was faster


class CommittedCheckpoints:
    """For exactly once: what Kafka committed with the records is how far the relay has come.

    The row in the database follows it: it carries the epoch, and is what remains of an incarnation
    that began anew and was killed before its first record. It is also ahead where the stream was
    delivered in another way for a while.
    """

    def __init__(
        self, row: SqlCheckpoints, committed: Callable[[], bytes | None], undo: str
    ) -> None:
        """`committed` tells Kafka's newest; asked after the sink was opened.

        `undo` is the command that forgets a checkpoint nobody can read.
        """
        self._row, self._committed, self._undo = row, committed, undo

    def load(self) -> bytes | None:
        """The newer of the two; raises `CheckpointError` for one that nobody can read."""
        kept, committed = self._row.load(), self._committed()
        if kept is None or committed is None:
            return committed or kept
        row = Checkpoint.from_bytes(kept, self._undo)
        try:
            newest = Checkpoint.from_bytes(committed, self._undo)
        except CheckpointError:
            if row.is_forgotten:  # the stream was undone since: what is in the topic counts no more
                return kept
            raise
        return kept if _place(row) > _place(newest) else committed

    def save(self, checkpoint: bytes) -> None:
        """Let the row follow; raises `CheckpointError` where a newer relay has started."""
        self._row.save(checkpoint)


def _place(checkpoint: Checkpoint) -> tuple[int, int]:
    """Where in the log it stands; grows for as long as a stream lives."""
    return checkpoint.incarnation, checkpoint.resume


def forget(engine: Engine, stream: str) -> bool:
    """Remove a stream's checkpoint, so that its next start is a first one; whether it had one."""
    row = _CHECKPOINTS.c
    of_stream = update(_CHECKPOINTS).where(row.stream == stream)
    with _failures(), engine.begin() as connection:
        # The row stays for its epoch: an older relay must not come to life again.
        if not connection.execute(of_stream.values(epoch=row.epoch + 1)).rowcount:
            return False
        kept = connection.scalar(select(row.body).where(row.stream == stream))
        left = _left_of(kept) if kept else None
        connection.execute(of_stream.values(body=left))
        return kept is not None


def _left_of(kept: bytes) -> bytes | None:
    try:
        return Checkpoint.from_bytes(kept).forgotten().to_bytes()
    except CheckpointError:  # one that nobody can read is forgotten as a whole
        return None


def report(engine: Engine, stream: str, role: str, body: dict[str, Any]) -> None:
    """Keep what `strangler cdc status` shows of a process; replaces what it said before."""
    row = _STATUS.c
    values = {"body": orjson.dumps(body), "at_ms": _now_ms()}
    with _failures(), suppress(IntegrityError), engine.begin() as connection:
        # Where two say it first at the same time, either will do.
        where = (row.stream == stream, row.role == role)
        if not connection.execute(update(_STATUS).where(*where).values(values)).rowcount:
            connection.execute(insert(_STATUS).values(stream=stream, role=role, **values))


def note_end(engine: Engine, stream: str, role: str, epoch: int, reason: str) -> None:
    """Note that a process ended in order, unless another one has reported since."""
    row = _STATUS.c
    mine = (row.stream == stream) & (row.role == role)
    with _failures(), engine.begin() as connection:
        kept = connection.execute(select(row.body, row.at_ms).where(mine)).first()
        body = orjson.loads(kept.body) if kept else {}
        if kept is None or body.get("epoch") != epoch:
            return
        values = {"body": orjson.dumps({**body, "ended": reason}), "at_ms": _now_ms()}
        connection.execute(update(_STATUS).where(mine, row.at_ms == kept.at_ms).values(values))


def reports(engine: Engine) -> list[dict[str, Any]]:
    """What every process said last: its report with `stream`, `role` and `at_ms`."""
    with _failures(), engine.connect() as connection:
        rows = connection.execute(select(_STATUS).order_by(_STATUS.c.stream, _STATUS.c.role))
        return [
            {**orjson.loads(row.body), "stream": row.stream, "role": row.role, "at_ms": row.at_ms}
            for row in rows
        ]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class _failures:  # noqa: N801 - reads as a verb at its uses
    """Turns the database's failures into `CheckpointError`, in the driver's own words.

    SQLAlchemy's carry the statement with its values, which are keys of rows.
    """

    def __init__(self, what: str = "failed") -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SQLAlchemyError):
            said = str(getattr(error, "orig", None) or error).strip()
            raise CheckpointError(f"the store of checkpoints {self._what}: {said}") from error
