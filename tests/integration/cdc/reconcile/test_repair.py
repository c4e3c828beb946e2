"""What differs is sent again through the pipe; a probe is followed through it."""

import pytest

from cdc.reconcile.desk import Options
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.probe import probe
from cdc.reconcile.repair import repair, repair_all
from cdc.reconcile.report import Outcome
from cdc.reconcile.verify import verify

PAIRS = [("postgres", "postgres"), ("mariadb", "postgres"), ("postgres", "sqlite"),
         ("sqlite", "mariadb")]  # fmt: skip


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_all_differences_of_a_report_are_repaired(pipe, source, target):
    p = pipe(source, target, "t", "n")
    p.both("CREATE TABLE t (id bigint PRIMARY KEY, a varchar(50))",
           "CREATE TABLE n (a decimal(10,2), b int, v int, PRIMARY KEY (a, b))")  # fmt: skip
    for number in range(20):
        p.source(f"INSERT INTO t VALUES ({number}, 'x')")
        p.source(f"INSERT INTO n VALUES ({number}.50, {number}, 1)")
    p.start()
    p.target("UPDATE t SET a = 'y' WHERE id = 3", "DELETE FROM t WHERE id = 4",
             "INSERT INTO t VALUES (100, 'z')", "UPDATE n SET v = 2 WHERE b = 7",
             "DELETE FROM n WHERE b = 8", "INSERT INTO n VALUES (9.25, 9, 9)")  # fmt: skip
    report = verify(p.stream)
    assert sum(t.missing + t.extra + t.different for t in report.tables) == 6, report.to_json()
    dry = list(repair_all(p.stream, report, dry_run=True))
    assert [(each.sent, each.deleted) for each in dry] == [(2, 1), (2, 1)]
    assert verify(p.stream).outcome is Outcome.DIFFERENT, "a dry run changes nothing"
    done = list(repair_all(p.stream, report))
    assert [each.outcome for each in done] == [Outcome.EQUAL, Outcome.EQUAL], done
    final = verify(p.stream)
    assert final.outcome is Outcome.EQUAL, final.to_json()


def test_a_key_of_another_shape_is_refused(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id bigint PRIMARY KEY, a varchar(50))")
    p.start()
    with pytest.raises(ReconcileError, match="1 values: id"):
        repair(p.stream, "t", [(1, 2)])
    with pytest.raises(ReconcileError, match="no table other"):
        repair(p.stream, "other", [(1,)])


def test_a_probe_comes_through_or_says_where_it_got_stuck(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id bigint PRIMARY KEY, a varchar(50))")
    p.start()
    through = probe(p.stream)
    assert through.through, through
    stages = (through.written, through.relayed, through.read, through.applied)
    assert all(stage is not None for stage in stages)
    assert through.partitions == 2
    p.stop("applier")
    stuck = probe(p.stream, within=3.0)
    assert stuck.relayed is not None
    assert stuck.read is None
    assert "no applier" in stuck.stuck
    unknown = verify(p.stream, options=Options(barrier_within=1.0))
    assert unknown.outcome is Outcome.UNKNOWN
    assert unknown.exit_code == 3
    assert "no applier" in unknown.reason
    p.stop("relay")
    stuck = probe(p.stream, within=2.0)
    assert stuck.relayed is None
    assert "the relay of" in stuck.stuck
    held = probe(p.stream, within=1.0, relay=lambda: {"dead_keys": 2})
    assert "2 keys have dead letters" in held.stuck
