"""A MariaDB server that writes a binlog in row format: the real one, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pymysql
import pytest
from pymysql.constants import CLIENT

from support.databases import START_WITHIN, _listens, _program, _run, did_not_start, folder

SETTINGS = (
    "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL", "--innodb-flush-method=nosync", "--skip-networking",
    "--innodb-buffer-pool-size=64M", "--max-connections=50",
)  # fmt: skip


class Server:
    """One server; `restart` with other settings, `kill` as a crash would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process: subprocess.Popen | None = None
        # A server that starts removes temporary tables from its folder, also those of others.
        temporary = path / "tmp"
        temporary.mkdir()
        self.common = ["--no-defaults", f"--datadir={path / 'data'}", f"--tmpdir={temporary}"]
        self.common += ["--skip-name-resolve"]
        self.common += ["--user=root"] if os.geteuid() == 0 else []

    @property
    def socket(self) -> Path:
        return self.path / "socket"

    def url(self, database: str = "shop", user: str = "root") -> str:
        return f"mysql://{user}@{quote(str(self.socket), safe='')}/{database}"

    def start(self, *more: str) -> None:
        options = [f"--socket={self.socket}", *SETTINGS, *more]
        with (self.path / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program("mariadbd"), *self.common, *options], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_WITHIN
        while not _listens(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                did_not_start(f"MariaDB does not start:\n{(self.path / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self.socket.unlink(missing_ok=True)

    def connect(self, database: str | None = "shop", **more) -> pymysql.Connection:
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS, charset="utf8mb4", ssl_disabled=True, **more,
        )  # fmt: skip

    def run(self, *statements: str, database: str | None = "shop") -> list[tuple]:
        """Run statements in one session; the rows of the last."""
        with self.connect(database) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


@contextlib.contextmanager
def binlog_mariadb(*options: str) -> Iterator[Server]:
    """A server with a binlog and an empty database `shop`, on a Unix socket only."""
    if not (_program("mariadb-install-db") and _program("mariadbd")):
        pytest.skip("MariaDB's mariadbd is not installed (Debian's package mariadb-server)")
    with folder("binlog") as path:
        server = Server(path)
        _run(
            [
                _program("mariadb-install-db"), *server.common,
                "--auth-root-authentication-method=normal", "--skip-test-db",
            ]
        )  # fmt: skip
        server.start(*options)
        server.run("CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4", database=None)
        try:
            yield server
        finally:
            server.stop()


def fresh(server: Server, name: str) -> str:
    """URL of a new, empty database."""
    server.run(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4", database=None)
    return server.url(name)
