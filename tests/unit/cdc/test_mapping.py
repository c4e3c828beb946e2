import pytest

from cdc.change import Column, Kind, Relation
from cdc.config.model import Mask, Stream, TableSync, Topics
from cdc.envelope import RowCodec
from cdc.functions import FunctionError
from cdc.mapping import MappingError, TableMapping, mappings, outgoing, outgoings


def relation(*names, key=("id",)):
    columns = tuple(Column(name, Kind.TEXT, "text", key=name in key) for name in names)
    return Relation("t", "public", "t", columns)


def leaving(table, shape):
    return [(shape.columns[i].name, mask and mask("secret")) for i, mask in outgoing(table, shape)]


def test_a_table_that_is_copied_as_it_is_costs_nothing():
    assert outgoing(TableSync("t", "t", columns={"a": "b"}), relation("id", "a")) is None
    assert outgoing(TableSync("t", "t", include=("a",)), relation("id", "a")) is None
    row = {"id": 1}
    assert TableMapping(TableSync("t", "t"), None).target_row(row) is row


def test_what_is_included_leaves_and_the_key_always_does():
    table = TableSync("t", "t", include=("b", "gone"))
    assert leaving(table, relation("id", "a", "b", "c")) == [("id", None), ("b", None)]


def test_what_is_excluded_never_leaves():
    table = TableSync("t", "t", exclude=("a",), mask={"b": Mask(replace="x")})
    assert leaving(table, relation("id", "a", "b", "c")) == [("id", None), ("b", "x"), ("c", None)]


def test_the_envelope_has_neither_masked_nor_excluded_values():
    table = TableSync("t", "t", exclude=("a",), mask={"b": Mask(salt="0123456789abcdef")})
    shape = relation("id", "a", "b")
    body, _ = RowCodec(shape, outgoing(table, shape)).row(("1", "secret", "secret"))
    assert b"secret" not in body
    assert b'"a"' not in body


@pytest.mark.parametrize(
    ("table", "names", "told"),
    [
        (TableSync("t", "t", mask={"a": Mask(replace="x")}), ("id", "b"), "`t` has no column `a`"),
        (TableSync("t", "t", exclude=("a",)), ("id", "b"), "`t` has no column `a`"),
        (TableSync("t", "t", exclude=("id",)), ("id",), "`t.id` is part of the key"),
        (TableSync("t", "t", mask={"id": Mask(replace="x")}), ("id",), "`t.id` is part of the key"),
        (
            TableSync("t", "t", columns={"a": "b"}),
            ("id", "a", "b"),
            "`a` and `b` of `t` would both become `b`",
        ),
        (
            TableSync("t", "t", mask={"a": Mask(salt="x" * 65)}),
            ("id", "a"),
            "the mask of `t.a`",
        ),
    ],
)
def test_nothing_leaves_while_the_file_does_not_fit_the_table(table, names, told):
    with pytest.raises(MappingError, match=told):
        outgoing(table, relation(*names))


def test_a_mask_may_miss_its_column_where_only_named_columns_leave():
    table = TableSync("t", "t", include=("a", "b"), mask={"a": Mask(replace="x")})
    assert leaving(table, relation("id", "b", "c")) == [("id", None), ("b", None)]


def test_columns_get_their_names_of_the_target():
    mapping = TableMapping(TableSync("t", "t", columns={"a": "b", "b": "a"}), None)
    assert mapping.target_row({"id": 1, "a": 2, "b": 3}) == {"id": 1, "b": 2, "a": 3}
    assert mapping.target_row({"a": 2}) == {"b": 2}
    assert mapping.target_key({"b": 3}) == {"a": 3}


def test_a_row_does_not_lose_a_column_to_another():
    mapping = TableMapping(TableSync("t", "t", columns={"a": "b"}), None)
    with pytest.raises(ValueError, match="same name in the target"):
        mapping.target_row({"a": 1, "b": 2})


def split(row):
    first, last = row.pop("name").split()
    return {**row, "first": first, "last": last}


def joined(row):
    row["name"] = f"{row.pop('first')} {row.pop('last')}"
    return row


FUNCTIONS = {"m:split": split, "m:joined": joined}


def stream(table, *, reverse=False):
    return Stream("s", "", (table,), Topics("s"), reverse=reverse)


def test_a_conversion_sees_the_names_of_the_target_in_both_directions():
    there = TableSync("t", "t", columns={"username": "name"}, convert="m:split", inverse="m:joined")
    back = TableSync("t", "t", columns={"name": "username"}, convert="m:joined", inverse="m:split")
    forward = mappings(stream(there), FUNCTIONS.__getitem__)["t"]
    backward = mappings(stream(back, reverse=True), FUNCTIONS.__getitem__)["t"]
    row = {"id": 1, "username": "Ada Lovelace"}
    assert forward.target_row(row) == {"id": 1, "first": "Ada", "last": "Lovelace"}
    assert backward.target_row(forward.target_row(row)) == row
    assert row == {"id": 1, "username": "Ada Lovelace"}, "the row itself is left alone"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda row: None, "`m:f` returned no dict"),
        (lambda row: row["secret"], "`m:f` raised KeyError"),
        (lambda row: row.secret, "`m:f` raised AttributeError"),
        (lambda row: int("no number"), "invalid literal"),
        (lambda row: row | {"id": 2}, "`m:f` changed `id`, which is part of the key"),
        (lambda row: {"a": 1}, "`m:f` changed `id`, which is part of the key"),
    ],
)
def test_a_function_that_fails_is_about_the_row(function, told):
    mapping = TableMapping(TableSync("t", "t", convert="m:f"), function)
    with pytest.raises(ValueError, match=told):
        mapping.target_row({"id": 1}, {"id": 1})


def test_a_stream_has_both_for_each_of_its_tables():
    one = stream(TableSync("t", "u", exclude=("a",)))
    assert outgoings(one)["t"](relation("id", "a")) == [(0, None)]
    assert mappings(one, FUNCTIONS.__getitem__).keys() == {"t"}


def test_a_stream_does_not_start_without_its_functions():
    def missing(name):
        raise FunctionError(name)

    with pytest.raises(FunctionError, match="m:split"):
        mappings(stream(TableSync("t", "t", convert="m:split")), missing)
