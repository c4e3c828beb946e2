"""Tables of every shape: keys, identities, values out of line, changes of the shape, types."""

from __future__ import annotations

import pytest

from cdc.change import ABSENT, Kind
from cdc.config.model import TableSync
from cdc.relay.ports import SourceError
from tests.integration.cdc.postgres.reading import as_dict

BIG = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i)"
"""Longer than what fits into a page, and not to be compressed."""


def changes(case, count: int = 1) -> list:
    return [change for _, changes, _ in case.commits(count) for change in changes]


def keys(change) -> list[str]:
    return [column.name for column in change.relation.columns if column.key]


def test_an_unchanged_value_out_of_line_is_absent(case):
    case.run("CREATE TABLE doc (id int PRIMARY KEY, body text, n int)")
    case.begin("doc")
    case.run(f"INSERT INTO doc VALUES (1, {BIG}, 0)", "UPDATE doc SET n = 1",
             "UPDATE doc SET body = 'short'", "UPDATE doc SET body = NULL")  # fmt: skip
    created, touched, short, null = changes(case, 4)
    assert len(created.after[1]) == 64_000
    assert touched.after == (1, ABSENT, 1)
    assert short.after == (1, "short", 1)
    assert null.after == (1, None, 1)


def test_under_full_identity_the_old_row_has_what_the_new_one_lacks(case):
    case.run("CREATE TABLE doc (id int PRIMARY KEY, body text, n int)",
             "ALTER TABLE doc REPLICA IDENTITY FULL")  # fmt: skip
    case.begin("doc")
    case.run(f"INSERT INTO doc VALUES (1, {BIG}, 0)", "UPDATE doc SET n = 1", "DELETE FROM doc")
    created, touched, deleted = changes(case, 3)
    assert touched.after[1] is ABSENT
    assert touched.before == created.after
    assert deleted.before == (1, created.after[1], 1)
    assert keys(deleted) == ["id"]


def test_a_key_out_of_line(case):
    case.run("CREATE TABLE doc (id text PRIMARY KEY, n int)",
             "ALTER TABLE doc ALTER id SET STORAGE EXTERNAL")  # fmt: skip
    case.begin("doc")
    case.run("INSERT INTO doc VALUES (repeat('k', 2600), 0)", "UPDATE doc SET n = 1")
    created, touched = changes(case, 2)
    known = touched.after[0] if touched.after[0] is not ABSENT else touched.before[0]
    assert known == created.after[0] == "k" * 2_600


def test_a_change_of_the_key_tells_the_old_one(case):
    case.run("CREATE TABLE pair (b int, v text, a text, PRIMARY KEY (a, b))")
    case.begin("pair")
    case.run("INSERT INTO pair VALUES (1, 'v', 'x')", "UPDATE pair SET b = 2")
    _, moved = changes(case, 2)
    assert keys(moved) == ["b", "a"]
    assert moved.before == (1, ABSENT, "x")
    assert moved.after == (2, "v", "x")


def test_the_identity_of_an_index(case):
    case.run("CREATE TABLE part (serial text NOT NULL, n int)",
             "CREATE UNIQUE INDEX by_serial ON part (serial)",
             "ALTER TABLE part REPLICA IDENTITY USING INDEX by_serial")  # fmt: skip
    case.begin("part")
    case.run("INSERT INTO part VALUES ('s', 1)", "DELETE FROM part")
    created, deleted = changes(case, 2)
    assert keys(created) == ["serial"]
    assert deleted.before == ("s", ABSENT)


def test_no_identity_takes_inserts_only_and_the_primary_key(case):
    case.run("CREATE TABLE log (id int PRIMARY KEY, line text)")
    case.begin("log")
    case.run("ALTER TABLE log REPLICA IDENTITY NOTHING", "INSERT INTO log VALUES (1, 'a')")
    (created,) = changes(case)
    assert keys(created) == ["id"]


def test_the_streams_own_key(case):
    case.run("CREATE TABLE part (serial text, n int)", "ALTER TABLE part REPLICA IDENTITY FULL")
    case.begin(TableSync("part", "part", key=("serial",)))
    case.run("INSERT INTO part VALUES ('s', 1)", "UPDATE part SET n = 2")
    created, touched = changes(case, 2)
    assert keys(created) == keys(touched) == ["serial"]
    assert touched.before == ("s", 1)


def test_a_key_that_deletes_do_not_tell_is_refused(case):
    case.run("CREATE TABLE part (id int PRIMARY KEY, serial text)")
    case.begin(TableSync("part", "part", key=("serial",)))
    case.run("INSERT INTO part VALUES (1, 's')")
    with pytest.raises(SourceError, match="REPLICA IDENTITY FULL") as raised:
        changes(case)
    assert not raised.value.temporary


def test_the_shape_changes_between_and_within_transactions(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY, name text)")
    case.begin("item")
    case.run("INSERT INTO item VALUES (1, 'a')", "ALTER TABLE item ADD COLUMN n int DEFAULT 7")
    case.together("INSERT INTO item VALUES (2, 'b')", "ALTER TABLE item DROP COLUMN name",
                  "INSERT INTO item VALUES (3)", "ALTER TABLE item RENAME COLUMN n TO m",
                  "INSERT INTO item VALUES (4, 8)")  # fmt: skip
    case.run("ALTER TABLE item ALTER COLUMN m TYPE text", "UPDATE item SET m = 'x' WHERE id = 1")
    found = changes(case, 3)
    assert [as_dict(each) for each in found] == [
        {"id": 1, "name": "a"}, {"id": 2, "name": "b", "n": 7}, {"id": 3, "n": 7},
        {"id": 4, "m": 8}, {"id": 1, "m": "x"},
    ]  # fmt: skip
    assert len({id(each.relation) for each in found}) == 5
    assert [found[3].relation.columns[1].type, found[4].relation.columns[1].type] == [
        "integer", "text",
    ]  # fmt: skip


def test_what_does_not_change_the_shape_is_no_new_relation(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY, name text)")
    case.begin("item")
    case.run("INSERT INTO item VALUES (1, 'a')", "ANALYZE item",
             "CREATE INDEX ON item (name)", "INSERT INTO item VALUES (2, 'a')")  # fmt: skip
    first, second = changes(case, 2)
    assert first.relation is second.relation


def test_a_rewritten_table_sends_no_rows_of_its_own(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY, n int)")
    case.begin("item")
    case.run("INSERT INTO item SELECT i, i FROM generate_series(1, 100) i")
    case.together("ALTER TABLE item ALTER COLUMN n TYPE bigint", "INSERT INTO item VALUES (101, 1)")
    case.run("VACUUM FULL item", "CLUSTER item USING item_pkey", "INSERT INTO item VALUES (102, 1)")
    assert [each.after[0] for each in changes(case, 3)] == list(range(1, 103))


def test_a_renamed_table_goes_on_until_the_next_start_says_so(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY)")
    case.begin("item")
    case.run("INSERT INTO item VALUES (1)", "ALTER TABLE item RENAME TO thing",
             "INSERT INTO thing VALUES (2)")  # fmt: skip
    found = changes(case, 2)
    assert [each.relation.table for each in found] == ["item", "item"]
    with pytest.raises(SourceError, match="has no table item") as raised:
        case.again(None)
    assert not raised.value.temporary


def test_a_table_that_took_the_place_of_another(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY)")
    case.begin("item")
    case.run("INSERT INTO item VALUES (1)", "DROP TABLE item",
             "CREATE TABLE item (id int PRIMARY KEY, n int)",
             f'ALTER PUBLICATION "strangler_{case.name}" ADD TABLE item',
             "INSERT INTO item VALUES (2, 3)")  # fmt: skip
    assert [each.after for each in changes(case, 2)] == [(1,), (2, 3)]
    began = case.again(None)  # from the beginning again, with the catalog of today
    assert began
    assert [(e.relation.table, e.after) for e in changes(case, 2)] == [
        ("item", (1,)), ("item", (2, 3)),
    ]  # fmt: skip


def test_partitions_are_the_table_they_are_part_of(case):
    case.run("CREATE TABLE event (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
             "CREATE TABLE event_a PARTITION OF event FOR VALUES FROM ('2026-01-01') TO"
             " ('2026-07-01')",
             "CREATE TABLE event_b (at date NOT NULL, id int NOT NULL)",
             "ALTER TABLE event ATTACH PARTITION event_b FOR VALUES FROM ('2026-07-01') TO"
             " ('2027-01-01')")  # fmt: skip
    case.begin("event")
    case.run("INSERT INTO event VALUES (1, '2026-02-01'), (2, '2026-08-01')",
             "UPDATE event SET at = '2026-09-01' WHERE id = 1", "TRUNCATE event")  # fmt: skip
    found = changes(case, 3)
    assert {each.relation.table for each in found} == {"event"}
    assert [each.op.value for each in found] == ["c", "c", "d", "c", "t"]
    assert [each.after for each in found[:2]] == [(1, "2026-02-01"), (2, "2026-08-01")]
    assert keys(found[0]) == ["id", "at"]
    case.source.check()  # the publication has the table itself, and no part of it


def test_generated_columns_are_not_sent(case):
    case.run("CREATE TABLE item (id int PRIMARY KEY, n int, m int GENERATED ALWAYS AS (n * 2)"
             " STORED, s text)")  # fmt: skip
    case.begin("item")
    case.run("INSERT INTO item (id, n, s) VALUES (1, 2, 'x')")
    assert [as_dict(each) for each in changes(case)] == [{"id": 1, "n": 2, "s": "x"}]


def test_schemas_and_names_that_need_quotes(case):
    case.run("CREATE SCHEMA sales", 'CREATE TABLE sales."Order ""x""" (id int PRIMARY KEY)')
    case.begin('sales.Order "x"')
    case.run('INSERT INTO sales."Order ""x""" VALUES (1)')
    (created,) = changes(case)
    assert created.relation.table == 'sales.Order "x"'
    assert (created.relation.schema, created.relation.name) == ("sales", 'Order "x"')


VALUES = [
    ("smallint", "-32768", Kind.INTEGER, -32768),
    ("bigint", "9223372036854775807", Kind.INTEGER, 9223372036854775807),
    ("oid", "4294967295", Kind.INTEGER, 4294967295),
    ("boolean", "false", Kind.BOOLEAN, False),
    ("real", "0.1", Kind.FLOAT, 0.1),
    ("double precision", "'-Infinity'", Kind.FLOAT, "-Infinity"),
    ("double precision", "0.1::float8 + 0.2::float8", Kind.FLOAT, 0.30000000000000004),
    ("numeric", "'NaN'", Kind.DECIMAL, "NaN"),
    ("numeric", "'Infinity'", Kind.DECIMAL, "Infinity"),
    ("numeric(40,10)", "123456789012345678901234567890.0123456789", Kind.DECIMAL,
     "123456789012345678901234567890.0123456789"),
    ("character(4)", "'ab'", Kind.TEXT, "ab  "),
    ("character varying(9)", "'Wärme ☀'", Kind.TEXT, "Wärme ☀"),
    ("text", "E'a\\tb\\nc\\\\'", Kind.TEXT, "a\tb\nc\\"),
    ("bytea", "'\\xdeadbeef'", Kind.BINARY, "3q2+7w=="),
    ("date", "'0044-03-15 BC'", Kind.DATE, "0044-03-15 BC"),
    ("date", "'infinity'", Kind.DATE, "infinity"),
    ("time without time zone", "'24:00:00'", Kind.TIME, "24:00:00"),
    ("time with time zone", "'09:30:00.000001+02'", Kind.TIME, "09:30:00.000001+02"),
    ("timestamp without time zone", "'294246-12-31 23:59:59.999999'", Kind.TIMESTAMP,
     "294246-12-31 23:59:59.999999"),
    ("timestamp with time zone", "'2026-11-24 09:30:00.25+02'", Kind.TIMESTAMPTZ,
     "2026-11-24 07:30:00.25+00"),
    ("interval", "'1 year 2 mons 3 days 04:05:06.789'", Kind.INTERVAL, "P1Y2M3DT4H5M6.789S"),
    ("json", "'{\"a\":  1}'", Kind.JSON, '{"a":  1}'),
    ("jsonb", "'{\"a\":1}'", Kind.JSON, '{"a": 1}'),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", Kind.UUID,
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("integer[]", "'{1,NULL,3}'", Kind.OTHER, "{1,NULL,3}"),
    ("int4range", "'[1,5)'", Kind.OTHER, "[1,5)"),
    ("inet", "'10.0.0.1/8'", Kind.OTHER, "10.0.0.1/8"),
    ("bit varying(8)", "B'1010'", Kind.OTHER, "1010"),
    ("mood", "'sad'", Kind.OTHER, "sad"),
    ("positive", "5", Kind.INTEGER, 5),
    ("short", "'x'", Kind.TEXT, "x"),
]  # fmt: skip


def test_values_of_every_kind(case):
    columns = ", ".join(f"c{number} {each[0]}" for number, each in enumerate(VALUES))
    case.run(
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        "CREATE DOMAIN word AS text", "CREATE DOMAIN short AS word CHECK (length(VALUE) < 3)",
        f"CREATE TABLE v (id int PRIMARY KEY, {columns})",
    )  # fmt: skip
    case.begin("v")
    case.run(f"INSERT INTO v VALUES (1, {', '.join(each[1] for each in VALUES)})",
             "INSERT INTO v (id) VALUES (2)")  # fmt: skip
    full, empty = changes(case, 2)
    found = [
        (column.type, column.kind, value)
        for column, value in zip(full.relation.columns[1:], full.after[1:], strict=True)
    ]
    assert found == [(type_, kind, value) for type_, _, kind, value in VALUES]
    assert [type(a) for a in full.after[1:]] == [type(each[3]) for each in VALUES]
    assert set(empty.after[1:]) == {None}


def test_an_enum_that_is_changed_and_a_type_that_is_gone(case):
    case.run("CREATE TYPE mood AS ENUM ('sad')", "CREATE TABLE v (id int PRIMARY KEY, m mood)")
    case.begin("v")
    case.run("INSERT INTO v VALUES (1, 'sad')", "ALTER TYPE mood ADD VALUE 'glad'",
             "INSERT INTO v VALUES (2, 'glad')", "ALTER TABLE v DROP COLUMN m",
             "DROP TYPE mood")  # fmt: skip
    first, second = changes(case, 2)
    assert (first.after, second.after) == ((1, "sad"), (2, "glad"))
    assert first.relation.columns[1].type == "mood"  # the catalog has forgotten it
