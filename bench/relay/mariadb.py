"""A MariaDB source: the same rows out of a binlog in row format."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql

from bench.processes import StartError
from bench.relay.rows import TABLE
from bench.relay.servers import START_LIMIT, launch

CREATE = f"""
CREATE TABLE {TABLE} (
    id bigint PRIMARY KEY, user_id integer, product_id bigint, rating smallint,
    title varchar(80), body text, price numeric(12, 2), created_at datetime(6),
    verified smallint, extra text)
"""
_INSERT = """
INSERT INTO {table} SELECT seq, seq % 1000, seq * 7, seq % 5, concat('Review ', seq),
    repeat(md5(seq), 3), (seq % 10000) / 100.0,
    '2026-11-24 09:30:00' + INTERVAL seq * 1001 MICROSECOND, seq % 2, concat('{{"a": ', seq, '}}')
FROM seq_{first}_to_{last}
"""
_SELECT = f"""
SELECT id, user_id, product_id, rating, title, body, cast(price AS char),
       date_format(created_at, '%%Y-%%m-%%d %%H:%%i:%%s.%%f'), verified, extra
FROM {TABLE} WHERE id >= %s ORDER BY id
"""
_OPTIONS = (
    "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL", "--innodb-flush-method=nosync", "--skip-networking",
)  # fmt: skip


class MariaDb:
    """A running server with an empty database `shop`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    @property
    def url(self) -> str:
        return f"mysql://root@{quote(str(self._socket), safe='')}/shop"

    def connect(self, database: str | None = "shop") -> pymysql.Connection[Any]:
        return pymysql.connect(unix_socket=str(self._socket), user="root", database=database)

    def insert(self, first: int, rows: int, commit: int) -> None:
        """Write rows, so many to a commit."""
        with self.connect() as session, session.cursor() as cursor:
            for begin in range(first, first + rows, commit):
                cursor.execute(_INSERT.format(table=TABLE, first=begin, last=begin + commit - 1))
                session.commit()

    def rows(self, first: int) -> Iterator[Sequence[Any]]:
        """Those from this id on, in the order of `checksum.COLUMNS`."""
        with self.connect() as session, session.cursor() as cursor:
            cursor.execute(_SELECT, (first,))
            yield from cursor.fetchall()


def absent() -> str | None:
    """Why there is none here; None if there is."""
    missing = [name for name in ("mariadb-install-db", "mariadbd") if _program(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[MariaDb]:
    """Its server, with the table. Raises StartError."""
    home = folder / "mariadb"
    (home / "tmp").mkdir(parents=True)
    common = ["--no-defaults", f"--datadir={home / 'data'}", f"--tmpdir={home / 'tmp'}"]
    common += ["--user=root"] if os.geteuid() == 0 else []
    install = [str(_program("mariadb-install-db")), *common, "--skip-test-db",
               "--auth-root-authentication-method=normal"]  # fmt: skip
    done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise StartError(f"MariaDB: {done.stdout[-300:]}{done.stderr[-300:]}")
    socket = home / "socket"
    command = [str(_program("mariadbd")), *common, *_OPTIONS, f"--socket={socket}"]
    with launch("mariadb", command, folder):
        server = MariaDb(socket)
        _create(server)
        yield server


def _create(server: MariaDb) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            session = server.connect(None)
        except pymysql.OperationalError as error:
            if time.monotonic() > deadline:
                raise StartError(f"MariaDB does not start: {error}") from error
            time.sleep(0.1)
        else:
            break
    with session, session.cursor() as cursor:
        for statement in ("CREATE DATABASE shop CHARACTER SET utf8mb4", "USE shop", CREATE):
            cursor.execute(statement)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
