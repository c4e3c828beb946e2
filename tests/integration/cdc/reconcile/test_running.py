"""Rows that are on their way are no differences; what is wrong is found while writers run."""

import itertools
import random
import threading

import pytest
from support.kafka import until

from cdc.reconcile.desk import Options
from cdc.reconcile.repair import repair_all
from cdc.reconcile.report import Outcome
from cdc.reconcile.verify import verify
from tests.integration.cdc.reconcile.pipes import engine_of, run

ROUNDS = 8


class Writer:
    """Writes as fast as it can: new rows, changes, deletions, and rows that flip to and fro."""

    def __init__(self, url, seed):
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, args=(url,), daemon=True)
        self.written = 0
        self.failure = None
        self._thread.start()

    def _write(self, url):
        engine = engine_of(url)
        try:
            for number in itertools.count(10_000):
                if self._stop.is_set():
                    return
                run(engine, self._statements(number), {})
                self.written += 1
                self._stop.wait(0.002)
        except Exception as error:  # noqa: BLE001 - told by the test
            self.failure = error
        finally:
            engine.dispose()

    def _statements(self, number):
        some = self._random.randrange(1, 500)
        flip = self._random.randrange(501, 505)
        yield f"INSERT INTO t VALUES ({number}, 'new', 0)"
        yield f"UPDATE t SET a = 'v{number}' WHERE id = {some}"
        yield f"UPDATE t SET n = 1 - n WHERE id = {flip}"
        if number % 3 == 0:
            yield f"DELETE FROM t WHERE id = {number - self._random.randrange(1, 50)}"

    def stop(self):
        self._stop.set()
        self._thread.join(30)
        assert self.failure is None, self.failure


@pytest.fixture
def writer():
    made = []

    def make(pipe, seed=0):
        made.append(Writer(pipe.stream.source, seed))
        until(lambda: made[-1].written > 20 or made[-1].failure, "the writer's first rows")
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.mark.parametrize(
    ("source", "target"),
    [("postgres", "postgres"), ("mariadb", "postgres"), ("postgres", "sqlite")],
)  # fmt: skip
def test_a_writer_causes_no_false_alarm_and_hides_nothing(pipe, writer, source, target):
    p = pipe(source, target, "t")
    p.both("CREATE TABLE t (id bigint PRIMARY KEY, a varchar(50), n int)")
    p.source(*(f"INSERT INTO t VALUES ({i}, 'x', 0)" for i in range(1, 1000)))
    p.start()
    wrote = writer(p)
    options = Options(range_rows=300, rounds=60)
    for _ in range(ROUNDS):
        before = wrote.written
        report = verify(p.stream, options=options)
        assert report.outcome is Outcome.EQUAL, report.to_json()
        assert wrote.written > before, "the writer stood still"
    p.target("UPDATE t SET a = 'planted' WHERE id = 600", "DELETE FROM t WHERE id = 999",
             "INSERT INTO t VALUES (5000, 'planted', 0)")  # fmt: skip
    report = verify(p.stream, options=options)
    assert {(d.kind.value, d.key) for d in report.tables[0].differences} == {
        ("different", (600,)), ("missing", (999,)), ("extra", (5000,)),
    }  # fmt: skip
    assert report.tables[0].unsettled == 0
    [done] = repair_all(p.stream, report, options=options)
    assert done.outcome is Outcome.EQUAL, done
    final = verify(p.stream, options=options)
    assert final.outcome is Outcome.EQUAL, final.to_json()
