"""Keys of types that one does not think of: by chunks, by the log, and looked up again."""

from __future__ import annotations

from contextlib import closing

import pytest

from cdc.sources.postgres import PostgresControl

KEYS = {
    "enum": ("mood", ["'sad'", "'ok'", "'a'", "'great'"]),
    "domain": ("positive", ["7", "1", "100"]),
    "char": ("char(5)", ["'ab'", "''", "'b'", "'ab c'"]),
    "float": ("float8", ["'NaN'", "'-Infinity'", "-0.5", "0.1", "1e300"]),
    "inet": ("inet", ["'10.0.0.2'", "'10.0.0.1/8'", "'::1'"]),
    "time": ("time", ["'24:00:00'", "'00:00:00'", "'09:30:00.000001'"]),
    "timetz": ("timetz", ["'24:00:00-15:59'", "'10:00:00.000001+02'", "'09:00:00+00'"]),
    "range": ("int4range", ["'[1,5)'", "'empty'", "'(,)'", "'[2,3)'"]),
    "array": ("text[]", ["'{}'", "'{a,NULL}'", "'{b}'", "'{\"a,b\"}'"]),
    "bits": ("varbit", ["B'1'", "B'01'", "B''"]),
    "date": ("date", ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"]),
    "jsonb": ("jsonb", ["'1'", "'{\"a\": 1}'", "'[]'", "'null'"]),
    "one_char": ('"char"', ["'x'", "'y'"]),
    "money": ("money", ["'1'", "'-2.50'"]),
}


@pytest.mark.parametrize("of", KEYS)
def test_rows_of_odd_keys_are_found_in_pages_in_the_log_and_again(newest_case, of):
    case = newest_case
    declared, literals = KEYS[of]
    case.run(
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'a', 'great')",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        f"CREATE TABLE item (v int, id {declared} PRIMARY KEY)",
        *(f"INSERT INTO item VALUES ({n}, {literal})" for n, literal in enumerate(literals)),
    )
    case.begin("item")
    with closing(PostgresControl(case.stream)) as control:
        relation = control.relation("item")
        whole = control.chunk(relation, None, 100).rows
        assert sorted(row[0] for row in whole) == list(range(len(literals)))
        rows, after = [], None
        while chunk := control.chunk(relation, after, 1).rows:
            rows += chunk
            after = (chunk[-1][1],)
            assert len(rows) <= len(literals)
        assert rows == whole
        for row in whole:
            assert control.rows(relation, [(row[1],)]).rows == [row]
    case.run("UPDATE item SET v = v + 10", "DELETE FROM item")
    (_, changed, _), (_, deleted, _) = case.commits(2)
    assert {(each.after[1], each.after[0] - 10) for each in changed} == {(k, v) for v, k in whole}
    assert {each.before[1] for each in deleted} == {row[1] for row in whole}
