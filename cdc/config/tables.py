"""The tables of a stream: `tables:`, each a name or a mapping, and what must hold within one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from cdc.config.model import Mask, TableSync
from cdc.config.shapes import COLUMN_NAME, FUNCTION, SALT, TABLE_NAME, TEXT, ShortOr
from strangler.kit.databases import family, split
from strangler.kit.nodes import Node, walk
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record


@dataclass(frozen=True, slots=True)
class PlacedTable:
    """A table with the node it was read from."""

    node: Node
    table: TableSync


class _MaskRecord(Record[dict[str, Any]]):
    """One of `replace` and `hash`."""

    def read(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        """The mask as arguments of `Mask`."""
        errors = reader.errors
        values = self.values(node, reader)
        if values is None or reader.errors > errors:
            return None
        if len(values) != 1:
            reader.error(node, 'write one of `{replace: "..."}` and `{hash: "${SALT}"}`')
            return None
        return {"salt" if key == "hash" else key: value for key, value in values.items()}


MASK = _MaskRecord(
    "a mask",
    [
        Field("replace", TEXT, "A constant in the value's place."),
        Field("hash", SALT, "Salt of a hash in the value's place, as ${NAME}."),
    ],
    dict,
)


class _TableRecord(Record[PlacedTable]):
    """One table. What was right is checked too when something else was wrong."""

    def read(self, node: Node, reader: Reader) -> PlacedTable | None:
        """The table with its place, for rules across tables."""
        errors = reader.errors
        values = self.values(node, reader)
        if values is None:
            return None
        for place, message in _problems(values, node):
            reader.error(place, message)
        return None if reader.errors > errors else _placed(values, node)


TABLE = _TableRecord(
    "a table",
    [
        Field("table", TABLE_NAME, "The source's table.", True, "table: reviews_review"),
        Field("to", TABLE_NAME, "The target's table. Default: of the same name."),
        Field("key", ListOf(COLUMN_NAME, "columns", at_least=1), "Default: the primary key."),
        Field(
            "include",
            ListOf(COLUMN_NAME, "columns", at_least=1),
            "The only columns that leave the source. Default: all.",
        ),
        Field(
            "exclude",
            ListOf(COLUMN_NAME, "columns", at_least=1),
            "Columns that never leave the source. Default: none.",
        ),
        Field("mask", MapOf(COLUMN_NAME, MASK, "`mask`"), "What leaves instead of values."),
        Field(
            "columns", MapOf(COLUMN_NAME, COLUMN_NAME, "`columns`"), "Source column: target column."
        ),
        Field("convert", FUNCTION, "package.module:function over the target's row."),
        Field("inverse", FUNCTION, "The function that undoes `convert`."),
    ],
    PlacedTable,
)


TABLES = ListOf(
    ShortOr(TABLE, TABLE_NAME, lambda name, node: _placed({"table": name}, node)),
    "tables",
    at_least=1,
)
"""In file order; a table that is wrong in itself is left out."""


def tables_agree(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    """Across the tables of one stream: each is there once and fills a table of its own."""
    source: str = said.get("source", "")
    seen: dict[str, str] = {}
    filled: dict[str, str] = {}
    for placed in said.get("tables", ()):
        table, place = placed.table, walk(placed.node, "table")
        same = canonical(table.table, source)
        if same in seen:
            yield place, f"`{table.table}` is in the stream already, as `{seen[same]}`: remove one"
        elif table.convert is None and table.to in filled:
            yield (
                walk(placed.node, "to"),
                f"`{filled[table.to]}` and `{table.table}` both fill `{table.to}`: give one of them"
                " another `to`, or a `convert` that makes parts of one row of them",
            )
        seen.setdefault(same, table.table)
        if table.convert is None:
            filled.setdefault(table.to, table.table)
    outbox = said.get("outbox")
    if outbox and canonical(outbox, source) in seen:
        yield (
            walk(node, "outbox"),
            f"`{outbox}` is among `tables` too, but rows of an outbox are events and no copies:"
            " remove it from one of the two",
        )


def canonical(table: str, url: str) -> str:
    """The table without a schema that the database takes by default, which may be left out."""
    parts, kind = split(url), family(url)
    default = {"postgresql": "public", "sqlite": "main"}.get(kind or "")
    if kind == "mysql" and parts:
        default = unquote(parts.path[1:])
    return table.removeprefix(f"{default}.") if default else table


def _problems(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    """What contradicts itself within one table."""
    if "include" in said and "exclude" in said:
        yield (
            walk(node, "exclude"),
            "`include` already says which columns leave: remove `exclude`, or `include`",
        )
    if "inverse" in said and "convert" not in said:
        yield walk(node, "inverse"), "there is no `convert` to undo: add it, or remove `inverse`"
    for key in ("key", "include", "exclude"):
        yield from _repeated(said.get(key, ()), key, node)
    yield from _lost_keys(said, node)
    yield from _kept_back(said, node)
    yield from _merged(said, node)


def _repeated(columns: Iterable[str], key: str, node: Node) -> Iterator[tuple[Node, str]]:
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if column in seen:
            yield walk(node, key, index), f"`{column}` stands twice in `{key}`: remove one"
        seen.add(column)


def _lost_keys(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    """A key must arrive as it is, or rows cannot be found again."""
    for column in dict.fromkeys(said.get("key", ())):
        if column in said.get("exclude", ()):
            place = walk(node, "exclude", said["exclude"].index(column))
            yield place, f"`{column}` is part of the key, which always leaves: remove it here"
        if column in said.get("mask", {}):
            yield (
                walk(node, "mask", column),
                f"`{column}` is part of the key, and keys must stay equal on both sides:"
                " remove the mask, or name a key without this column",
            )


def _kept_back(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    """Masks and new names of columns that never leave do nothing."""
    leaving = {*said.get("include", ()), *said.get("key", ())} if "include" in said else None
    for key in ("mask", "columns"):
        for column in said.get(key, {}):
            if column in said.get("exclude", ()):
                yield (
                    walk(node, key, column),
                    f"`{column}` is excluded, so it never leaves: remove it here, or there",
                )
            elif leaving is not None and column not in leaving:
                yield (
                    walk(node, key, column),
                    f"`{column}` is not among `include`, so it never leaves: add it there,"
                    " or remove it here",
                )


def _merged(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    """Two columns cannot become one."""
    renamed: Mapping[str, str] = said.get("columns", {})
    known = [*said.get("include", ()), *said.get("key", ())]
    into = {column: column for column in known if column not in renamed}
    for source, target in renamed.items():
        other = into.setdefault(target, source)
        if other != source:
            yield (
                walk(node, "columns", source),
                f"`{other}` and `{source}` would both become `{target}`:"
                " give one of them another name",
            )


def _placed(said: dict[str, Any], node: Node) -> PlacedTable:
    masks = {column: Mask(**mask) for column, mask in said.get("mask", {}).items()}
    return PlacedTable(node, TableSync(**{"to": said["table"], **said, "mask": masks}))
