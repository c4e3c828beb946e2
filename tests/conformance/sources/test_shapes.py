"""Relations: the same object while a table has the same shape, and another one afterwards."""

import pytest
from conformance.sources.reading import Reading, as_dict, replay


@pytest.fixture
def stream(database):
    database.execute(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(100))",
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
    )
    return database.stream("item", "other")


def test_a_relation_is_one_object_while_the_shape_is_the_same(database, stream):
    reading = Reading(database, stream)
    session = database.session()
    session.execute("INSERT INTO item VALUES (1, 'a')")
    seen = reading.changes()
    session.execute("INSERT INTO other VALUES (1)")
    session.execute("UPDATE item SET name = 'b'")
    seen += reading.changes()
    session.execute("DELETE FROM item")
    seen += reading.changes()
    items = {id(change.relation) for change in seen if change.relation.table == "item"}
    assert len(items) == 1
    assert len({id(change.relation) for change in seen}) == 2


def test_a_control_tells_the_shape_as_it_is_now(database, stream):
    control = database.control(stream)
    first = control.relation("item")
    assert control.relation("item").columns == first.columns
    database.change_shape(stream, "ALTER TABLE item ADD COLUMN extra INTEGER")
    second = control.relation("item")
    assert [column.name for column in second.columns] == ["id", "name", "extra"]
    assert [column.name for column in first.columns] == ["id", "name"]


def test_the_log_and_the_table_have_the_same_columns(database, stream):
    reading = Reading(database, stream)
    database.execute("INSERT INTO item VALUES (1, 'a')")
    (change,) = reading.changes()
    relation = database.control(stream).relation("item")
    for logged, told in zip(change.relation.columns, relation.columns, strict=True):
        assert (logged.name, logged.kind, logged.key) == (told.name, told.kind, told.key)
    assert change.relation.key == relation.key
    assert (change.relation.schema, change.relation.name) == (relation.schema, relation.name)


def test_a_column_more_in_mid_stream(database, stream):
    reading = Reading(database, stream)
    session = database.session()
    session.execute("INSERT INTO item VALUES (1, 'a')")
    database.change_shape(stream, "ALTER TABLE item ADD COLUMN extra INTEGER DEFAULT 7")
    database.execute("INSERT INTO item VALUES (2, 'b', 8)", "UPDATE item SET name = 'c'")
    first, *later = reading.changes()
    assert as_dict(first) == {"id": 1, "name": "a"}
    assert as_dict(later[0]) == {"id": 2, "name": "b", "extra": 8}
    assert later[0].relation is not first.relation
    assert replay([first, *later]) == {
        "item": {(1,): {"id": 1, "name": "c", "extra": 7}, (2,): {"id": 2, "name": "c", "extra": 8}}
    }


def test_a_column_with_another_name_in_mid_stream(database, stream):
    reading = Reading(database, stream)
    database.execute("INSERT INTO item VALUES (1, 'a')")
    database.change_shape(stream, "ALTER TABLE item RENAME COLUMN name TO title")
    database.execute("UPDATE item SET title = 'b'")
    first, second = reading.changes()
    assert as_dict(first) == {"id": 1, "name": "a"}
    assert as_dict(second) == {"id": 1, "title": "b"}


def test_a_shape_is_that_of_the_time_of_the_change_after_a_restart_too(database, stream):
    reading = Reading(database, stream)
    database.execute("INSERT INTO item VALUES (1, 'a')")
    database.change_shape(stream, "ALTER TABLE item ADD COLUMN extra INTEGER")
    database.execute("INSERT INTO item VALUES (2, 'b', 3)")
    assert len(reading.changes()) == 2
    reading.source.close()
    again = Reading(database, stream, reading.began_at)
    assert [as_dict(change) for change in again.changes()] == [
        {"id": 1, "name": "a"}, {"id": 2, "name": "b", "extra": 3},
    ]  # fmt: skip
