"""A batch collapsed per key leaves what its changes leave one by one."""

from hypothesis import given
from hypothesis import strategies as st

from cdc.applier.collapse import Broken, Drop, collapse
from cdc.applier.ports import Record
from cdc.applier.records import Item
from cdc.change import Op
from cdc.envelope import RecordId

RECORD = Record("t", 0, 0, b'{"id":1}', b"", ())
ID = RecordId(1, 1, 0)

rows = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9))
changes = st.one_of(
    st.builds(lambda row: Item(RECORD, ID, Op.UPDATE, {}, row, partial=False, at_ms=0), rows),
    st.builds(lambda row: Item(RECORD, ID, Op.UPDATE, {}, row, partial=True, at_ms=0), rows),
    st.builds(lambda: Item(RECORD, ID, Op.DELETE, {}, None, partial=False, at_ms=0)),
)
OWN = {"own": "default"}
"""A column of the target that the stream does not carry."""


class StuckError(Exception):
    """The row that a change is part of is not there."""


def one_by_one(row, items):
    """What a database does: `own` is set anew with each new row and kept by each update."""
    for item in items:
        if item.row is None:
            row = None
        elif item.partial and row is None:
            raise StuckError
        else:
            row = {**(row or OWN), **item.row}
    return row


def at_once(row, items):
    outcome = collapse(items)
    if isinstance(outcome, Broken):
        raise StuckError
    if isinstance(outcome, Drop):
        return None
    row = None if outcome.fresh else row
    if row is None and not outcome.whole:
        raise StuckError
    return {**(row or OWN), **outcome.row}


@given(
    st.none() | st.builds(lambda row: {**row, "own": "kept"}, rows),
    st.lists(changes, min_size=1, max_size=8),
)
def test_collapsed_is_one_by_one(row, items):
    try:
        expected = one_by_one(row, items)
    except StuckError:
        return  # one of them cannot be applied: held, and the rest lines up behind it
    assert at_once(row, items) == expected
