"""An applier that is killed again and again, in the middle of its batches."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from support import killed_applier

ROWS = 20_000
KILLS = 5
WITHIN = 60.0
HITS = """
    CREATE TABLE hits (id bigint, n int);
    CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO hits VALUES (NEW.id, 1); RETURN NEW; END $$;
    CREATE TRIGGER hit AFTER INSERT OR UPDATE ON review FOR EACH ROW EXECUTE FUNCTION hit()"""


@pytest.fixture
def start(pg):
    started = []

    def run():
        script = Path(killed_applier.__file__)
        command = [sys.executable, str(script), pg, str(ROWS)]
        started.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=script.parents[2],
                             env={"PYTHONPATH": str(script.parents[2])})
        )  # fmt: skip
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def until(connection, count, process):
    deadline = time.monotonic() + WITHIN
    while connection.execute("SELECT count(*) FROM review").fetchone()[0] < count:
        assert process.poll() is None, "the applier has ended by itself"
        assert time.monotonic() < deadline, "the applier does not get on"
        time.sleep(0.005)


def test_a_killed_applier_has_applied_each_change_once(pg, start):
    with psycopg.connect(pg, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE review (id bigint PRIMARY KEY, title text NOT NULL, stars int)"
        )
        connection.execute(HITS)
        for kill in range(1, KILLS + 1):
            process = start()
            until(connection, kill * ROWS // (KILLS + 2), process)
            process.kill()
            process.wait()
        until(connection, ROWS, start())
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM hits").fetchone() == (
            ROWS,
            ROWS,
        )
        assert connection.execute("SELECT sum(next_offset) FROM strangler_applied").fetchone() >= (
            ROWS,
        )
