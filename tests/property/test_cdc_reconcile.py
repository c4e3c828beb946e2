"""Whatever two tables hold, a walk names exactly the keys whose rows differ."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from cdc.config.model import Stream, TableSync, Topics
from cdc.reconcile import walk
from cdc.reconcile.canonical import canonical, line
from cdc.reconcile.desk import selected
from cdc.reconcile.dialects import open_session
from cdc.reconcile.forms import PREFIXED, Form
from cdc.reconcile.plan import ordered, plan
from cdc.reconcile.sides import SqlSide
from cdc.sources import open_control

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
CELLS = st.tuples(
    st.none() | TEXT | st.sampled_from(["", "|", ":", "0:|", "NULL", "1:a|", "é", "e\u0301"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.binary(max_size=3),
)
ORDERED = st.tuples(INTEGERS | st.integers(-3, 30), st.integers(-2, 2))
TEXTUAL = st.tuples(TEXT, st.integers(-2, 2))
SCHEMAS = {
    True: "CREATE TABLE t (k integer, l integer, a text, b real, c blob, PRIMARY KEY (k, l))",
    False: "CREATE TABLE t (k text, l integer, a text, b real, c blob, PRIMARY KEY (k, l))",
}


@st.composite
def tables(draw):
    """A table, and a copy of it that has lost, changed or gained rows (or none)."""
    in_ranges = draw(st.booleans())
    keys = ORDERED if in_ranges else TEXTUAL
    source = draw(st.dictionaries(keys, CELLS, max_size=30))
    target = dict(source)
    for key in draw(st.lists(st.sampled_from(sorted(source)), max_size=4)) if source else ():
        changed = draw(st.none() | CELLS)
        target.pop(key, None)
        if changed is not None:
            target[key] = changed
    target |= draw(st.dictionaries(keys, CELLS, max_size=2))
    return in_ranges, source, target


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(1, 12))
def test_a_walk_finds_what_differs_and_nothing_else(given_tables, rows):
    in_ranges, source, target = given_tables
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        urls = [_made(Path(folder) / name, SCHEMAS[in_ranges], table)
                for name, table in (("a", source), ("b", target))]  # fmt: skip
        found = _walked(stack, *urls, rows, in_ranges)
    assert found == {
        (str(k), str(number))
        for k, number in source.keys() | target.keys()
        if _row(source, (k, number)) != _row(target, (k, number))
    }


def _row(table, key):
    """A row as values are equal: the zero has no sign."""
    row = table.get(key)
    return None if row is None else (row[0], row[1] + 0.0 if row[1] is not None else None, row[2])


def _made(path, schema, rows):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(schema)
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)", [(*key, *row) for key, row in rows.items()]
        )
    return f"sqlite:///{path}"


def _walked(stack, source, target, rows, in_ranges):
    table = TableSync("t", "t")
    stream = Stream("s", source, (table,), Topics("s"))
    relations = []
    for url in (source, target):
        with contextlib.closing(open_control(replace(stream, source=url))) as control:
            relations.append(control.relation("t"))
    databases = ("sqlite", "sqlite")
    made = plan(table, *relations, databases)
    assert ordered(made, databases) is in_ranges

    def side(url, ours):
        sessions = [open_session(url, 30) for _ in range(2)]
        for _, session in sessions:
            stack.callback(session.close)
        (dialect, session), (_, drill) = sessions
        return SqlSide(dialect, session, drill, selected(made, ours=ours))

    threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2)]
    sides = walk.Sides(side(source, True), side(target, False), *threads)
    with patch.object(walk, "LEAF", 3):  # so that few rows are many buckets
        steps = walk.ranges(sides, rows=rows) if in_ranges else [walk.buckets(sides, rows * 3)]
        found = [key for step in steps for key in step.differing]
    assert len(found) == len(set(found)), "a key was named twice"
    return set(found)


LINES = st.lists(
    st.tuples(st.sampled_from([Form.TEXT, Form.INTEGER, Form.MOMENT]), st.none() | TEXT), max_size=4
)


@given(LINES, st.data())
def test_different_rows_have_different_lines(fields, data):
    forms = [form for form, _ in fields]
    texts = st.tuples(*(_texts(form) for form in forms))
    one, other = data.draw(texts), data.draw(texts)
    lines = [line(zip(forms, each, strict=True)) for each in (one, other)]
    assert (lines[0] == lines[1]) == (one == other)


def _texts(form):
    """Canonical texts of a form, whatever value the text was made of."""
    short = st.none() | st.sampled_from(["", "|", ":", "0:", "1:a", "a|b"]) | TEXT
    if form in PREFIXED:
        return short
    return short.map(lambda value: canonical(form, value))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.integers(0, 5))
def test_zeros_at_the_end_of_a_decimal_say_nothing(number, zeros):
    written = f"{number:f}"
    longer = written + "0" * zeros if "." in written else written
    assert canonical(Form.DECIMAL, longer) == canonical(Form.DECIMAL, written)
    assert canonical(Form.NUMBER, longer) == canonical(Form.NUMBER, written)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_numbers_have_the_same_text_if_and_only_if_they_are_equal(one, other):
    assert (canonical(Form.NUMBER, one) == canonical(Form.NUMBER, other)) == (one == other)
