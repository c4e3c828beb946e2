"""PostgreSQL over TLS: the replication connection, the control sessions and the target."""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from support.authority import Authority
from support.databases import debian_postgres, folder, logical_postgres
from support.kafka import tansu
from support.pipes import Pipe, assert_equal, until

from cdc.relay.ports import SourceError
from cdc.sources import open_control, open_source

TABLE = "CREATE TABLE review (id int PRIMARY KEY, body text)"
HBA = """
hostssl all certified 127.0.0.1/32 cert
hostssl all postgres 127.0.0.1/32 trust
hostnossl all all all reject
"""


class Secured:
    """Debian's PostgreSQL 15, which takes no session without TLS, and its authority."""

    def __init__(self, path: Path) -> None:
        self.authority = Authority(path)
        self.stranger = Authority(path, "stranger")
        self.client = self.authority.identity("certified", "client.test")
        Path(self.client.key).chmod(0o600)  # libpq takes no other
        identity = self.authority.identity("server", "127.0.0.1")
        hba = path / "hba.conf"
        hba.write_text(HBA)
        if os.geteuid() == 0:
            shutil.chown(identity.key, pwd.getpwnam("nobody").pw_uid)
        Path(identity.key).chmod(0o600)
        self.settings = (
            f"ssl = on\nssl_cert_file = '{identity.certificate}'\nssl_key_file = '{identity.key}'\n"
            f"ssl_ca_file = '{self.authority.file}'\nhba_file = '{hba}'\n"
        )
        self.cluster = None

    def database(self, name: str) -> None:
        self.cluster.create(name)
        with self.session(name) as session:
            session.execute(TABLE)

    def session(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.cluster.url(name), autocommit=True)

    def url(self, name: str, *, user="postgres", host="127.0.0.1", ca=None, more="") -> str:
        tls = f"sslmode=verify-full&sslrootcert={ca or self.authority.file}{more}"
        return f"postgresql://{user}@{host}:{self.cluster.port}/{name}?{tls}"


@pytest.fixture(scope="module")
def server():
    with folder("tls") as path:
        path.chmod(0o755)
        secured = Secured(path)
        with logical_postgres(debian_postgres(15), secured.settings) as cluster:
            secured.cluster = cluster
            for name in ("old", "new"):
                secured.database(name)
            with secured.session("old") as session:
                session.execute("CREATE ROLE certified SUPERUSER LOGIN")
            yield secured


@pytest.fixture(scope="module")
def broker():
    with tansu() as address:
        yield address


@pytest.fixture(params=["trusted", "certified"])
def pipe(request, server, broker, tmp_path):
    """A stream from the old database to the new one, with a client's certificate and without."""
    more = {}
    if request.param == "certified":
        files = f"&sslcert={server.client.certificate}&sslkey={server.client.key}"
        more = {"user": "certified", "more": files}
    for name in ("old", "new"):
        with server.session(name) as session:
            session.execute("TRUNCATE review")
    made = Pipe(
        tmp_path, broker, server.url("old", **more), ["review"], target=server.url("new", **more)
    )
    yield made
    with closing(open_source(made.stream, tmp_path / "spill")) as source:
        source.release()


def test_a_stream_goes_from_end_to_end(server, pipe):
    """With rows that are longer than TLS's records, of which libpq may keep a part for itself."""
    with pipe.relaying(), pipe.applying(), server.session("old") as session:
        for number in range(40):
            row = (number, os.urandom(1500 * number).hex())
            session.execute("INSERT INTO review VALUES (%s, %s)", row)
        query = "SELECT count(*) FROM review"
        with server.session("new") as new:
            until(lambda: new.execute(query).fetchone() == (40,), "the copy")
        assert_equal(pipe)
        sessions = session.execute(
            "SELECT backend_type, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
            " WHERE application_name LIKE 'strangler%'"
        ).fetchall()
    assert {kind for kind, _ in sessions} == {"walsender", "client backend"}
    assert all(encrypted for _, encrypted in sessions)


def test_the_command_relays_over_tls(server, pipe):
    with pipe.process("run", pipe.stream.name), server.session("old") as session:
        until(lambda: "relay_started" in pipe.log("run"), "a relay that runs")
        session.execute("INSERT INTO review VALUES (1, 'first')")
        assert_equal(pipe)


@pytest.mark.parametrize("wrong", ["authority", "host", "file"])
def test_a_server_that_cannot_be_trusted_is_not_read(server, broker, tmp_path, wrong):
    url, said = {
        "authority": (server.url("old", ca=server.stranger.file), "certificate verify failed"),
        "host": (server.url("old", host="localhost"), "does not match host name"),
        "file": (server.url("old", ca="/no/ca.pem"), "/no/ca.pem"),
    }[wrong]
    good = Pipe(tmp_path, broker, server.url("old"), ["review"])
    stream = good.with_(source=url).stream
    source = open_source(stream, tmp_path / "spill")
    with pytest.raises(SourceError, match=said), closing(source):
        source.identity()
    with pytest.raises(SourceError, match=said), closing(open_control(stream)) as control:
        control.mark(stream.name, "barrier", "{}")
