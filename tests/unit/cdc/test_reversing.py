from dataclasses import replace

import pytest

from cdc.config.model import Mask, Stream, TableSync, Topics, UnknownColumns
from cdc.reversing import Columns, NotInvertible, inverted, reversed_stream

STREAM = Stream(
    name="shop",
    source="sqlite:///old",
    target="sqlite:///new",
    tables=(
        TableSync("a", "a"),
        TableSync("s.t", "u", ("k",), columns={"k": "key"}, convert="m:f", inverse="m:g"),
    ),
    topics=Topics("p", partitions=7),
    outbox="events",
    owner="team",
)


def test_the_reverse_direction_is_the_stream_turned_round():
    assert reversed_stream(STREAM) == Stream(
        name="shop-reverse",
        source="sqlite:///new",
        target="sqlite:///old",
        tables=(
            TableSync("a", "a"),
            TableSync("u", "s.t", ("key",), columns={"key": "k"}, convert="m:g", inverse="m:f"),
        ),
        topics=Topics("p.reverse", partitions=7),
        owner="team",
        reverse=True,
    )


def problems(stream, columns=None):
    with pytest.raises(NotInvertible) as caught:
        reversed_stream(stream, columns)
    return caught.value.problems


def with_tables(*tables):
    return replace(STREAM, tables=tables)


def test_everything_that_is_lost_is_told_at_once():
    told = problems(
        with_tables(
            TableSync("a", "a", include=("id",)),
            TableSync("b", "b", exclude=("x", "y"), mask={"z": Mask(replace="")}),
            TableSync("c", "c", convert="m:f"),
        )
    )
    assert [line.split(" ", 1)[0] for line in told] == ["`a`", "`b.x`", "`b.y`", "`b.z`", "`c`"]
    assert "name what undoes it as `inverse`" in told[-1]


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (replace(STREAM, target=None), "`shop` has no target"),
        (replace(STREAM, name="x" * 56), "has 64 characters"),
        (replace(STREAM, topics=Topics("x" * 230)), "have 251 characters"),
        (reversed_stream(STREAM), "is a reverse direction already"),
        (with_tables(TableSync("a", "c"), TableSync("b", "c")), "`c` is filled by 2 tables"),
    ],
)
def test_streams_without_a_reverse_direction(stream, told):
    (problem,) = problems(stream)
    assert told in problem


def test_columns_that_one_side_lacks():
    table = TableSync("a", "b", columns={"x": "y"})
    columns = {"a": Columns(frozenset({"id", "x", "old"}), frozenset({"id", "y", "new"}))}
    new, old = problems(with_tables(table), columns)
    assert new.startswith("`b.new` has no column in `a` to go to: add one")
    assert old.startswith("`a.old` has no column in `b`")
    tolerant = replace(with_tables(table), unknown_columns=UnknownColumns.IGNORE)
    assert problems(tolerant, columns) == (old,)


def test_the_same_columns_on_both_sides_are_no_problem():
    columns = Columns(frozenset({"id", "x"}), frozenset({"id", "y"}))
    assert inverted(TableSync("a", "b", columns={"x": "y"}), columns).to == "a"


def test_a_column_that_is_kept_back_is_told_once():
    columns = {"a": Columns(frozenset({"id", "x"}), frozenset({"id"}))}
    assert len(problems(with_tables(TableSync("a", "a", exclude=("x",))), columns)) == 1


def test_a_table_that_loses_something_has_no_inverse():
    with pytest.raises(NotInvertible, match="is excluded"):
        inverted(TableSync("a", "a", exclude=("x",)))
