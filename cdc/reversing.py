"""The reverse direction of a stream: what keeps the old side in step after a cutover.

It is made of the stream itself, so that nobody writes it down twice; that takes a mapping that
loses nothing. Whatever stands in the way is said at once, long before a cutover needs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from cdc.config.model import Stream, TableSync, UnknownColumns
from cdc.config.names import (
    LONGEST_NAME,
    LONGEST_TOPIC,
    REVERSE_NAME,
    REVERSE_PREFIX,
    reverse_topics_of,
)


class NotInvertible(Exception):  # noqa: N818 - a fact about a stream, more than an error
    """A stream has no reverse direction; `problems` has a sentence for each reason."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a table has in both databases, where they are known."""

    source: frozenset[str]
    target: frozenset[str]


def is_invertible(stream: Stream) -> bool:
    """Whether a stream has a reverse direction."""
    try:
        reversed_stream(stream)
    except NotInvertible:
        return False
    return True


def reversed_stream(stream: Stream, columns: Mapping[str, Columns] | None = None) -> Stream:
    """The stream that carries the target's changes back; raises `NotInvertible`.

    `columns`, by the source's table, lets columns be found that only one side has. The outbox stays
    with the forward direction, as its rows are not copied.
    """
    problems = [*_unfit(stream), *_shared(stream)]
    tables = []
    for table in stream.tables:
        known = (columns or {}).get(table.table)
        found = [*_lost(table), *_one_sided(table, known, stream.unknown_columns)]
        problems += found
        tables.append(_inverted(table))
    if problems or stream.target is None:
        raise NotInvertible(problems)
    return replace(
        stream,
        name=stream.name + REVERSE_NAME,
        source=stream.target,
        target=stream.source,
        tables=tuple(tables),
        topics=replace(stream.topics, prefix=stream.topics.prefix + REVERSE_PREFIX),
        outbox=None,
        reverse=True,
    )


def inverted(table: TableSync, columns: Columns | None = None) -> TableSync:
    """The table as a reverse stream has it; raises `NotInvertible`."""
    problems = [*_lost(table), *_one_sided(table, columns, UnknownColumns.STOP)]
    if problems:
        raise NotInvertible(problems)
    return _inverted(table)


def _inverted(table: TableSync) -> TableSync:
    return TableSync(
        table=table.to,
        to=table.table,
        key=tuple(table.columns.get(column, column) for column in table.key),
        columns={target: source for source, target in table.columns.items()},
        convert=table.inverse,
        inverse=table.convert,
    )


def _unfit(stream: Stream) -> Iterator[str]:
    """What is wrong with the stream as a whole."""
    name = stream.name + REVERSE_NAME
    if stream.reverse:
        yield f"`{stream.name}` is a reverse direction already"
    if stream.target is None:
        yield f"`{stream.name}` has no target whose changes could come back: write `target`"
    if len(name) > LONGEST_NAME:
        yield (
            f"`{name}` has {len(name)} characters, and a stream's name {LONGEST_NAME} at most:"
            " give the stream a shorter name"
        )
    longest = max(map(len, reverse_topics_of(stream)))
    if longest > LONGEST_TOPIC:
        yield (
            f"a topic of `{name}` would have {longest} characters, and Kafka takes"
            f" {LONGEST_TOPIC}: write a shorter prefix under `topics`"
        )


def _shared(stream: Stream) -> Iterator[str]:
    """A row that was made of several cannot be taken apart."""
    for to, count in Counter(table.to for table in stream.tables).items():
        if count > 1:
            yield f"`{to}` is filled by {count} tables: give each table one of its own under `to`"


def _lost(table: TableSync) -> Iterator[str]:
    """What the mapping does not keep."""
    if table.include:
        yield (
            f"`{table.table}` sends only what `include` names, so a new row of `{table.to}` would"
            " lack the rest: copy all columns"
        )
    for column in table.exclude:
        yield f"`{table.table}.{column}` is excluded, so it would be lacking: copy it"
    for column in table.mask:
        yield f"`{table.table}.{column}` is masked, and its value is lost: copy it in the clear"
    if table.convert is not None and table.inverse is None:
        yield f"`{table.table}` is converted by `{table.convert}`: name what undoes it as `inverse`"


def _one_sided(table: TableSync, columns: Columns | None, unknown: UnknownColumns) -> Iterator[str]:
    """Columns that one side lacks; a conversion may make and drop any."""
    if columns is None or table.convert is not None:
        return
    arriving = {table.columns.get(column, column): column for column in columns.source}
    for column in sorted(columns.target - arriving.keys()):
        if unknown is not UnknownColumns.IGNORE:
            yield (
                f"`{table.to}.{column}` has no column in `{table.table}` to go to: add one, or"
                " write `unknown_columns: ignore`"
            )
    kept_back = {*table.exclude, *table.mask} if not table.include else columns.source
    for column in sorted(arriving.keys() - columns.target):
        if arriving[column] not in kept_back:  # those have been told
            yield (
                f"`{table.table}.{arriving[column]}` has no column in `{table.to}`, so it would be"
                f" lacking: add `{column}` there"
            )
