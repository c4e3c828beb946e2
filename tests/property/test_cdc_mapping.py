"""Whatever the mapping: what is hidden stays hidden, and what is reversible comes back."""

import string

from hypothesis import assume, given
from hypothesis import strategies as st

from cdc.change import ABSENT, Column, Kind, Relation
from cdc.config.model import Mask, TableSync
from cdc.envelope import RowCodec
from cdc.mapping import TableMapping, outgoing
from cdc.reversing import inverted

NAMES = [*string.ascii_lowercase[:6], "Größe", "a b", '"']
names = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=10)


@st.composite
def bijections(draw):
    """Columns, and new names for some of them that keep all of them apart."""
    columns = draw(names)
    renamed = draw(st.lists(st.sampled_from(columns), unique=True))
    targets = draw(st.permutations([*renamed, *(f"new {name}" for name in renamed)]))
    return columns, dict(zip(renamed, targets, strict=False))


@given(bijections(), st.data())
def test_the_inverse_of_a_mapping_brings_every_row_back(bijection, data):
    columns, renamed = bijection
    table = TableSync("t", "u", columns=renamed)
    row = {name: data.draw(values) for name in columns if data.draw(st.booleans())}
    there = TableMapping(table, None).target_row(row)
    back = TableMapping(inverted(table), None, reverse=True).target_row(there)
    assert back == row
    assert inverted(inverted(table)) == table


@given(bijections(), st.data())
def test_so_does_that_of_a_conversion(bijection, data):
    columns, renamed = bijection
    table = TableSync("t", "u", columns=renamed, convert="m:f", inverse="m:g")
    row = {name: data.draw(values) for name in columns}

    def wrapped(row):
        return {f"x{name}": [value] for name, value in row.items()}

    def unwrapped(row):
        return {name[1:]: value for name, (value,) in row.items()}

    there = TableMapping(table, wrapped).target_row(row)
    assert TableMapping(inverted(table), unwrapped, reverse=True).target_row(there) == row


masks = st.sampled_from([Mask(replace="hidden"), Mask(salt="0123456789abcdef")])


@given(st.data())
def test_what_is_masked_excluded_or_not_included_is_in_no_envelope(data):
    columns = data.draw(names)
    key = data.draw(st.lists(st.sampled_from(columns), unique=True))
    others = [name for name in columns if name not in key]
    chosen = tuple(data.draw(st.lists(st.sampled_from(others), unique=True))) if others else ()
    including = data.draw(st.booleans())
    assume(not including or chosen)
    open_ = [name for name in others if (name in chosen) == including]
    masked = {name: data.draw(masks) for name in open_ if data.draw(st.booleans())}
    table = (
        TableSync("t", "t", include=chosen, mask=masked)
        if including
        else TableSync("t", "t", exclude=chosen, mask=masked)
    )
    relation = Relation(
        "t", "s", "t", tuple(Column(name, Kind.TEXT, "text", name in key) for name in columns)
    )
    row = tuple(
        data.draw(st.sampled_from([f"value <{index}>", None, ABSENT]))
        for index in range(len(columns))
    )
    body, unavailable = RowCodec(relation, outgoing(table, relation)).row(row)
    clear = {*key, *open_} - masked.keys()
    for index, name in enumerate(columns):
        assert (f"value <{index}>".encode() in body) == (
            name in clear and row[index] not in {None, ABSENT}
        )
    assert set(unavailable) == {
        name
        for name, value in zip(columns, row, strict=True)
        if value is ABSENT and name in {*key, *open_}
    }
