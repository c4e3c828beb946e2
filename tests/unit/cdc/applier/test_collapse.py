import pytest

from cdc.applier.collapse import Broken, Drop, Put, collapse
from cdc.applier.ports import Record
from cdc.applier.records import Item
from cdc.change import Op
from cdc.envelope import RecordId

KEY = {"id": 1}
RECORD = Record("t", 0, 0, b'{"id":1}', b"", ())


def put(*, partial=False, **row):
    return Item(RECORD, RecordId(1, 1, 0), Op.UPDATE, KEY, {**KEY, **row}, partial, 0)


def drop():
    return Item(RECORD, RecordId(1, 1, 0), Op.DELETE, KEY, None, partial=False, at_ms=0)


def poison():
    return Item(
        RECORD, RecordId(1, 1, 0), Op.UPDATE, {}, None, partial=True, at_ms=0, reason="poison"
    )


@pytest.mark.parametrize(
    ("items", "outcome"),
    [
        ([put(a=1), put(a=2)], Put(KEY, {"id": 1, "a": 2}, whole=True)),
        ([put(a=1, b=1), put(a=2)], Put(KEY, {"id": 1, "a": 2, "b": 1}, whole=True)),
        ([put(a=1, b=1), put(a=2, partial=True)], Put(KEY, {"id": 1, "a": 2, "b": 1}, whole=True)),
        (
            [put(a=1, partial=True), put(b=2, partial=True)],
            Put(KEY, {"id": 1, "a": 1, "b": 2}, whole=False),
        ),
        ([put(a=1), drop()], Drop(KEY)),
        ([drop(), put(a=1)], Put(KEY, {"id": 1, "a": 1}, whole=True, fresh=True)),
        ([drop(), put(a=1), put(a=2)], Put(KEY, {"id": 1, "a": 2}, whole=True, fresh=True)),
        ([drop(), poison(), put(a=1)], Put(KEY, {"id": 1, "a": 1}, whole=True, fresh=True)),
        ([poison(), put(a=1)], Put(KEY, {"id": 1, "a": 1}, whole=True)),
        ([poison(), drop()], Drop(KEY)),
        ([put(a=1), poison()], Broken("poison")),
        ([poison(), put(a=1, partial=True)], Broken("poison")),
    ],
)
def test_the_state_after_the_last_change(items, outcome):
    assert collapse(items) == outcome


def test_part_of_a_row_that_was_deleted_is_no_row():
    assert isinstance(collapse([drop(), put(a=1, partial=True)]), Broken)
