"""Servers that ask who is there: Apache Kafka, PostgreSQL and MariaDB with TLS."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from support.kafka_secured import PASSWORD, secured_kafka
from support.pipes import Pipe

SECRET = "KAFKA_PASSWORD"


class SecuredPipe(Pipe):
    """A stream whose route table says how to get to Kafka, with the password in the environment."""

    def routes(self):
        path = super().routes()
        given, kafka = json.loads(path.read_text()), self.stream.kafka
        said = {
            "brokers": list(kafka.brokers), "ca": kafka.ca, "certificate": kafka.certificate,
            "key": kafka.key, "username": kafka.username,
            "password": f"${{{SECRET}}}" if kafka.password else None,
            "sasl": kafka.sasl and kafka.sasl.value,
        }  # fmt: skip
        given["sync"][self.stream.name]["kafka"] = {k: v for k, v in said.items() if v is not None}
        path.write_text(json.dumps(given))
        return path

    def environment(self, **more):
        return super().environment(**{SECRET: self.stream.kafka.password or PASSWORD} | more)


@pytest.fixture(scope="session")
def kafka():
    with secured_kafka() as node:
        yield node


@pytest.fixture
def shop(tmp_path):
    """Two files with a table; the old one holds two rows."""
    for name in ("old", "new"):
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite3")) as file, file:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("CREATE TABLE review (id INTEGER PRIMARY KEY, body TEXT)")
            if name == "old":
                file.execute("INSERT INTO review VALUES (1, 'first'), (2, 'second')")
    return tmp_path


@pytest.fixture
def pipe(shop):
    """Makes a stream between the files: `pipe(kafka.at(…))`."""

    def make(settings):
        urls = [f"sqlite:///{shop / name}.sqlite3" for name in ("old", "new")]
        made = SecuredPipe(shop, settings.brokers[0], urls[0], ["review"], target=urls[1])
        return made.with_(kafka=settings)

    return make


@pytest.fixture
def rows(shop):
    """Reads a file's rows: `rows("new")`."""

    def read(name):
        with closing(sqlite3.connect(shop / f"{name}.sqlite3")) as file:
            return file.execute("SELECT * FROM review ORDER BY id").fetchall()

    return read


@pytest.fixture
def write(shop):
    """Writes a row to the old file."""

    def run(number, body):
        with closing(sqlite3.connect(shop / "old.sqlite3", timeout=10)) as file, file:
            file.execute("INSERT INTO review VALUES (?, ?)", (number, body))

    return run
