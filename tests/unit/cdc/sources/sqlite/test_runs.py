"""Where transactions begin and end in the change table."""

import pytest

from cdc.change import Begin, Change, Column, Commit, Kind, Op, Reached, Relation
from cdc.sources.sqlite.runs import Entry, Runs

ITEM = Relation("item", "main", "item", (Column("id", Kind.INTEGER, "INTEGER", key=True),))


def entry(id_, *, origin=None, cut=False, marker=False, mine=True):
    change = Change(ITEM, Op.CREATE, None, (id_,)) if mine else None
    return Entry(id_, 1000 + id_, origin, cut, marker, change)


def said(*entries, resume=0):
    runs, events = Runs(resume), []
    for each in entries:
        for event in runs.feed(each):
            match event:
                case Begin():
                    events.append(("begin", event.position, event.origin))
                case Change():
                    events.append(event.after[0])
                case Commit():
                    events.append(("commit", event.resume))
                case Reached():
                    events.append(("reached", event.resume))
    assert runs.read == entries[-1].id
    return events


def test_a_run_ends_at_its_cut():
    assert said(entry(1), entry(2, cut=True), entry(3, cut=True)) == [
        ("begin", 1, None), 1, 2, ("commit", 2), ("begin", 3, None), 3, ("commit", 3),
    ]  # fmt: skip


def test_a_run_that_is_not_cut_yet_stays_open():
    assert said(entry(1), entry(2)) == [("begin", 1, None), 1, 2]


def test_another_origin_is_another_transaction():
    assert said(entry(1), entry(2, origin="a"), entry(3, origin="a"), entry(4, cut=True)) == [
        ("begin", 1, None), 1, ("commit", 1), ("begin", 2, "a"), 2, 3, ("commit", 3),
        ("begin", 4, None), 4, ("commit", 4),
    ]  # fmt: skip


def test_a_marker_stands_alone():
    assert said(entry(1), entry(2, marker=True), entry(3, marker=True), entry(4, cut=True)) == [
        ("begin", 1, None), 1, ("commit", 1), ("begin", 2, None), 2, ("commit", 2),
        ("begin", 3, None), 3, ("commit", 3), ("begin", 4, None), 4, ("commit", 4),
    ]  # fmt: skip


def test_entries_of_other_tables_count_for_positions_only():
    assert said(entry(1, mine=False), entry(2), entry(3, mine=False, cut=True)) == [
        ("begin", 2, None), 2, ("commit", 3),
    ]  # fmt: skip
    assert said(entry(1, mine=False), entry(2, mine=False, cut=True)) == [("reached", 2)]


@pytest.mark.parametrize("start", range(1, 7))
def test_reading_on_after_any_commit_gives_the_same(start):
    log = [
        entry(1), entry(2, cut=True), entry(3, marker=True), entry(4, origin="a"),
        entry(5, origin="a", cut=True), entry(6, origin="a"), entry(7, cut=True),
    ]  # fmt: skip
    whole = said(*log)
    if ("commit", start) in whole:
        rest = said(*log[start:], resume=start)
        assert rest == whole[whole.index(("commit", start)) + 1 :]
