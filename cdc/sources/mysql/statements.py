"""What a statement in the log means to a reader of rows.

With row format the log still holds statements: the limits of transactions, and DDL. And it holds
what a session wrote in statement format, which must be noticed if it changed a captured table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise


class Effect(Enum):
    """What follows from a statement."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    ROLLBACK_TO = auto()
    """To a savepoint within the transaction."""
    SAVEPOINT = auto()
    XA_COMMIT = auto()
    XA_ROLLBACK = auto()
    CHANGE = auto()
    """It changes rows of `tables`, or may, and does not log them."""
    TRUNCATE = auto()
    """It empties `tables`."""
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, as far as it matters."""

    effect: Effect
    tables: tuple[tuple[str, str], ...] = ()
    """Schema and name of every table that it mentions, or of what looks like one."""
    name: str = ""
    """Of the savepoint, or of the XA transaction."""


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!M?!)(?:[^*]|\*(?!/))*\*/|/\*M?!\d*|\*/)
    |(?P<quoted>`(?:[^`]|``)*`)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
    |(?P<word>[\w$\u0080-\uffff]+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CHANGES = {"INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "WITH", "CALL", "DO"}
_PARTITION_REMOVERS = {"TRUNCATE", "DROP", "EXCHANGE", "DISCARD", "IMPORT"}
_LONGEST = 100_000
"""Characters of a statement that are looked at: DDL is shorter, and DML names its table early."""


def read(sql: str, schema: str) -> Statement:
    """A statement that was run with a default schema."""
    short = sql[:40].strip().upper().rstrip(";")
    fixed = _FIXED.get(short)
    if fixed is not None:
        return Statement(fixed)
    tokens = list(_tokens(sql[:_LONGEST]))
    words = [text.upper() if not quoted else "" for text, quoted in tokens[:6]]
    first = words[0] if words else ""
    if first == "ROLLBACK":
        return _rollback(tokens, words)
    if first == "SAVEPOINT":
        return Statement(Effect.SAVEPOINT, name=tokens[-1][0].lower())
    if first == "XA":
        return _xa(sql, words)
    if first == "TRUNCATE":
        return Statement(Effect.TRUNCATE, tuple(_mentioned(tokens[1:], schema))[-1:])
    if first in _CHANGES or (first == "ALTER" and _removes_partition(tokens)):
        return Statement(Effect.CHANGE, tuple(_mentioned(tokens[1:], schema)))
    return Statement(Effect.NONE)


def _rollback(tokens: list[tuple[str, bool]], words: list[str]) -> Statement:
    """ROLLBACK, or ROLLBACK TO [SAVEPOINT] name."""
    if "TO" in words:
        return Statement(Effect.ROLLBACK_TO, name=tokens[-1][0].lower())
    return Statement(Effect.ROLLBACK)


def _xa(sql: str, words: list[str]) -> Statement:
    """XA START begins a group; XA COMMIT and XA ROLLBACK name one from before."""
    name = "".join(sql.split()[2:]).lower()
    match words[1] if len(words) > 1 else "":
        case "START" | "BEGIN":
            return Statement(Effect.BEGIN)
        case "COMMIT":
            return Statement(Effect.XA_COMMIT, name=name)
        case "ROLLBACK":
            return Statement(Effect.XA_ROLLBACK, name=name)
        case _:
            return Statement(Effect.NONE)


_FIXED = {
    "BEGIN": Effect.BEGIN,
    "COMMIT": Effect.COMMIT,
    "ROLLBACK": Effect.ROLLBACK,
}


def _tokens(sql: str) -> Iterator[tuple[str, bool]]:
    """Words, names and signs, each with whether it was quoted; no comments and no strings.

    Words in double quotes may be strings or, in ANSI mode, names: they count as names.
    What stands in a comment for a server's version (`/*!…*/`) is part of the statement.
    """
    for match in _TOKEN.finditer(sql):
        if match.lastgroup == "quoted":
            yield match.group()[1:-1].replace("``", "`"), True
        elif match.lastgroup == "string" and match.group()[0] == '"':
            yield match.group()[1:-1].replace('""', '"'), True
        elif match.lastgroup in {"word", "other"}:
            yield match.group(), False


def _mentioned(tokens: list[tuple[str, bool]], schema: str) -> Iterator[tuple[str, str]]:
    """Every name that may be a table's, with the schema before its point or the default one."""
    for index, (text, quoted) in enumerate(tokens):
        if not quoted and not (text[0].isalnum() or text[0] in "_$"):
            continue
        before = tokens[index - 1] if index else ("", False)
        if before == (".", False) and index >= 2:
            yield tokens[index - 2][0], text
        else:
            yield schema, text


def _removes_partition(tokens: list[tuple[str, bool]]) -> bool:
    """Whether an ALTER TABLE takes rows away with a partition."""
    words = [text.upper() for text, quoted in tokens if not quoted]
    return any(
        word in _PARTITION_REMOVERS and following in {"PARTITION", "TABLESPACE"}
        for word, following in pairwise(words)
    )
