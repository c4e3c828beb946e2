"""Whole transactions in the order of their commits, on real servers."""

from __future__ import annotations

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text, n integer)"


def test_an_insert_an_update_and_a_delete(case):
    case.run(ITEM)
    case.begin("item")
    case.run("INSERT INTO item VALUES (1, 'Warm', 2)")
    case.together("UPDATE item SET n = 3", "DELETE FROM item")
    (first, created, done), (second, rest, _) = case.commits(2)
    assert [each.after for each in created] == [(1, "Warm", 2)]
    assert [each.op.value for each in rest] == ["u", "d"]
    assert first.position < done.resume <= second.position
    assert first.xid != second.xid
    assert created[0].relation.table == "item"
    assert created[0].relation.key == (0,)
    assert case.source.text(first.position).count("/") == 1
