"""From messages to events, without a server: what one can hardly make a server send."""

from __future__ import annotations

import pytest
from support import pgoutput as pg

from cdc.change import Begin, Change, Commit, Reached
from cdc.pgoutput import Decoder, ProtocolError
from cdc.sources.postgres.assembly import MOST, Assembler
from cdc.sources.postgres.wire import MOST_BYTES, Keepalive
from cdc.sources.spill import Spill

COLUMNS = [("id", pg.BIGINT, 1), ("name", pg.TEXT, 0)]
RELATION = pg.relation(7, "item", COLUMNS)
BIG, PART = 771, 772


@pytest.fixture
def spill(tmp_path):
    spill = Spill(tmp_path, 10**9)
    yield spill
    spill.close()


@pytest.fixture
def assembler(spill):
    return Assembler(Decoder(pg.describe), spill, 100)


def all_of(assembler, *messages) -> list:
    waiting, events = iter(messages), []
    while some := assembler.go_on(waiting):
        events += some
    return events


def kinds(events) -> list:
    return [type(event) for event in events]


def test_a_keepalive_is_progress_only_where_it_is_new_and_between_transactions(assembler):
    events = all_of(
        assembler, Keepalive(50), Keepalive(100), Keepalive(110), Keepalive(110), RELATION,
        pg.begin(120, 5), Keepalive(130), pg.insert(7, "1", "a"), Keepalive(140),
        pg.commit(120, 150), Keepalive(149), Keepalive(160),
    )  # fmt: skip
    assert kinds(events) == [Reached, Begin, Change, Commit, Reached]
    assert [each.resume for each in events if hasattr(each, "resume")] == [110, 150, 160]


def test_a_keepalive_between_the_parts_of_a_streamed_transaction_is_progress(assembler):
    events = all_of(assembler, pg.stream_start(BIG), pg.STREAM_STOP, Keepalive(110))
    assert events == [Reached(110)]


def test_a_transaction_without_a_change_is_progress_once(assembler):
    assert all_of(assembler, pg.begin(120, 5), pg.commit(120, 150), Keepalive(150)) == [
        Reached(150)
    ]


def test_a_table_described_within_what_was_rolled_back(assembler):
    events = all_of(
        assembler, pg.stream_start(BIG),
        pg.type_(16_400, "mood", xid=PART),
        pg.relation(7, "item", [*COLUMNS, ("m", 16_400, 0)], xid=PART),
        pg.insert(7, "1", "gone", "sad", xid=PART), pg.STREAM_STOP,
        pg.stream_abort(BIG, PART), pg.stream_start(BIG, first=False),
        pg.insert(7, "2", "kept", "sad", xid=BIG), pg.STREAM_STOP, pg.stream_commit(BIG, 120, 150),
    )  # fmt: skip
    assert kinds(events) == [Begin, Change, Commit]
    assert events[1].after == (2, "kept", "sad")
    assert events[1].relation.columns[2].type == "mood"


def test_a_rolled_back_transaction_forgets_its_origin(assembler, spill):
    assert all_of(
        assembler, pg.stream_start(BIG), pg.origin("o"), pg.insert(7, "1", "a", xid=BIG),
        pg.STREAM_STOP, pg.stream_abort(BIG, BIG),
    ) == []  # fmt: skip
    assert spill.size == 0
    begin, *_ = all_of(
        assembler, pg.stream_start(BIG), pg.relation(7, "item", COLUMNS, xid=BIG),
        pg.insert(7, "1", "a", xid=BIG), pg.STREAM_STOP, pg.stream_commit(BIG, 120, 150),
    )  # fmt: skip
    assert begin.origin is None


def test_a_replay_is_bounded_in_number_and_in_bytes(assembler):
    body = "x" * (MOST_BYTES // 10)
    rows = [pg.insert(7, str(n), "a", xid=BIG) for n in range(MOST + 10)]
    wide = [pg.insert(7, str(n), body, xid=BIG) for n in range(25)]
    waiting = iter([
        pg.stream_start(BIG), pg.relation(7, "item", COLUMNS, xid=BIG), *rows, *wide,
        pg.STREAM_STOP, pg.stream_commit(BIG, 120, 150), Keepalive(160),
    ])  # fmt: skip
    batches = []
    while some := assembler.go_on(waiting):
        batches.append(some)
    assert [len(batch) for batch in batches] == [MOST, 21, 10, 7]
    assert kinds(batches[-1][-2:]) == [Commit, Reached]


def test_what_waits_is_kept_for_the_next_read(assembler):
    waiting = iter([RELATION, pg.begin(120, 5), *[pg.insert(7, "1", "a")] * MOST,
                    pg.commit(120, 150)])  # fmt: skip
    assert len(assembler.go_on(waiting)) == MOST
    assert kinds(assembler.go_on(waiting)) == [Change, Commit]
    assert assembler.go_on(waiting) == []


@pytest.mark.parametrize(
    "messages",
    [
        [RELATION, pg.insert(7, "1", "a")],
        [RELATION, pg.truncate(7)],
        [pg.commit(1, 2)],
        [pg.begin(1, 2), pg.begin(3, 4)],
        [pg.begin(1, 2), pg.stream_commit(BIG, 3, 4)],
        [pg.origin("o")],
    ],
)  # fmt: skip
def test_what_cannot_come_here(assembler, messages):
    with pytest.raises(ProtocolError):
        all_of(assembler, *messages)
