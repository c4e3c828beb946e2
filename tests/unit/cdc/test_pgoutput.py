"""Messages of pgoutput, versions 1 and 2, by the book."""

from __future__ import annotations

import pytest
from support import pgoutput as pg

from cdc.change import ABSENT, Begin, Commit, Kind, Op
from cdc.pgoutput import (
    Decoder,
    Origin,
    ProtocolError,
    StreamAbort,
    StreamCommit,
    Streamed,
    StreamStart,
    StreamStop,
)

COLUMNS = [("id", pg.BIGINT, 1), ("name", pg.TEXT, 0), ("ok", pg.BOOL, 0)]


@pytest.fixture
def decoder():
    decoder = Decoder(pg.describe)
    assert decoder.decode(pg.relation(7, "item", COLUMNS)) is None
    return decoder


def test_a_transaction(decoder):
    assert decoder.decode(pg.begin(0x10, 771, 1_500_000)) == Begin(0x10, "771", 946_684_801_500)
    assert decoder.decode(pg.origin("strangler:back")) == Origin("strangler:back")
    assert decoder.decode(pg.commit(0x10, 0x48)) == Commit(0x48)


def test_before_2000(decoder):
    assert decoder.decode(pg.begin(1, 1, -1)).at_ms == 946_684_799_999


def test_rows(decoder):
    change = decoder.decode(pg.insert(7, "9223372036854775807", "Wärme", "t"))
    assert (change.op, change.before) == (Op.CREATE, None)
    assert change.after == (9223372036854775807, "Wärme", True)
    assert [(c.name, c.kind, c.key) for c in change.relation.columns] == [
        ("id", Kind.INTEGER, True), ("name", Kind.TEXT, False), ("ok", Kind.BOOLEAN, False),
    ]  # fmt: skip
    change = decoder.decode(pg.update(7, ("1", pg.Unchanged, None)))
    assert (change.op, change.before, change.after) == (Op.UPDATE, None, (1, ABSENT, None))
    change = decoder.decode(pg.update(7, ("1", "", "f"), ("1", "old", "t")))
    assert (change.before, change.after) == ((1, "old", True), (1, "", False))
    change = decoder.decode(pg.update(7, ("2", "", "f"), ("1", None, None), b"K"))
    assert (change.before, change.after) == ((1, ABSENT, ABSENT), (2, "", False))
    change = decoder.decode(pg.delete(7, ("1", None, None)))
    assert (change.op, change.before, change.after) == (Op.DELETE, (1, ABSENT, ABSENT), None)
    change = decoder.decode(pg.delete(7, ("1", None, "t"), b"O"))
    assert change.before == (1, None, True)


def test_an_old_key_carries_the_identity_whatever_the_key_is():
    def keyed_by_name(message):
        shape = pg.describe(message)
        columns = [
            type(c)(c.name, c.kind, c.type, c.name == "name") for c in shape.relation.columns
        ]
        relation = type(shape.relation)("item", "public", "item", tuple(columns))
        return type(shape)(relation, shape.converters, shape.identity)

    decoder = Decoder(keyed_by_name)
    decoder.decode(pg.relation(7, "item", [(n, t, n != "ok") for n, t, _ in COLUMNS], "i"))
    assert decoder.decode(pg.delete(7, ("1", "a", None))).before == (1, "a", ABSENT)


def test_truncate_of_several_tables(decoder):
    decoder.decode(pg.relation(8, "part", COLUMNS))
    changes = decoder.decode(pg.truncate(7, 8))
    assert [(c.op, c.relation.name, c.before, c.after) for c in changes] == [
        (Op.TRUNCATE, "item", None, None), (Op.TRUNCATE, "part", None, None),
    ]  # fmt: skip


def test_a_new_shape_is_a_new_relation(decoder):
    old = decoder.decode(pg.insert(7, "1", "a", "t")).relation
    decoder.decode(pg.relation(7, "item", [*COLUMNS, ("more", pg.INT, 0)]))
    change = decoder.decode(pg.insert(7, "1", "a", "t", "5"))
    assert change.after == (1, "a", True, 5)
    assert change.relation is not old
    assert len(old.columns) == 3


def test_types_are_named_before_the_table_that_has_them(decoder):
    decoder.decode(pg.type_(16_400, "mood"))
    decoder.decode(pg.relation(8, "m", [("id", pg.INT, 1), ("mood", 16_400, 0)]))
    change = decoder.decode(pg.insert(8, "1", "sad"))
    assert change.after == (1, "sad")
    assert (change.relation.columns[1].type, change.relation.columns[1].kind) == (
        "mood", Kind.OTHER,
    )  # fmt: skip


def test_other_values(decoder):
    decoder.decode(pg.relation(8, "v", [("f", pg.FLOAT, 0), ("b", pg.BYTEA, 0)]))

    def after(*values):
        return decoder.decode(pg.insert(8, *values)).after

    assert after("0.1", "\\xdeadbeef") == (0.1, "3q2+7w==")
    assert after("NaN", "\\x") == ("NaN", "")
    assert after("-Infinity", None) == ("-Infinity", None)
    assert str(after("-0", None)[0]) == "-0.0"


def test_bytes_that_are_no_utf8_stay_visible(decoder):
    assert decoder.decode(pg.insert(7, "1", b"a\xffb", "t")).after == (1, "a\udcffb", True)


def test_a_stream(decoder):
    assert decoder.decode(pg.stream_start(771)) == StreamStart(771)
    assert decoder.decode(pg.origin("o")) == Origin("o")
    relation = pg.relation(8, "part", COLUMNS, xid=772)
    insert = pg.insert(8, "1", "a", "t", xid=772)
    kind = pg.type_(16_400, "mood", xid=772)
    assert decoder.decode(relation) == Streamed(None, relation)
    assert decoder.decode(kind) == Streamed(None, kind)
    assert decoder.decode(insert) == Streamed(772, insert)
    assert decoder.decode(pg.logical(xid=772)) is None
    assert decoder.decode(pg.STREAM_STOP) == StreamStop()
    assert decoder.decode(pg.stream_abort(771, 773)) == StreamAbort(771, 773)
    assert decoder.decode(pg.stream_commit(771, 0x10, 0x48, 1_000)) == StreamCommit(
        771, Begin(0x10, "771", 946_684_800_001), Commit(0x48)
    )
    with pytest.raises(ProtocolError):
        decoder.decode(pg.insert(8, "1", "a", "t"))  # its table is told by the replay only
    assert decoder.replay(relation) is None
    assert decoder.replay(insert).after == (1, "a", True)
    (truncated,) = decoder.replay(pg.truncate(8, xid=772))
    assert truncated.relation.name == "part"


def test_logical_messages_say_nothing(decoder):
    assert decoder.decode(pg.logical()) is None


BROKEN = {
    "nothing": b"",
    "an unknown kind": b"Z\0\0",
    "an unknown table": pg.insert(9, "1"),
    "too few columns": pg.insert(7, "1"),
    "too many columns": pg.insert(7, "1", "a", "t", "x"),
    "no number": pg.insert(7, "one", "a", "t"),
    "no truth": pg.insert(7, "1", "a", "true"),
    "a binary value": pg.insert(7, "1", pg.Binary(b"a"), "t"),
    "something behind": pg.insert(7, "1", "a", "t") + b"x",
    "the end before the value's": pg.insert(7, "1", "a", "t")[:-1],
    "no value": pg.insert(7, "1", "a", "t")[:-6],
    "an old row for a new one": pg.insert(7, "1", "a", "t").replace(b"N", b"O", 1),
    "an update without a new row": pg.delete(7, ("1", "a", "t")).replace(b"D", b"U", 1),
    "a key of an unknown form": pg.delete(7, ("1", "a", "t"), b"X"),
    "a delete with more": pg.delete(7, ("1", "a", "t")) + b"x",
    "an update with more": pg.update(7, ("1", "a", "t")) + b"x",
    "a truncate of more tables than are named": b"T\xff\xff\xff\xff\0\0\0\0\x07",
    "a truncate of an unknown table": pg.truncate(7, 9),
    "a cut-off name": pg.relation(8, "part", COLUMNS)[:8],
    "a cut-off commit": pg.commit(1, 2)[:-1],
    "a stop without a start": pg.STREAM_STOP,
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN)
def test_broken_messages(decoder, message):
    with pytest.raises(ProtocolError):
        decoder.decode(message)


def test_a_transaction_cannot_begin_within_a_stream(decoder):
    decoder.decode(pg.stream_start(1))
    with pytest.raises(ProtocolError):
        decoder.decode(pg.begin(1, 1))
