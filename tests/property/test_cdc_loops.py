"""The relay's inner loops: compiled or in Python, the same comes out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support import pgoutput as pg
from support.loops import BROKEN, compiled

from cdc.change import ABSENT
from cdc.loops import plain
from cdc.sources.postgres.types import kind_of
from cdc.sources.postgres.values import converter

SENT = {
    pg.BIGINT: st.integers(-(2**63), 2**63 - 1).map(str),
    pg.TEXT: st.text() | st.binary(max_size=30),
    pg.BOOL: st.sampled_from("tf"),
    pg.BYTEA: st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()),
    pg.FLOAT: st.floats().map(repr),
    16_400: st.text(max_size=300),
}
"""By type, what PostgreSQL sends."""
CONVERTERS = tuple(converter(kind_of(kind)) for kind in SENT)
ROWS = st.tuples(*(st.none() | st.just(pg.Unchanged) | sent for sent in SENT.values()))
STRAY = st.integers().map(str) | st.text() | st.binary(max_size=30)
"""What it would not send in most columns."""


def outcome(call, *given):
    try:
        return call(*given)
    except BROKEN:
        return "broken"
    except TypeError:
        return "refused"


def assert_same(message):
    found = outcome(plain.row, message, 0, CONVERTERS)
    assert repr(outcome(compiled().row, message, 0, CONVERTERS)) == repr(found)
    return found


@given(ROWS)
def test_both_read_the_same(values):
    assert assert_same(pg.row(*values)) != "broken"


@given(ROWS, st.integers(0, len(SENT) - 1), STRAY)
def test_both_read_or_refuse_what_is_not_of_the_column(values, column, stray):
    assert_same(pg.row(*values[:column], stray, *values[column + 1 :]))


@given(ROWS, st.data())
def test_both_read_the_same_whatever_is_done_to_the_bytes(values, data):
    message = bytearray(pg.row(*values))
    for _ in range(data.draw(st.integers(0, 2))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    assert_same(bytes(message[: data.draw(st.integers(0, len(message)) | st.just(len(message)))]))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(),
    st.text("\0\n\"\\aü", max_size=600),
    st.builds(lambda piece, times: piece * times, st.text(max_size=9), st.integers(0, 2_000)),
)  # fmt: skip
NEVER = st.one_of(
    st.just(ABSENT), st.integers(2**63), st.integers(max_value=-(2**63) - 1),
    st.text(st.characters(codec=None), min_size=1, max_size=5),
)  # fmt: skip
"""Mostly values that JSON does not know."""
PAIRS = st.lists(st.tuples(st.text(), VALUES), unique_by=lambda pair: pair[0])


def assert_same_json(pairs):
    names, row = [name for name, _ in pairs], tuple(value for _, value in pairs)
    found = outcome(plain.Encoder(names), row)
    assert outcome(compiled().Encoder(names), row) == found
    return found


@given(PAIRS)
def test_both_write_the_same(pairs):
    assert assert_same_json(pairs) != "refused"


@given(PAIRS, NEVER, st.text())
def test_both_refuse_the_same(pairs, value, name):
    assert_same_json([*[pair for pair in pairs if pair[0] != name], (name, value)])
