"""What becomes of each change: records, their numbers, and dead letters."""

import orjson
import pytest
from support.relays import REVIEW, stream

from cdc.change import ABSENT, Begin, Change, Column, Kind, Marker, Op, Relation
from cdc.config.model import Limits, Topics
from cdc.envelope import Log, decode, decode_id
from cdc.relay.counters import Counters
from cdc.relay.dead import DeadLetters
from cdc.relay.emitter import Emitter, Era
from cdc.relay.ports import SinkError
from cdc.snapshot import Touched
from cdc.testing import MemorySink

BAD = "caf\udce9"
"""Text that no JSON can hold, as a log brings it."""
WIDE = Relation(
    "review", "public", "review",
    (Column("id", Kind.TEXT, "text", key=True), Column("stars", Kind.INTEGER, "int")),
)  # fmt: skip


class Desk:
    """An emitter with its sink."""

    def __init__(self, given=None, dead=(), largest=1_000_000, outgoing=None):
        self.stream = given or stream()
        self.sink, self.counters = MemorySink(largest=largest), Counters()
        self.dead = DeadLetters(self.sink, "shop.dead-letters", self.counters, dead, largest)
        chosen = {table.table: (lambda _r: outgoing) for table in self.stream.tables}
        self.emitter = Emitter(
            self.stream, Log("shop", "scripted", "memory"), self.sink, chosen, Era(1, 7, 4),
            self.dead, self.counters,
        )  # fmt: skip

    def begin(self, position=5, skip=0, origin=None):
        begin = Begin(position, f"x{position}", 1000, origin)
        self.emitter.begin(begin, str(position), 2000, skip)
        return self

    def emit(self, *changes):
        for change in changes:
            self.emitter.change(change)
        return self

    @property
    def records(self):
        return [r for r in self.sink.pending if r.topic != "shop.dead-letters"]

    @property
    def letters(self):
        return [r for r in self.sink.pending if r.topic == "shop.dead-letters"]

    @property
    def shown(self):
        """Operation, key and number of each record; None for a tombstone's operation."""
        return [
            (decode(r.value)["op"] if r.value else None, r.key.decode(), _index(r))
            for r in self.records
        ]


def _index(record):
    return decode_id(dict(record.headers)["id"]).index


def create(id_, stars=1, body="a", relation=REVIEW):
    return Change(relation, Op.CREATE, None, (id_, stars, body))


def update(before, after):
    return Change(REVIEW, Op.UPDATE, before, after)


def delete(*row):
    return Change(REVIEW, Op.DELETE, row, None)


TRUNCATE = Change(REVIEW, Op.TRUNCATE, None, None)
BARRIER = Marker("shop", "barrier", 9, {})


def test_each_change_is_a_record_with_the_next_number():
    desk = Desk().begin()
    desk.emit(create(1), update(None, (1, 2, "b")), delete(1, ABSENT, ABSENT))
    assert desk.shown == [("c", '{"id":1}', 0), ("u", '{"id":1}', 1), ("d", '{"id":1}', 2)]
    assert desk.counters.records == 3
    assert dict(desk.records[0].headers) == {"id": b"1/0000000000000005/0", "epoch": b"7"}
    assert len({record.partition for record in desk.records}) == 1


def test_numbers_begin_anew_with_each_transaction():
    desk = Desk().begin().emit(create(1))
    desk.begin(6, origin="other").emit(create(2))
    assert dict(desk.records[1].headers)["id"] == b"1/0000000000000006/0"
    assert dict(desk.records[1].headers)["origin"] == b"other"


def test_a_change_of_the_key_is_a_deletion_and_a_creation():
    desk = Desk().begin().emit(update((1, 1, "a"), (2, 1, "a")))
    assert desk.shown == [("d", '{"id":1}', 0), ("c", '{"id":2}', 1)]
    assert desk.emitter.halves == {}


def test_a_new_key_of_half_a_row_is_remembered():
    desk = Desk().begin().emit(update((1, ABSENT, ABSENT), (2, 5, ABSENT)))
    assert desk.emitter.halves == {"review": [(2,)]}
    assert decode(desk.records[1].value)["unavailable"] == ["body"]
    assert desk.emitter.marker(BARRIER) is False, "the row is not whole anywhere"
    desk.begin(6)
    assert desk.emitter.halves == {}


def test_what_only_the_old_row_carries_completes_the_new_one():
    desk = Desk().begin().emit(update((1, 1, "long"), (1, 2, ABSENT)))
    assert decode(desk.records[0].value)["after"] == {"id": 1, "stars": 2, "body": "long"}


def test_a_truncate_reaches_every_partition_under_one_number():
    desk = Desk().begin().emit(create(1), TRUNCATE, create(2))
    cut = [r for r in desk.records if r.key == b'{"truncate":true}']
    assert [r.partition for r in cut] == [0, 1, 2, 3]
    assert {_index(r) for r in cut} == {1}
    assert _index(desk.records[-1]) == 2


def test_columns_leave_as_they_may():
    outgoing = [(0, None), (2, lambda _value: "hidden")]
    desk = Desk(outgoing=outgoing).begin().emit(update((1, 1, "a"), (1, 2, "b")))
    value = decode(desk.records[0].value)
    assert value["before"] == value["after"] == {"id": 1, "body": "hidden"}


def test_a_marker_reaches_every_partition_of_every_table():
    desk = Desk(stream("review", "member")).begin()
    assert desk.emitter.marker(BARRIER) is True
    assert [(r.topic, r.partition) for r in desk.records] == [
        (topic, number) for topic in ("shop.review", "shop.member") for number in range(4)
    ]
    assert {_index(r) for r in desk.records} == {0}


def test_tables_of_others_leave_no_trace():
    other = Relation("other", "public", "other", REVIEW.columns)
    assert Desk().begin().emit(create(1, relation=other)).records == []


def compacted():
    return stream(topics=Topics("shop", compact=True))


def test_a_compacted_topic_gets_a_tombstone_after_a_deletion():
    desk = Desk(compacted()).begin().emit(delete(1, 1, "a"), create(2))
    assert desk.shown == [("d", '{"id":1}', 0), (None, '{"id":1}', 1), ("c", '{"id":2}', 2)]


CHANGES = [create(1), delete(1, 1, "a"), create(2), update((2, 1, "a"), (3, 1, "a")), TRUNCATE]


@pytest.mark.parametrize("given", [stream(), compacted()])
@pytest.mark.parametrize("skip", range(9))
def test_what_is_skipped_takes_its_numbers_along(given, skip):
    whole = Desk(given).begin().emit(*CHANGES)
    rest = Desk(given).begin(skip=skip).emit(*CHANGES)
    assert rest.shown == [each for each in whole.shown if each[2] >= skip]
    assert rest.emitter.reached == max(skip, whole.emitter.index)


def test_numbers_do_not_depend_on_what_is_dead():
    changes = [delete(1, 1, "a"), create(2)]
    alive = Desk(compacted()).begin()
    ill = Desk(compacted(), dead=(("shop.review", '{"id":9}'),)).begin()
    for desk in (alive, ill):
        desk.emitter.marker(BARRIER)
        desk.emit(*changes)
    assert alive.shown[4:] == ill.shown


def test_progress_never_falls_behind_what_is_in_kafka_already():
    desk = Desk().begin(skip=10).emit(create(1))
    assert desk.emitter.reached == 10


def test_text_that_is_no_text_is_a_dead_letter_and_what_mends_it_is_not():
    desk = Desk().begin().emit(create(1, body=BAD), create(2))
    assert [each[1] for each in desk.shown] == ['{"id":2}']
    [letter] = desk.letters
    assert letter.key == b'{"id":1}'
    assert b"review.body" in dict(letter.headers)["reason"]
    assert dict(letter.headers)["topic"] == b"shop.review"
    assert desk.emitter.marker(BARRIER) is False
    # The old row is as unwritable as ever, and is cut down to its key.
    desk.emit(update((1, 1, BAD), (1, 1, "good")))
    assert decode(desk.records[-1].value)["before"] == {"id": 1}
    assert not desk.dead
    assert desk.emitter.marker(BARRIER) is True


def test_half_a_row_does_not_mend_a_key_and_its_deletion_does():
    desk = Desk().begin().emit(create(1, body=BAD), update(None, (1, 2, ABSENT)))
    assert desk.records == []
    assert len(desk.letters) == 2
    desk.emit(delete(1, 1, BAD))
    assert desk.shown == [("d", '{"id":1}', 2)]
    assert not desk.dead


def test_an_unwritable_key_is_mended_by_its_deletion_only():
    desk = Desk().begin()
    desk.emit(
        Change(WIDE, Op.CREATE, None, (BAD, 1)), Change(WIDE, Op.CREATE, None, (BAD + "x", 1))
    )
    assert len(desk.dead.keys) == 2, "two keys stay two"
    for key in (BAD, BAD + "x"):
        assert desk.dead
        desk.emit(Change(WIDE, Op.DELETE, (key, 1), None))
    assert not desk.dead
    assert desk.records == []


def test_a_record_that_is_too_large_for_its_old_row_goes_without_it():
    desk = Desk(largest=1000).begin().emit(update((1, 1, "x" * 5000), (1, 1, "short")))
    assert desk.letters == []
    assert decode(desk.records[0].value)["before"] == {"id": 1}


def test_a_record_that_is_too_large_is_a_dead_letter_cut_to_size():
    desk = Desk(stream(limits=Limits(record=1000)), largest=1000).begin()
    desk.emit(create(1, body="x" * 5000), create(1, body="x" * 5000))
    assert desk.records == []
    assert [dict(each.headers)["id"][-1:] for each in desk.letters] == [b"0", b"1"]
    assert desk.dead.keys == (("shop.review", '{"id":1}'),)


def test_a_key_that_is_too_large_itself_ends_no_relay():
    desk = Desk(largest=1000).begin().emit(Change(WIDE, Op.CREATE, None, ("k" * 5000, 1)))
    [letter] = desk.letters
    assert 0 < len(letter.key) < 1000


def test_a_truncate_mends_all_keys_of_its_table():
    dead = (("shop.review", '{"id":1}'), ("shop.member", '{"id":1}'))
    desk = Desk(stream("review", "member"), dead=dead).begin().emit(TRUNCATE)
    assert desk.dead.keys == (("shop.member", '{"id":1}'),)


def test_too_many_dead_keys_stop_the_stream(monkeypatch):
    monkeypatch.setattr("cdc.relay.dead.MOST", 2)
    desk = Desk().begin().emit(create(1, body=BAD), create(2, body=BAD), create(2, body=BAD))
    with pytest.raises(SinkError, match="snapshot") as raised:
        desk.emit(create(3, body=BAD))
    assert not raised.value.temporary


OUTBOX = Relation(
    "outbox", "public", "outbox",
    tuple(
        Column(name, Kind.TEXT, "text", key=name == "id")
        for name in ("id", "aggregatetype", "aggregateid", "type", "payload", "headers")
    ),
)  # fmt: skip


def event(*row, op=Op.CREATE):
    return Change(OUTBOX, op, None, row)


def selling(**more):
    return Desk(stream(outbox="outbox"), **more).begin()


def test_a_row_of_the_outbox_is_an_event_of_its_aggregate():
    desk = selling().emit(event("e1", "order", "7", "Paid", '{"total":"9.90"}', '{"trace":"t"}'))
    [record] = desk.records
    assert (record.topic, record.key) == ("outbox.event.order", b"7")
    assert orjson.loads(record.value) == {"total": "9.90"}
    told = dict(record.headers)
    assert (told["event"], told["type"], told["trace"]) == (b"e1", b"Paid", b"t")


def test_the_outbox_is_tidied_up_in_silence():
    desk = selling().emit(
        Change(OUTBOX, Op.DELETE, ("e1", *5 * (None,)), None),
        event("e1", "order", "7", "Paid", "{}", None, op=Op.UPDATE),
    )
    assert desk.sink.pending == []


@pytest.mark.parametrize("kind", ["an order", "über", "a/b", "x" * 300])
def test_an_event_that_no_topic_can_take_stops_nothing(kind):
    desk = selling().emit(event("e1", kind, "7", "Paid", "{}", None), create(1))
    assert [each[1] for each in desk.shown] == ['{"id":1}']
    assert len(desk.letters) == 1
    assert desk.emitter.marker(BARRIER) is True, "an event is no part of a copy"


def test_an_event_that_is_too_large_stops_nothing():
    desk = selling(largest=1000).emit(event("e1", "order", "7", "Paid", "x" * 5000, None))
    assert len(desk.letters) == 1
    assert not desk.dead


def test_a_snapshot_is_told_of_the_keys_of_each_change():
    desk = Desk()
    desk.emitter.touched = touched = Touched()
    desk.begin().emit(create(1), update((2, 1, "a"), (3, 1, "a")), update(None, (4, 1, ABSENT)))
    verdict = touched.judge("review", [(1,), (2,), (3,), (4,), (5,)], lambda _xid: False)
    assert (verdict.send, verdict.again) == ([4], [3])
    desk.emit(TRUNCATE)
    assert touched.judge("review", [(5,)], lambda _xid: False).send == []


def test_a_key_of_two_columns():
    columns = tuple(Column(name, Kind.TEXT, "text", key=name != "c") for name in "abc")
    relation = Relation("review", "public", "review", columns)
    desk = Desk().begin().emit(Change(relation, Op.CREATE, None, ("x", "y", "z")))
    assert desk.records[0].key == b'{"a":"x","b":"y"}'
