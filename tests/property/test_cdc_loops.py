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

KINDS = [pg.BIGINT, pg.TEXT, pg.BOOL, pg.BYTEA, pg.FLOAT, 16_400]
CONVERTERS = tuple(converter(kind_of(kind)) for kind in KINDS)


SENT = st.one_of(st.none(), st.just(pg.Unchanged), st.text(), st.binary(max_size=30),
                 st.integers().map(str), st.sampled_from("tf"), st.floats().map(repr),
                 st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()))  # fmt: skip


def outcome(call, *given):
    try:
        return call(*given)
    except BROKEN:
        return "broken"
    except TypeError:
        return "refused"


@given(st.lists(SENT, min_size=len(KINDS), max_size=len(KINDS)), st.data())
def test_both_read_the_same_whatever_is_done_to_the_bytes(values, data):
    message = bytearray(pg.row(*values))
    for _ in range(data.draw(st.integers(0, 2))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    message = bytes(message[: data.draw(st.integers(0, len(message)) | st.just(len(message)))])
    given = (message, 0, CONVERTERS)
    assert repr(outcome(compiled().row, *given)) == repr(outcome(plain.row, *given))


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**64), 2**64),
                   st.floats(), st.text(), st.just(ABSENT),
                   st.text(st.characters(codec=None), max_size=5),
                   st.text("\0\n\"\\a", max_size=3000))  # fmt: skip


@given(st.lists(st.tuples(st.text(), VALUES), unique_by=lambda pair: pair[0]))
def test_both_write_the_same(pairs):
    names, row = [name for name, _ in pairs], tuple(value for _, value in pairs)
    assert outcome(compiled().Encoder(names), row) == outcome(plain.Encoder(names), row)
