import pytest
from support.records import Script

from cdc.applier.places import CROWD, Place, TopicTable, all_stand_there, cleared, readable, sift
from cdc.applier.ports import AsIs, Record
from cdc.change import Op
from cdc.envelope import RecordId
from cdc.testing import ScriptedReader

PART = ("shop.review", 0)
TOPICS = {"shop.review": TopicTable("review", "review", AsIs())}


@pytest.fixture
def script():
    reader = ScriptedReader()
    reader.assign({PART: None})
    return Script(reader)


def sifted(script, place=None, topics=TOPICS):
    return sift(script.reader.poll(100, 0), {PART: place or Place()}, topics)


def test_a_change_is_decoded_and_moves_its_partition(script):
    script.put("review", {"id": 1, "stars": 2}, unavailable=["title"])
    found = sifted(script)
    [item] = found.items
    assert (item.op, item.key, item.row, item.partial) == (
        Op.CREATE,
        {"id": 1},
        {"id": 1, "stars": 2},
        True,
    )
    assert found.places == {
        PART: Place(1, RecordId(1, 1, 0), relay_epoch=1, committed_ms=1_763_631_000_000)
    }


def test_the_place_that_was_given_stays_as_it_is(script):
    before = Place()
    script.put("review", {"id": 1})
    sifted(script, before)
    assert before == Place()


@pytest.mark.parametrize(
    ("known", "dropped"),
    [
        (RecordId(1, 1, 0), 1),
        (RecordId(1, 1, 1), 1),
        (RecordId(2, 0, 0), 1),
        (RecordId(1, 0, 9), 0),
        (RecordId(0, 9, 9), 0),
    ],
)
def test_what_is_not_greater_is_dropped_and_still_counts_as_read(script, known, dropped):
    script.put("review", {"id": 1})
    found = sifted(script, Place(id=known))
    assert (found.dropped, len(found.items)) == (dropped, 1 - dropped)
    assert found.places[PART].next_offset == 1


def test_an_offset_that_is_known_is_not_read_again(script):
    script.put("review", {"id": 1})
    found = sifted(script, Place(next_offset=1))
    assert (found.items, found.dropped) == ([], 0)


def test_a_partition_that_is_not_held_is_not_applied(script):
    script.put("review", {"id": 1})
    assert sift(script.reader.poll(9, 0), {}, TOPICS).places == {}


def test_markers_of_all_kinds_are_seen_and_none_counts_twice(script):
    for kind in ("heartbeat", "barrier", "something new"):
        script.marker(["review"], [0], kind=kind)
    place = sifted(script).places[PART]
    assert (place.seen_seq, place.marker_seq, place.complete_seq) == (3, 0, 0)


@pytest.mark.parametrize(("table", "seq"), [("review", 1), ("customer", 0)])
def test_a_snapshot_is_complete_for_its_own_table(script, table, seq):
    script.marker(["review"], [0], kind="complete", body={"table": table})
    assert sifted(script).places[PART].complete_seq == seq


def test_nothing_behind_a_truncate_is_taken(script):
    script.put("review", {"id": 1})
    script.truncate("review", [0])
    script.put("review", {"id": 2})
    found = sifted(script)
    assert [item.key for item in found.items] == [{"id": 1}]
    place = found.places[PART]
    assert (place.next_offset, place.id.position, place.truncate_at) == (
        1,
        1,
        "1/0000000000000002/0",
    )
    after = cleared(place)
    assert (after.next_offset, after.id, after.truncate_at) == (2, RecordId(1, 2, 0), None)


@pytest.mark.parametrize(
    ("key", "value", "headers", "reason"),
    [
        (b"{}", b"no json", True, "no JSON"),
        (b"no json", b'{"op":"c","source":{"ts_ms":1},"after":{}}', True, "key is no JSON"),
        (b"{}", b'{"op":"?","source":{"ts_ms":1}}', True, "not a valid Op"),
        (b"{}", b'{"op":"c"}', True, "'source'"),
        (b"{}", b'{"op":"c","source":{"ts_ms":1},"after":null}', True, None),
        (b"{}", b'{"op":"c","source":{"ts_ms":1},"after":{}}', False, "no header id"),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason(script, key, value, headers, reason):
    script.reader.deliver(*PART, key, value, script.headers(position=1) if headers else ())
    [item] = sifted(script).items
    assert reason is None or reason in item.reason


def test_a_row_that_the_mapping_refuses_is_kept_with_its_reason(script):
    class Refuses(AsIs):
        def target_row(self, row, key=None):
            raise ValueError("no place for it")

    script.put("review", {"id": 1})
    topics = {"shop.review": TopicTable("review", "review", Refuses())}
    [item] = sifted(script, topics=topics).items
    assert item.reason == "the record cannot be mapped: no place for it"


def test_a_tombstone_is_passed_by(script):
    script.reader.deliver(*PART, b'{"id":1}', None)
    found = sifted(script)
    assert (found.items, found.places[PART].next_offset) == ([], 1)


def test_all_partitions_stand_at_the_truncate_or_are_beyond_it():
    there = Place(5, RecordId(1, 3, 0), truncate_at="1/0000000000000004/0")
    before = Place(5, RecordId(1, 4, 0))
    beyond = Place(5, RecordId(1, 5, 0))
    assert all_stand_there([there, there])
    assert all_stand_there([there, beyond])
    assert not all_stand_there([there, before])
    assert not all_stand_there([beyond, beyond])


def test_where_many_wait_is_read_last():
    other = ("shop.customer", 0)
    stands = ("shop.customer", 1)
    places = {PART: Place(), other: Place(), stands: Place(truncate_at="1/0000000000000004/0")}
    assert readable(places, {}, idle=False) == {PART, other}
    assert readable(places, {PART: CROWD - 1}, idle=False) == {PART, other}
    assert readable(places, {PART: CROWD}, idle=False) == {other}
    assert readable(places, {PART: CROWD}, idle=True) == {PART, other}
    assert readable(places, {PART: CROWD, other: CROWD}, idle=False) == {PART, other}


def test_records_come_as_the_reader_has_them():
    reader = ScriptedReader()
    reader.deliver("t", 0, b"k", b"v", [("id", b"1/1/0")])
    reader.assign({("t", 0): None})
    assert reader.poll(9, 0) == [Record("t", 0, 0, b"k", b"v", [("id", b"1/1/0")])]
    assert reader.poll(9, 0) == []
    assert reader.watermarks(("t", 0)) == (0, 1)
