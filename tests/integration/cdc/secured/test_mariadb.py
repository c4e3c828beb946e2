"""MariaDB over TLS: the binlog's connection, the control sessions and the target."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy.exc import OperationalError
from support.authority import Authority
from support.databases import folder, free_port
from support.kafka import tansu
from support.mariadb import binlog_mariadb, fresh
from support.pipes import Pipe, assert_equal, until

from cdc.applier.targets import open_target
from cdc.relay.ports import SourceError
from cdc.sources import open_control

TABLE = "CREATE TABLE review (id int PRIMARY KEY, body mediumtext) CHARACTER SET utf8mb4"


class Secured:
    """A server on a port where everybody must use TLS, and its authority."""

    def __init__(self, path) -> None:
        self.authority = Authority(path)
        self.stranger = Authority(path, "stranger")
        self._identity = self.authority.identity("server", "127.0.0.1")
        self.port = free_port()
        self.maria = None

    @property
    def options(self) -> list[str]:
        return [
            "--skip-networking=0", "--bind-address=127.0.0.1", f"--port={self.port}",
            f"--ssl-ca={self.authority.file}", f"--ssl-cert={self._identity.certificate}",
            f"--ssl-key={self._identity.key}", "--require-secure-transport=ON",
        ]  # fmt: skip

    def url(self, name: str, host: str = "127.0.0.1", ca: str | None = None) -> str:
        file = ca or self.authority.file
        return f"mysql://relay@{host}:{self.port}/{name}?ssl_ca={file}"


@pytest.fixture(scope="module")
def server():
    with folder("tls") as path:
        secured = Secured(path)
        with binlog_mariadb(*secured.options) as maria:
            secured.maria = maria
            maria.run(
                "CREATE USER relay@'%' REQUIRE SSL", "GRANT ALL ON *.* TO relay@'%'",
                database=None,
            )  # fmt: skip
            for name in ("old", "new"):
                fresh(maria, name)
                maria.run(TABLE, database=name)
            yield secured


@pytest.fixture(scope="module")
def broker():
    with tansu() as address:
        yield address


def test_a_stream_goes_from_end_to_end(server, broker, tmp_path):
    pipe = Pipe(
        tmp_path, broker, server.url("old"), ["review"], target=server.url("new")
    )  # fmt: skip
    maria = server.maria
    with pipe.relaying(), pipe.applying():
        for number in range(20):
            maria.run(f"INSERT INTO review VALUES ({number}, repeat('x', {3000 * number}))",
                      database="old")  # fmt: skip
        query = "SELECT count(*) FROM review"
        until(lambda: maria.run(query, database="new") == [(20,)], "the copy")
        assert_equal(pipe)
        sessions = maria.run("SHOW STATUS LIKE 'Ssl_accepts'", database=None)
    assert int(sessions[0][1]) >= 3


@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_server_that_cannot_be_trusted_gets_no_password(server, broker, tmp_path, wrong):
    url = {
        "authority": server.url("old", ca=server.stranger.file),
        "host": server.url("old", host="localhost"),
    }[wrong]
    stream = Pipe(tmp_path, broker, server.url("old"), ["review"]).with_(source=url).stream
    said = "certificate verify failed"
    with pytest.raises(SourceError, match=said), closing(open_control(stream)) as control:
        control.mark(stream.name, "barrier", "{}")
    engine = open_target(url, "s").engine
    with pytest.raises(OperationalError, match=said), engine.connect():
        pass
