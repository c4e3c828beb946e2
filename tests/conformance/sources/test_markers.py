"""Markers: written by anybody at any time, seen in the log in the order of their numbers."""

import json
import threading

import pytest
from conformance.sources.reading import MARKERS, Reading, as_dict

from cdc.relay.ports import SourceError

ITEM = "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(100), n INTEGER)"


@pytest.fixture
def stream(database):
    database.execute(ITEM)
    return database.stream("item")


def markers_and_rows(reading, last_seq):
    """All changes until the marker with this number; markers as their number."""
    seen = []
    for _ in range(300):
        for event in reading.source.read(0.1):
            if not hasattr(event, "op") or event.after is None:
                continue
            row = as_dict(event)
            seen.append(("marker", row["seq"]) if _is_marker(event) else ("row", row["id"]))
        if ("marker", last_seq) in seen:
            return seen
    raise AssertionError(f"marker {last_seq} did not come: {seen[-5:]}")


def _is_marker(change):
    return change.relation.name == MARKERS


def test_a_marker_says_what_it_was_given(database, stream):
    reading = Reading(database, stream)
    control = database.control(stream)
    body = {"run": "snapshot-1", "name": "ünï'\"\\"}
    seq = control.mark("suite", "low", json.dumps(body))
    events = []
    while not any(hasattr(event, "op") for event in events):
        events += reading.source.read(5.0)
    (change,) = [event for event in events if hasattr(event, "op")]
    row = as_dict(change)
    assert (row["stream"], row["kind"], row["seq"]) == ("suite", "low", seq)
    assert json.loads(row["body"]) == body
    assert change.relation.table == MARKERS


def test_numbers_grow_over_all_kinds_and_apart_for_each_stream(database, stream):
    control, other = database.control(stream), database.control(stream)
    seqs = [control.mark("suite", "low", "{}"), other.mark("suite", "high", "{}")]
    seqs += [control.mark("suite", "low", "{}"), control.mark("suite", "heartbeat", "{}")]
    assert seqs == sorted(set(seqs))
    elsewhere = [control.mark("another", "low", "{}") for _ in range(2)]
    assert elsewhere == sorted(set(elsewhere))
    assert control.mark("suite", "low", "{}") == seqs[-1] + 1


def test_numbers_can_begin_beyond_what_is_there(database, stream):
    control = database.control(stream)
    assert control.mark("suite", "low", "{}", 5_000_000_000) == 5_000_000_001
    assert control.mark("suite", "high", "{}") == 5_000_000_002
    assert control.mark("suite", "low", "{}", 7) == 5_000_000_003


def test_the_newest_is_that_of_the_stream_whatever_its_kind(database, stream):
    control, other = database.control(stream), database.control(stream)
    assert control.newest_marker("suite") == 0
    seqs = [control.mark("suite", kind, "{}") for kind in ("low", "high", "low", "heartbeat")]
    other.mark("another", "low", "{}")
    assert control.newest_marker("suite") == other.newest_marker("suite") == seqs[-1]
    assert control.newest_marker("another") == 1
    assert control.newest_marker("a third") == 0


def test_the_newest_is_never_less_than_what_has_come_by_the_log(database, stream):
    reading = Reading(database, stream)
    control, stop, failed = database.control(stream), threading.Event(), []

    def mark():
        writer = database.control(stream)
        try:
            while not stop.is_set():
                writer.mark("suite", "heartbeat", "{}")
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failed.append(error)

    writing = threading.Thread(target=mark)
    writing.start()
    try:
        seen = []
        while len(seen) < 100 and not failed:
            events = reading.source.read(1.0)
            new = [as_dict(e)["seq"] for e in events if hasattr(e, "op") and _is_marker(e)]
            seen += new
            assert not new or control.newest_marker("suite") >= max(new)
    finally:
        stop.set()
        writing.join(60)
    assert not failed


def test_a_database_without_a_table_of_markers_is_told_for_good(database, stream):
    control = database.control(stream)
    database.execute(f"DROP TABLE {MARKERS}")
    with pytest.raises(SourceError, match=MARKERS) as raised:
        control.newest_marker("suite")
    assert not raised.value.temporary


def test_a_marker_has_a_transaction_of_its_own(database, stream):
    reading = Reading(database, stream)
    control, session = database.control(stream), database.session()
    session.execute("INSERT INTO item VALUES (1, 'before', 0)")
    control.mark("suite", "low", "{}")
    session.execute("INSERT INTO item VALUES (2, 'between', 0)")
    session.execute("INSERT INTO item VALUES (3, 'between', 0)")
    control.mark("suite", "high", "{}")
    session.execute("INSERT INTO item VALUES (4, 'after', 0)")
    xids = {as_dict(each.rows[0])["id"]: each.begin.xid for each in reading.up_to_now()}
    assert len({xids[1], xids[2], xids[4]}) == 3


def test_markers_come_in_order_among_concurrent_writers(database, stream):
    reading = Reading(database, stream)
    failed = []

    def mark(kind):
        control = database.control(stream)
        try:
            for _ in range(40):
                control.mark("suite", kind, "{}")
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failed.append(error)

    def write(first):
        session = database.session()
        try:
            for n in range(first, first + 40):
                session.execute(f"INSERT INTO item VALUES ({n}, 'x', 0)")
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [
        *(threading.Thread(target=mark, args=(kind,)) for kind in ("low", "high")),
        *(threading.Thread(target=write, args=(first,)) for first in (0, 1000)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    last = database.control(stream).mark("suite", "barrier", "{}")
    seen = markers_and_rows(reading, last)
    seqs = [number for what, number in seen if what == "marker"]
    assert seqs == list(range(1, 82))
    ids = [number for what, number in seen if what == "row"]
    assert [n for n in ids if n < 1000] == list(range(40))
    assert [n for n in ids if n >= 1000] == list(range(1000, 1040))


def test_what_was_committed_before_a_marker_comes_before_it(database, stream):
    reading = Reading(database, stream)
    control, session = database.control(stream), database.session()
    for n in range(20):
        session.execute(f"INSERT INTO item VALUES ({n}, 'x', 0)")
        last = control.mark("suite", "probe", json.dumps({"n": n}))
    seen = markers_and_rows(reading, last)
    assert seen == [each for n in range(20) for each in (("row", n), ("marker", n + 1))]
