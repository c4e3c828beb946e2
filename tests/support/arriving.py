"""What must hold of a stream after whatever happened to it."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.checkpoint import Checkpoint
from cdc.config.model import Delivery
from cdc.envelope import decode_id
from cdc.store import SqlCheckpoints, open_engine
from support.items import engine_of, rows
from support.pipes import assert_equal, until
from support.writers import rows_as_text


def assert_arrives(shop, within: float = 90.0, after: int = 0) -> list:
    """Start what is not running: then everything is in Kafka and in the target, as promised."""
    name = shop.stream.name
    with shop.process("run", name) as relay, shop.process("apply", name) as applier:
        return assert_arrived(shop, within, after, relay=relay, applier=applier)


def assert_arrived(shop, within: float = 90.0, after: int = 0, **processes) -> list:
    """The same with a relay and an applier that run already, `processes` among them."""

    def seen_to():
        for word, process in processes.items():
            assert process.poll() is None, f"{word}: {shop.log(_WORDS[word])[-3000:]}"

    shop.snapshotted(after, within, seen_to)
    records = assert_equal(shop, within, seen_to)
    assert_ordered(records)
    if shop.stream.delivery is Delivery.EXACTLY_ONCE:
        assert_once(records)
    assert_applied(shop, shop.barrier(), within, seen_to)
    return records


_WORDS = {"relay": "run", "applier": "apply"}


def incarnation(shop) -> int:
    """The one that the relay's checkpoint has."""
    engine = open_engine(shop.home.store)
    try:
        kept = SqlCheckpoints(engine, shop.stream.name).load()
    finally:
        engine.dispose()
    assert kept is not None
    return Checkpoint.from_bytes(kept).incarnation


def assert_applied(shop, seq: int, within: float = 90.0, meanwhile=lambda: None) -> None:
    """The target has everything before a marker, and equals the source."""
    target = open_target(shop.stream.target, shop.stream.name)

    def there():
        meanwhile()
        try:
            with target.engine.connect() as connection:
                return state.arrived(connection, shop.stream.name, seq)
        except SQLAlchemyError:  # its tables come with its first transaction
            return False

    try:
        try:
            until(there, f"marker {seq} at the target", within)
        except AssertionError as error:
            error.add_note(_standing(shop))
            raise
        with target.engine.connect() as connection:
            assert not any(state.parked(connection, shop.stream.name).values())
    finally:
        target.engine.dispose()
    for table in shop.stream.tables:
        source = _rows(shop.stream.source, table.table)
        assert _rows(shop.stream.target, table.to) == source


def _rows(url: str, table: str) -> list:
    return rows_as_text(url, table) if url.startswith("postgres") else rows(url, table)


def _standing(shop) -> str:
    """Where the target stands, for whoever reads of a failure."""
    engine = engine_of(shop.stream.target)
    try:
        with engine.connect() as connection:
            found = [
                connection.execute(text(f"SELECT * FROM {table}")).fetchall()
                for table in ("strangler_applied", "strangler_parked")
            ]
    finally:
        engine.dispose()
    return f"{found}\n{shop.log('apply')[-3000:]}"


def assert_ordered(records) -> None:
    """What one relay writes into a partition comes in order, and after what earlier ones wrote."""
    last = defaultdict(lambda: (0, None))
    for record in records:
        headers = dict(record.headers)
        where, epoch = (record.topic, record.partition), int(headers["epoch"])
        this, (known, before) = decode_id(headers["id"]), last[where]
        found = (
            f"{where}, offset {record.offset}: {this} of relay {epoch} after {before} of {known}"
        )
        assert epoch >= known, found
        assert epoch > known or before is None or this > before, found
        last[where] = epoch, this


def assert_once(records) -> None:
    """No record twice; a marker is there once in every partition."""
    seen = defaultdict(list)
    for record in records:
        headers = dict(record.headers)
        where = (record.topic, record.partition, headers["id"])
        seen[where].append((record.offset, f"relay {headers['epoch'].decode()}"))
    twice = {where: found for where, found in seen.items() if len(found) > 1}
    assert not twice, f"{len(twice)} records are there twice, such as {next(iter(twice.items()))}"
