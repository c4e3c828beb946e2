"""Debezium as its users run it: Kafka Connect with its PostgreSQL connector, tuned for speed.

Connect runs standalone and stays up between the rounds, so that its JVM is warm; the connector is
stopped and resumed by Connect's REST interface. What is not set here is as it comes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.processes import Child, StartError, free_port
from bench.relay.rows import TABLE
from bench.relay.servers import launch
from bench.relay.topics import Topic, wait_until

VERSION = "3.6.3.Final"
CONNECT = "4.1.0"
HEAP = "-Xmx2g"
TUNED = {"max.batch.size": "8192", "max.queue.size": "32768", "poll.interval.ms": "10"}
NAME = "debezium"
_FETCH_WITHIN = 600.0
_PARTS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "connect": (
        ("org.apache.kafka", "connect-runtime", CONNECT),
        ("org.apache.kafka", "connect-json", CONNECT),
        ("org.slf4j", "slf4j-simple", "1.7.36"),
    ),
    "plugins/postgres": (("io.debezium", "debezium-connector-postgres", VERSION),),
}
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>strangler</groupId><artifactId>peer</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>{}</dependencies></project>
"""
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)


@dataclass(slots=True)
class Debezium:
    """One Connect process with one connector."""

    broker: str
    source: str
    folder: Path
    name: str = NAME
    child: Child | None = field(default=None, init=False)

    @property
    def topic(self) -> Topic:
        return Topic(self.broker, f"{NAME}.public.{TABLE}", committed=False)

    @staticmethod
    def absent() -> str | None:
        """Why it cannot be started here; None if it can."""
        missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
        return f"not installed: {', '.join(missing)}" if missing else None

    @staticmethod
    def version() -> str:
        settings = ", ".join(f"{name}={value}" for name, value in TUNED.items())
        return f"Debezium {VERSION} on Kafka Connect {CONNECT}, {HEAP}, {settings}"

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """Connect, with the connector stopped at the end of the log as it is now."""
        self.folder.mkdir()
        self.topic.make()
        with psycopg.connect(self.source, autocommit=True) as connection:
            connection.execute(f"CREATE PUBLICATION {NAME} FOR TABLE {TABLE}".encode())
        libraries, port = fetched(), free_port()
        worker = self._file("connect", _worker(self.broker, port, self.folder, libraries))
        connector = self._file("connector", self._connector())
        command = [
            "java", HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp", f"{libraries}/connect/*",
            "org.apache.kafka.connect.cli.ConnectStandalone", worker, connector,
        ]  # fmt: skip
        with launch(NAME, command, self.folder, port) as self.child:
            self._wait_for("RUNNING")
            wait_until(self._slot, "Debezium's slot")
            self._ask("PUT", "stop")
            self._wait_for("STOPPED")
            yield

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Connect's process id while the connector is resumed."""
        assert self.child is not None
        self._ask("PUT", "resume")
        yield self.child.pid
        self._ask("PUT", "stop")
        self._wait_for("STOPPED")

    def _slot(self) -> bool:
        query = f"SELECT FROM pg_replication_slots WHERE slot_name = '{NAME}' AND active"
        with psycopg.connect(self.source) as connection:
            return connection.execute(query.encode()).fetchone() is not None

    def _wait_for(self, state: str) -> None:
        def there() -> bool:
            assert self.child is not None
            if self.child.process.poll() is not None:
                raise StartError(f"Connect ended: {self.child.last_words()}")
            try:
                status = self._ask("GET", "status")
            except (HTTPError, URLError, ConnectionError):  # it is not there yet
                return False
            if any(task["state"] == "FAILED" for task in status["tasks"]):
                raise StartError(f"Debezium failed: {status['tasks'][0].get('trace', '')[:500]}")
            tasks = state == "STOPPED" or bool(status["tasks"])
            return tasks and status["connector"]["state"] == state

        wait_until(there, f"Debezium is {state}", 90.0)

    def _ask(self, method: str, what: str) -> dict[str, object]:
        assert self.child is not None
        url = f"http://127.0.0.1:{self.child.port}/connectors/{NAME}/{what}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as got:
            answer = got.read()
        return json.loads(answer) if answer else {}

    def _file(self, name: str, properties: Mapping[str, object]) -> Path:
        path = self.folder / f"{name}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        return path

    def _connector(self) -> dict[str, object]:
        place = conninfo_to_dict(self.source)
        return {
            "name": NAME,
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "tasks.max": 1,
            "database.hostname": place["host"],
            "database.port": place["port"],
            "database.user": place["user"],
            "database.password": "none",
            "database.dbname": place["dbname"],
            "plugin.name": "pgoutput",
            "slot.name": NAME,
            "publication.name": NAME,
            "publication.autocreate.mode": "disabled",
            "table.include.list": f"public.{TABLE}",
            "topic.prefix": NAME,
            "snapshot.mode": "no_data",
            # As ours writes them: lossless.
            "decimal.handling.mode": "string",
            "tombstones.on.delete": "false",
            **TUNED,
        }


def fetched() -> Path:
    """The folder with Connect's and the connector's files, fetched once. Raises StartError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strangler"
    folder = cache / f"debezium-{VERSION}-{CONNECT}"
    cache.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache) as work:
                for name, artifacts in _PARTS.items():
                    _fetch(Path(work), Path(work) / "all" / name, artifacts)
                (Path(work) / "all").rename(folder)
    return folder


def _fetch(work: Path, folder: Path, artifacts: Sequence[tuple[str, str, str]]) -> None:
    pom = work / "pom.xml"
    pom.write_text(_POM.format("".join(_DEPENDENCY.format(*each) for each in artifacts)))
    command = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_FETCH_WITHIN, check=False
    )
    if done.returncode:
        raise StartError(f"Maven cannot fetch Debezium: {done.stdout[-500:]}")


def _worker(broker: str, port: int, folder: Path, libraries: Path) -> dict[str, object]:
    converters = {
        f"{what}.converter{more}": value
        for what in ("key", "value")
        for more, value in (
            ("", "org.apache.kafka.connect.json.JsonConverter"),
            (".schemas.enable", "false"),
        )
    }
    return {
        "bootstrap.servers": broker,
        **converters,
        "offset.storage.file.filename": folder / "offsets",
        "plugin.path": libraries / "plugins",
        "listeners": f"http://127.0.0.1:{port}",
    }
