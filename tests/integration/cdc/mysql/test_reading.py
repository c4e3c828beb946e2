"""Transactions of a real MariaDB, read through the child process."""

import socket
import time
from urllib.parse import quote

import psutil
import pytest
from support.mariadb import binlog_mariadb

from cdc.change import Begin, Change, Commit
from cdc.relay.ports import SourceError
from cdc.sources.mysql import MysqlSource
from tests.integration.cdc.mysql.reading import readers, rows, stream, transactions


def test_a_transaction_is_read_with_its_limits_and_its_rows(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))")
    start = case.source.start(None)
    case.run("BEGIN", "INSERT INTO t VALUES (1, 'a'), (2, NULL)", "UPDATE t SET name = 'b'",
             "DELETE FROM t WHERE id = 2", "COMMIT")  # fmt: skip
    events = case.commits()
    assert [type(event) for event in events] == [Begin, *[Change] * 5, Commit]
    assert rows(events) == [
        ("c", None, (1, "a")),
        ("c", None, (2, None)),
        ("u", (1, "a"), (1, "b")),
        ("u", (2, None), (2, "b")),
        ("d", (2, "b"), None),
    ]
    ((begin, changes, commit),) = transactions(events)
    assert start <= begin.position < commit.resume
    assert begin.xid == commit.gtid
    assert begin.origin is None
    columns = changes[0].relation.columns
    assert [(c.name, c.kind, c.type, c.key) for c in columns] == [
        ("id", "integer", "int", True),
        ("name", "text", "varchar(20)", False),
    ]


def test_a_server_is_read_over_tcp_with_a_password_that_nobody_sees(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--skip-networking=OFF", f"--port={port}", "--bind-address=127.0.0.1")
    secret = "p@ss:w/ord%"
    with binlog_mariadb(*options) as server:
        server.run(
            "CREATE TABLE t (id INT PRIMARY KEY)",
            f"CREATE USER 'r d'@'127.0.0.1' IDENTIFIED BY '{secret}'",
            "GRANT ALL ON *.* TO 'r d'@'127.0.0.1'",
        )
        url = f"mariadb+pymysql://r%20d:{quote(secret, safe='')}@127.0.0.1:{port}/shop"
        wrong = MysqlSource(stream(url.replace("w%2Ford", "nope"), "t"), tmp_path)
        with pytest.raises(SourceError, match="Access denied") as raised:
            wrong.start(None)
        assert not raised.value.temporary
        assert "nope" not in str(raised.value)
        source = MysqlSource(stream(url, "t"), tmp_path)
        source.start(None)
        try:
            server.run("INSERT INTO t VALUES (7)")
            deadline, events = time.monotonic() + 30, []
            while not rows(events):
                assert time.monotonic() < deadline
                events += source.read(0.5)
            assert rows(events) == [("c", None, (7,))]
            shown = [
                [*child.cmdline(), *child.environ().values()] for child in readers(psutil.Process())
            ]
            assert shown
            assert all(secret not in said for process in shown for said in process)
        finally:
            source.close()
