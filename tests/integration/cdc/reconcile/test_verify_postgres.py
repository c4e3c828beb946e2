"""Two PostgreSQL databases are compared while a relay and an applier run."""

from cdc.reconcile.report import Lack, Outcome
from cdc.reconcile.verify import verify

T = "CREATE TABLE t (id bigint PRIMARY KEY, a text, b numeric)"


def test_a_copy_is_equal_and_what_is_planted_is_named(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both(T)
    p.source("INSERT INTO t SELECT i, 'text ' || i, i * 1.50 FROM generate_series(1, 3000) i")
    p.start()
    report = verify(p.stream)
    assert report.outcome is Outcome.EQUAL, report
    assert report.tables[0].source_rows == report.tables[0].target_rows == 3000
    p.target(
        "UPDATE t SET a = a || ' ' WHERE id = 7", "DELETE FROM t WHERE id = 1",
        "DELETE FROM t WHERE id = 3000", "INSERT INTO t VALUES (3001, 'extra', NULL)",
    )  # fmt: skip
    report = verify(p.stream)
    assert report.outcome is Outcome.DIFFERENT
    found = {(d.kind, d.key, d.columns) for d in report.tables[0].differences}
    assert found == {
        (Lack.DIFFERENT, (7,), ("a",)),
        (Lack.MISSING, (1,), ()),
        (Lack.MISSING, (3000,), ()),
        (Lack.EXTRA, (3001,), ()),
    }
