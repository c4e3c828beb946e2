"""Whatever is done to the bytes, the decoder says what it read or that it cannot; nothing else."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import pgoutput as pg

from cdc.change import ABSENT, Begin, Change, Commit
from cdc.pgoutput import Decoder, Origin, ProtocolError, Streamed, StreamStart

KINDS = [pg.BIGINT, pg.TEXT, pg.BOOL, pg.BYTEA, pg.FLOAT, 16_400]
COLUMNS = [(f"c{index}", kind, index == 0) for index, kind in enumerate(KINDS)]
VALUES = st.tuples(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.none() | st.just(pg.Unchanged) | st.text(),
    st.none() | st.sampled_from("tf"),
    st.none() | st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()),
    st.none() | st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.none() | st.text(max_size=20),
)
ROWS = st.one_of(
    VALUES.map(lambda new: pg.insert(7, *new)),
    st.tuples(VALUES, st.none() | VALUES, st.sampled_from([b"K", b"O"])).map(
        lambda given: pg.update(7, *given)
    ),
    VALUES.map(lambda old: pg.delete(7, old)),
)
MESSAGES = st.one_of(
    ROWS,
    st.sampled_from(
        [
            pg.relation(7, "item", COLUMNS), pg.begin(1, 2, 3), pg.commit(1, 2, 3),
            pg.origin("o"), pg.truncate(7), pg.type_(16_400, "mood"), pg.logical(),
            pg.stream_start(1), pg.STREAM_STOP, pg.stream_commit(1, 2, 3), pg.stream_abort(1, 2),
        ]
    ),
)  # fmt: skip


def decoder() -> Decoder:
    made = Decoder(pg.describe)
    made.decode(pg.relation(7, "item", COLUMNS))
    return made


def meant(kind, value):
    if value is None or value is pg.Unchanged:
        return None if value is None else ABSENT
    match kind:
        case pg.BIGINT:
            return int(value)
        case pg.BOOL:
            return value == "t"
        case pg.BYTEA:
            return base64.b64encode(bytes.fromhex(value[2:])).decode()
        case pg.FLOAT:
            return float(value)
        case _:
            return value


@given(VALUES)
def test_every_row_is_read_back(values):
    after = decoder().decode(pg.insert(7, *values)).after
    for kind, value, read in zip(KINDS, values, after, strict=True):
        assert read == meant(kind, value)


@given(MESSAGES, st.data())
def test_mutated_messages_are_read_or_refused(message, data):
    mutated = bytearray(message)
    for _ in range(data.draw(st.integers(0, 4))):
        if not mutated:
            break
        at = data.draw(st.integers(0, len(mutated) - 1))
        match data.draw(st.sampled_from(["change", "drop", "insert", "cut"])):
            case "change":
                mutated[at] = data.draw(st.integers(0, 255))
            case "drop":
                del mutated[at]
            case "insert":
                mutated.insert(at, data.draw(st.integers(0, 255)))
            case "cut":
                del mutated[at:]
    made = decoder()
    for step in (made.decode, made.replay):
        with contextlib.suppress(ProtocolError):
            assert_sound(step(bytes(mutated)))


def assert_sound(said) -> None:
    if isinstance(said, Change):
        for row in (said.before, said.after):
            assert row is None or len(row) == len(said.relation.columns)
            for value in row or ():
                assert value is None or value is ABSENT or type(value) in {str, int, float, bool}
    elif isinstance(said, list):
        assert all(isinstance(each, Change) for each in said)
    else:
        assert (
            said is None
            or type(said) in {Begin, Commit, Origin, StreamStart}
            or (type(said).__name__.startswith("Stream"))
        )


@given(st.lists(ROWS, max_size=5), st.binary(max_size=64))
def test_noise_between_messages_changes_none_of_them(rows, noise):
    made, plain = decoder(), decoder()
    for message in rows:
        if noise[:1] not in {b"R", b"Y", b"S"}:  # which mean something for what follows
            with contextlib.suppress(ProtocolError):
                made.decode(noise)
        assert _said(made.decode(message)) == _said(plain.decode(message))


@given(ROWS)
def test_a_streamed_row_is_the_row(message):
    made = decoder()
    streamed = message[:1] + b"\0\0\0\x05" + message[1:]
    plain = made.decode(message)
    assert _said(made.replay(streamed)) == _said(plain)
    made.decode(pg.stream_start(4))
    assert made.decode(streamed) == Streamed(5, streamed)
    with pytest.raises(ProtocolError):
        made.decode(pg.commit(1, 2))


def _said(change):
    return change.op, repr(change.before), repr(change.after)
