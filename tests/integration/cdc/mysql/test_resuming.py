"""Going on after a stop: at every commit, over rotated, purged and vanished binlogs."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from support.mariadb import binlog_mariadb

from cdc.change import Begin, Change, Commit
from cdc.relay.ports import SourceError
from tests.integration.cdc.mysql.reading import DEADLINE, Case, readers, rows, transactions


def test_after_every_commit_reading_goes_on_with_the_next_transaction(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    resume = case.source.start(None)
    for i in range(6):
        case.run("BEGIN", f"INSERT INTO t VALUES ({2 * i}, 0), ({2 * i + 1}, 0)",
                 f"UPDATE t SET v = {i} WHERE id = {2 * i}", "COMMIT")  # fmt: skip
    all_of_it = transactions(case.commits(6))
    places = [resume, *(commit.resume for _, _, commit in all_of_it)]
    assert places == sorted(set(places))
    for done, place in enumerate(places[:-1]):
        case.again(place)
        rest = transactions(case.commits(6 - done))
        assert [(b.position, c.resume) for b, _, c in rest] == [
            (b.position, c.resume) for b, _, c in all_of_it[done:]
        ]
        assert [rows(changes) for _, changes, _ in rest] == [
            rows(changes) for _, changes, _ in all_of_it[done:]
        ]


def test_reading_goes_over_rotated_binlogs(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)")
    resume = case.source.start(None)
    case.run("INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (2)",
             "FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (3)")  # fmt: skip
    first = transactions(case.commits(3))
    assert [changes[0].after for _, changes, _ in first] == [(1,), (2,), (3,)]
    positions = [begin.position for begin, _, _ in first]
    assert positions == sorted(positions)
    case.again(resume)
    assert transactions(case.commits(3)) != []
    case.again(first[0][2].resume)
    assert transactions(case.commits(2))[0][1][0].after == (2,)
    assert case.source.text(first[2][0].position).startswith("binlog.")


def test_a_purged_binlog_is_refused_with_what_was_lost(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)")
    resume = case.source.start(None)
    case.source.close()
    case.run("INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS")
    last = case.run("SHOW MASTER STATUS")[0][0]
    # The server keeps what the reader was reading until it notices that the reader has gone.
    deadline = time.monotonic() + DEADLINE
    while len(case.run(f"PURGE BINARY LOGS TO '{last}'", "SHOW BINARY LOGS")) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with pytest.raises(SourceError, match=r"no longer on the server.*resnapshot") as raised:
        case.again(resume)
    assert not raised.value.temporary


def test_a_binlog_that_is_shorter_than_it_was_is_refused(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)")
    end = case.source.start(None)
    case.source.close()
    with pytest.raises(SourceError, match="restored") as raised:
        case.again(end + 100_000)
    assert not raised.value.temporary


def test_a_killed_reader_is_a_temporary_error_and_nothing_is_lost(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)")
    case.source.start(None)
    case.run("INSERT INTO t VALUES (1)")
    ((_, _, commit),) = transactions(case.commits(1))
    (child,) = readers(psutil.Process())
    child.kill()
    case.run("INSERT INTO t VALUES (2)")
    with pytest.raises(SourceError, match="signal 9") as raised:
        case.until(lambda _: False)
    assert raised.value.temporary
    case.again(commit.resume)
    assert case.changes(1)[0].after == (2,)


def test_the_reader_ends_with_its_parent(server, tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tests.integration.cdc.mysql.reading import Case\n"
        "from types import SimpleNamespace as N\n"
        f"case = Case(N(url=lambda name: {server.url('shop')!r}), 'shop', Path('.'))\n"
        "case.source.start(None); print('started', flush=True); time.sleep(60)\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout.readline() == b"started\n"
        (child,) = readers(psutil.Process(parent.pid))
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
    child.wait(10)


def test_a_server_that_restarts_is_a_temporary_error(tmp_path):
    with binlog_mariadb() as server, Case(server, "shop", tmp_path) as case:
        case.run("CREATE TABLE t (id INT PRIMARY KEY)")
        resume = case.source.start(None)
        case.run("INSERT INTO t VALUES (1)")
        case.commits(1)
        server.kill()
        with pytest.raises(SourceError) as raised:
            case.until(lambda _: False)
        assert raised.value.temporary
        with pytest.raises(SourceError) as raised:
            case.again(resume)
        assert raised.value.temporary
        server.start()
        case.run("INSERT INTO t VALUES (2)")
        case.again(resume)
        assert [change.after for change in case.changes(2)] == [(1,), (2,)]


def test_silence_is_told_from_a_dead_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("cdc.sources.mysql.source.HEARTBEAT", 0.5)
    with binlog_mariadb() as server, Case(server, "shop", tmp_path) as case:
        case.run("CREATE TABLE t (id INT PRIMARY KEY)")
        case.source.start(None)
        assert not [e for e in case.source.read(3.0) if type(e) is Change]  # six heartbeats
        case.run("INSERT INTO t VALUES (1)")
        case.commits(1)
        server.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(SourceError) as raised:
                case.until(lambda _: False)
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert raised.value.temporary


def test_a_change_does_not_wait_for_other_tables_to_be_still(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE other (id INT PRIMARY KEY)")
    resume = case.source.start(None)
    case.source.close()
    many = "FOR i IN 1..10000 DO INSERT INTO other VALUES (i); END FOR;"
    case.run("INSERT INTO t VALUES (1)", f"BEGIN NOT ATOMIC {many} END")
    end = case.run("SHOW MASTER STATUS")[0][1]
    case.again(resume)
    deadline, batch = time.monotonic() + DEADLINE, []
    while not any(type(event) is Commit for event in batch):
        assert time.monotonic() < deadline
        batch = case.source.read(0.5)
    assert all(getattr(event, "resume", 0) & 0xFFFFFFFF < end for event in batch)


def test_an_idle_table_lets_the_position_advance(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE other (id INT PRIMARY KEY)")
    start = case.source.start(None)
    case.run("INSERT INTO other VALUES (1)")
    end = case.run("SHOW MASTER STATUS")[0]
    events = case.until(lambda es: any(getattr(e, "resume", 0) & 0xFFFFFFFF >= end[1] for e in es))
    assert not [event for event in events if isinstance(event, Begin | Change | Commit)]
    assert events[-1].resume > start


def test_a_reader_that_is_killed_again_and_again_loses_and_doubles_nothing(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200))")
    resume = case.source.start(None)
    count, of = 200, 5
    done, deadline, kills = [], time.monotonic() + 2 * DEADLINE, 0

    def write():
        for i in range(count):
            while i * of > len(done) + 100 and time.monotonic() < deadline:
                time.sleep(0.001)  # what a reader sent before it was killed is read all the same
            values = ", ".join(f"({i * of + j}, REPEAT('x', 200))" for j in range(of))
            case.run(f"INSERT INTO t VALUES {values}")

    writer = threading.Thread(target=write)
    writer.start()
    begun, failures = None, []
    while len(done) < count * of:
        assert time.monotonic() < deadline, (len(done), kills)
        try:
            for event in case.source.read(0.2):
                if type(event) is Begin:
                    begun = []
                elif type(event) is Change:
                    begun.append(event.after[0])
                elif type(event) is Commit:
                    done, resume = done + begun, event.resume
            for reader in readers(psutil.Process()) if len(done) // 150 > kills else []:
                kills += 1
                reader.kill()
        except SourceError as error:
            failures.append(error)
            case.again(resume)
    writer.join()
    assert all(error.temporary for error in failures)
    assert done == list(range(count * of))
    assert kills >= 3
