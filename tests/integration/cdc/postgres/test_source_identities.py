"""Replica identities by keys by statements: the old row is named, and nothing is made up."""

from __future__ import annotations

import pytest

from cdc.change import ABSENT
from tests.integration.cdc.postgres.reading import as_dict

KEYS = {
    "one": ("id int NOT NULL, grp int NOT NULL, note text, long text", ("id",)),
    "two": ("grp int NOT NULL, note text, id int NOT NULL, long text", ("id", "grp")),
}
IDENTITIES = {
    "default": "ALTER TABLE item REPLICA IDENTITY DEFAULT",
    "full": "ALTER TABLE item REPLICA IDENTITY FULL",
    "index": "ALTER TABLE item REPLICA IDENTITY USING INDEX by_key",
}
LONG = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i)"


def old(change) -> dict:
    """What the log tells of the old row."""
    return {n: v for n, v in as_dict(change, "before").items() if v is not ABSENT}


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("key", KEYS)
def test_the_old_row_of_every_statement(case, identity, key):
    columns, names = KEYS[key]
    listed = ", ".join(names)
    case.run(
        f"CREATE TABLE item ({columns}, PRIMARY KEY ({listed}))",
        f"CREATE UNIQUE INDEX by_key ON item ({listed})",
        IDENTITIES[identity],
    )
    case.begin("item")
    case.run(
        f"INSERT INTO item (id, grp, note, long) VALUES (1, 7, 'a', {LONG})",
        "UPDATE item SET note = 'b'",
        "UPDATE item SET id = 2, note = 'c'",
        "UPDATE item SET id = 2",
        "DELETE FROM item",
    )
    created, noted, moved, same, deleted = (c for _, found, _ in case.commits(5) for c in found)
    assert [each.op.value for each in (created, noted, moved, same, deleted)] == list("cuuud")
    assert {c.name for c in created.relation.columns if c.key} == set(names)
    long = as_dict(created)["long"]
    assert len(long) == 64_000
    for each in (noted, moved, same):
        assert as_dict(each)["long"] is ABSENT
    kept = {1: {"id": 1, "grp": 7, "note": "a", "long": long}}
    kept[2] = kept[1] | {"note": "b"}
    kept[3] = kept[2] | {"id": 2, "note": "c"}
    if identity == "full":
        assert [old(each) for each in (noted, moved, same, deleted)] == [
            kept[1], kept[2], kept[3], kept[3],
        ]  # fmt: skip
        return
    known = {number: {name: row[name] for name in names} for number, row in kept.items()}
    assert noted.before is None or old(noted) == known[1]
    assert old(moved) == known[2]
    assert same.before is None or old(same) == known[3]
    assert old(deleted) == known[3]


TYPES = {
    "text": ("text", "repeat(md5('{0}'), 3000)"),
    "text_array": ("text[]", "ARRAY(SELECT md5('{0}' || i) FROM generate_series(1, 900) i)"),
    "int_array": ("int[]", "ARRAY(SELECT i * {0} FROM generate_series(1, 9000) i)"),
    "numeric_array": ("numeric[]", "ARRAY(SELECT i * 1.5 FROM generate_series(1, 9000) i)"),
    "matrix": ("text[]", "(SELECT array_agg(ARRAY[md5('{0}' || i), NULL])"
                         " FROM generate_series(1, 900) i)"),
    "jsonb": ("jsonb", "(SELECT jsonb_object_agg(i, md5('{0}' || i))"
                       " FROM generate_series(1, 900) i)"),
    "json": ("json", "(SELECT json_agg(md5('{0}' || i)) FROM generate_series(1, 900) i)"),
    "bytea": ("bytea", r"decode(repeat(md5('{0}'), 3000), 'hex')"),
    "numeric": ("numeric", "repeat('123456789{0}', 3000)::numeric"),
    "varbit": ("varbit", "repeat('101', 30000)::varbit"),
    "multirange": ("int4multirange", "(SELECT range_agg(int4range(i * 10, i * 10 + {0}))"
                                     " FROM generate_series(1, 3000) i)"),
    "domain": ("words", "ARRAY(SELECT md5('{0}' || i) FROM generate_series(1, 900) i)"),
    "composite": ("pair", "ROW({0}, repeat('x', 9000))"),
}  # fmt: skip


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
@pytest.mark.parametrize("of", TYPES)
def test_long_values_of_every_type_are_absent_or_whole(newest_case, of, identity):
    """A value that is stored out of line is either there with all of it, or not at all."""
    case = newest_case
    declared, made = TYPES[of]
    case.run(
        "CREATE DOMAIN words AS text[]", "CREATE TYPE pair AS (a int, b text)",
        f"CREATE TABLE item (id int PRIMARY KEY, v {declared}, n int)",
        "ALTER TABLE item ALTER v SET STORAGE EXTERNAL",
        f"ALTER TABLE item REPLICA IDENTITY {identity}",
    )  # fmt: skip
    case.begin("item")
    case.run(
        f"INSERT INTO item VALUES (1, {made.format(1)}, 0)", "UPDATE item SET n = 1",
        f"UPDATE item SET v = {made.format(2)}", "UPDATE item SET id = 2",
        "UPDATE item SET v = NULL", "UPDATE item SET n = 2", "DELETE FROM item",
    )  # fmt: skip
    first = case.value(f"SELECT ({made.format(1)})::{declared}::text")
    second = case.value(f"SELECT ({made.format(2)})::{declared}::text")
    created, touched, changed, moved, emptied, last, deleted = (
        c for _, found, _ in case.commits(7) for c in found
    )
    whole = created.after[1], changed.after[1]
    if of != "bytea":
        assert whole == (first, second)
    assert all(len(each) > 8_000 for each in whole)
    assert (touched.after, moved.after) == ((1, ABSENT, 1), (2, ABSENT, 1))
    assert (emptied.after, last.after) == ((2, None, 1), (2, None, 2))
    if identity == "FULL":
        befores = [each.before for each in (touched, changed, moved, emptied, last, deleted)]
        assert befores == [
            (1, whole[0], 0), (1, whole[0], 1), (1, whole[1], 1), (2, whole[1], 1),
            (2, None, 1), (2, None, 2),
        ]  # fmt: skip
    else:
        assert moved.before == (1, ABSENT, ABSENT)
        assert deleted.before == (2, ABSENT, ABSENT)


def test_enums_of_one_name_in_two_schemas(case):
    case.run(
        "CREATE SCHEMA a", "CREATE SCHEMA b",
        "CREATE TYPE a.mood AS ENUM ('sad', 'ok')", "CREATE TYPE b.mood AS ENUM ('hot', 'cold')",
        "CREATE TABLE item (id int PRIMARY KEY, one a.mood, two b.mood, more b.mood[])",
    )  # fmt: skip
    case.begin("item")
    case.run("INSERT INTO item VALUES (1, 'ok', 'cold', '{hot,NULL}'), (2, 'sad', NULL, NULL)")
    ((_, (first, second), _),) = case.commits()
    assert first.after == (1, "ok", "cold", "{hot,NULL}")
    assert second.after == (2, "sad", None, None)
    assert [column.type for column in first.relation.columns[1:]] == [
        "a.mood", "b.mood", "b.mood[]",
    ]  # fmt: skip


def test_an_enum_whose_labels_change_in_mid_stream(case):
    case.run("CREATE TYPE mood AS ENUM ('sad', 'ok')",
             "CREATE TABLE item (id mood PRIMARY KEY, m mood)")  # fmt: skip
    case.begin("item")
    case.run(
        "INSERT INTO item VALUES ('sad', 'ok')", "ALTER TYPE mood ADD VALUE 'great' BEFORE 'sad'",
        "INSERT INTO item VALUES ('great', 'great')", "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
        "UPDATE item SET id = 'fine' WHERE id = 'sad'", "DELETE FROM item WHERE id = 'great'",
    )  # fmt: skip
    one, two, moved, deleted = (c for _, found, _ in case.commits(4) for c in found)
    assert one.after[0] == "sad"
    assert two.after == ("great", "great")
    assert (moved.before[0], moved.after) == ("sad", ("fine", "fine"))
    assert deleted.before[0] == "great"
    assert all(each.relation.columns[0].type == "mood" for each in (one, two, moved, deleted))
