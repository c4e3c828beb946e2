"""The services' databases, filled from the monolith's as the streams of docs/shop.md do it.

The relay's and the applier's own parts are used, without Kafka between them: what a service reads
in these tests has every value in the form in which it will arrive.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert

from cdc.applier import tables as bookkeeping
from cdc.applier.targets import open_target
from cdc.config import SYNC, Stream
from cdc.config.model import TableSync
from cdc.mapping import TableMapping, outgoing
from cdc.sources.sqlite.control import SqliteControl
from strangler.kit.compose import compose
from strangler.kit.reader import Reader
from tests.integration.legacy_monolith.shop_process import ROOT
from tests.integration.services.service_process import schema


def streams(legacy_url: str, urls: dict[str, str]) -> dict[str, Stream]:
    """The streams that docs/shop.md shows, for these databases."""
    shown = (ROOT / "docs/shop.md").read_text(encoding="utf-8")
    lines = re.search(r"```yaml\nsync:\n(.*?)```", shown, re.DOTALL)
    assert lines
    env = {f"{name.upper()}_DATABASE_URL": url for name, url in urls.items()}
    root, problems = compose(lines[1], env | {"LEGACY_DATABASE_URL": legacy_url})
    reader = Reader()
    read = SYNC.read(root, reader)
    assert [*problems, *reader.problems] == []
    return read


def copy(stream: Stream) -> None:
    """Everything of a stream's tables."""
    schema(stream.name, stream.target)
    with contextlib.closing(SqliteControl(stream)) as control:
        for table in stream.tables:
            arrive(stream.target, table.to, *_rows(control, table))
    mark_filled(stream.target, *(table.to for table in stream.tables))


def _rows(control: SqliteControl, table: TableSync) -> Iterator[dict[str, Any]]:
    """The rows of a table of the monolith as they arrive."""
    relation = control.relation(table.table, table.key)
    leaving = outgoing(table, relation) or [(i, None) for i in range(len(relation.columns))]
    mapping = TableMapping(table, None)
    for row in control.chunk(relation, None, 100_000).rows:
        yield mapping.target_row({relation.columns[i].name: row[i] for i, _ in leaving})


def arrive(url: str, table: str, *rows: dict[str, Any]) -> None:
    """Whole rows, with values in the forms of docs/formats.md, as the applier writes them."""
    target = open_target(url, "reviews")
    with target.engine.connect() as connection:
        with connection.begin():
            target.prepare(connection)
        with connection.begin():
            target.begin(connection)
            shape = target.describe(connection, table)
            target.upsert(connection, shape, shape.primary, list(rows[0]), rows)
    target.engine.dispose()


def mark_filled(url: str, *tables: str, stream: str = "reviews") -> None:
    """What an applier notes about tables that have arrived completely."""
    target = open_target(url, stream)
    with target.engine.begin() as connection:
        bookkeeping.ensure(connection, stream)
        rows = [{"stream": stream, "name": name, "filled_ms": 1} for name in tables]
        connection.execute(insert(bookkeeping.filled_table), rows)
    target.engine.dispose()
