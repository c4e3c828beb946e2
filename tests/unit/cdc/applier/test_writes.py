import pytest

from cdc.applier.collapse import Drop, Put
from cdc.applier.ports import Form, Stopped, TargetColumn, TargetTable
from cdc.applier.writes import Shaper, Verb, Work, parents_first, statements
from cdc.config.model import UnknownColumns


def table(name, *parents, columns=("id", "a", "b"), generated=()):
    shapes = {
        column: TargetColumn(column, "int", Form.NUMBER, True, generated=column in generated)
        for column in (*columns, *generated)
    }
    return TargetTable(
        name, name, shapes, ("id",), frozenset({frozenset({"id"})}), frozenset(parents)
    )


def work(table, outcome):
    return Work(table, [], outcome)


def put(id_, **more):
    whole, fresh = more.pop("whole", True), more.pop("fresh", False)
    return Put({"id": id_}, {"id": id_, **more}, whole, fresh)


def said(works, policy=UnknownColumns.STOP):
    found = statements(works, Shaper(policy))
    return [(s.verb, s.table.name, s.columns, [row["id"] for row in s.rows]) for s in found]


def test_rows_with_the_same_columns_go_together():
    t = table("t")
    works = [
        work(t, put(1, a=1)),
        work(t, put(2, b=1)),
        work(t, put(3, a=2)),
        work(t, put(4, a=2, whole=False)),
        work(t, Drop({"id": 5})),
    ]
    assert said(works) == [
        (Verb.DELETE, "t", ("id",), [5]),
        (Verb.UPSERT, "t", ("id", "a"), [1, 3]),
        (Verb.UPSERT, "t", ("id", "b"), [2]),
        (Verb.UPDATE, "t", ("id", "a"), [4]),
    ]


def test_a_row_made_anew_is_deleted_first():
    t = table("t")
    assert said([work(t, put(1, a=1, fresh=True))]) == [
        (Verb.DELETE, "t", ("id",), [1]),
        (Verb.UPSERT, "t", ("id", "a"), [1]),
    ]


def test_children_go_before_their_parents_and_come_after_them():
    child, parent = table("child", "parent"), table("parent")
    works = [
        work(child, put(1)),
        work(child, Drop({"id": 2})),
        work(parent, Drop({"id": 3})),
        work(parent, put(4)),
    ]
    assert [(verb, name) for verb, name, _, _ in said(works)] == [
        (Verb.DELETE, "child"),
        (Verb.DELETE, "parent"),
        (Verb.UPSERT, "parent"),
        (Verb.UPSERT, "child"),
    ]


def test_rings_and_parents_that_are_not_there_hold_nothing_up():
    a, b, c = table("a", "b", "elsewhere"), table("b", "a"), table("c", "a", "c")
    assert {t.name for t in parents_first([c, a, b])} == {"a", "b", "c"}


def test_columns_that_the_database_computes_are_left_out():
    t = table("t", generated=("twice",))
    assert said([work(t, put(1, a=1, twice=2))])[0][2] == ("id", "a")


def test_a_column_that_is_not_there_stops_or_is_counted():
    t = table("t")
    with pytest.raises(Stopped, match="the target's table t lacks colour, size: add it"):
        said([work(t, put(1, a=1, colour=1, size=1))])
    shaper = Shaper(UnknownColumns.IGNORE)
    [statement] = statements([work(t, put(1, a=1, colour=1))], shaper)
    assert statement.columns == ("id", "a")
    assert shaper.ignored == {"t.colour"}
