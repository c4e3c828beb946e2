"""What is on its way is told from what differs, on sides that change between two looks."""

from cdc.reconcile.settle import settle
from cdc.reconcile.sides import Seen

KEY = ("1",)


class Side:
    """Shows the next of some rows at each look; the last one for ever."""

    def __init__(self, *rows):
        self._rows = list(rows)

    def look_up(self, keys):
        row = self._rows.pop(0) if len(self._rows) > 1 else self._rows[0]
        return {key: row for key in keys if row is not None}


class Barrier:
    def __init__(self):
        self.passed = 0

    def __call__(self):
        self.passed += 1
        return self.passed


def told(source, target, **more):
    barrier = Barrier()
    return settle([KEY], source, target, barrier, **more), barrier


def test_what_has_arrived_meanwhile_is_equal():
    found, barrier = told(Side(Seen(1, "a")), Side(Seen(1, None)))
    assert not found.different
    assert not found.unsettled
    assert found.clean_at == barrier.passed == 1


def test_what_stays_as_it_is_differs_after_as_few_looks_as_versions_need():
    rows = (Seen(1, "a"), Seen(2, None))
    found, barrier = told(Side(rows[0]), Side(rows[1]))
    assert found.different == {KEY: rows}
    assert barrier.passed == 2
    found, barrier = told(Side(Seen(1, None)), Side(Seen(2, None)))
    assert KEY in found.different
    assert barrier.passed == 3


def test_a_missing_and_an_extra_row_differ():
    assert told(Side(Seen(1, "a")), Side(None))[0].different == {KEY: (Seen(1, "a"), None)}
    assert told(Side(None), Side(Seen(1, None)))[0].different == {KEY: (None, Seen(1, None))}


def test_a_row_that_changes_and_changes_back_has_another_version():
    """The target shows what the source had in between; only the version tells."""
    source = Side(Seen(1, "a"), Seen(1, "b"), Seen(1, "b"), Seen(1, "b"))
    target = Side(Seen(2, None), Seen(2, None), Seen(1, None))
    assert not told(source, target)[0].different


def test_a_commit_that_others_see_only_after_the_relay_does():
    """The target is ahead of what the source shows: the second look has the row."""
    source = Side(Seen(1, "a"), Seen(1, "a"), Seen(2, "b"))
    found, barrier = told(source, Side(Seen(2, None)))
    assert not found.different
    assert barrier.passed == 2


def test_a_target_that_changes_between_two_looks_is_no_stable_point():
    target = Side(Seen(2, None), Seen(3, None), Seen(1, None))
    found, barrier = told(Side(Seen(1, "a")), target)
    assert not found.different
    assert barrier.passed == 3


def test_a_row_that_never_stands_still_is_given_up():
    source = Side(*(Seen(number, str(number)) for number in range(100)))
    found, barrier = told(source, Side(Seen("old", None)), rounds=4)
    assert found.unsettled == (KEY,)
    assert not found.different
    assert barrier.passed == 4


def test_a_row_that_the_target_has_as_it_was_before_the_barrier_is_equal():
    source = Side(Seen(1, "a"), Seen(2, "b"))
    found, _ = told(source, Side(Seen(1, None)))
    assert not found.different
    assert not found.unsettled
