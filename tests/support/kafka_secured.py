"""Apache Kafka that asks who is there: one node with TLS, SASL and client certificates."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cdc.config.model import Kafka
from cdc.kafka import apache
from support.authority import Authority, Identity
from support.databases import did_not_start, folder
from support.kafka import QUICKLY, ApacheKafka, free_port

USER, PASSWORD = "relay", "hunter2-of-the-relay"
PLAIN_ONLY, PLAIN_PASSWORD = "plain", "hunter2-in-plain"
LISTENERS = {
    "SCRAM": "SASL_SSL",
    "CLEAR": "SASL_PLAINTEXT",
    "MUTUAL": "SSL",
    "EXPIRED": "SSL",
    "OTHER": "SSL",
}
"""What stands on a port each, and Kafka's protocol of it."""


class SecuredKafka(ApacheKafka):
    """One node that also has the listeners above; the tests' own clients come in unasked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 1)
        self._heap_mb = 256
        self._ports = {name: free_port() for name in LISTENERS}
        self.authority = Authority(path / "certificates")
        self.stranger = Authority(path / "certificates", "stranger")
        """An authority that the node does not trust, nor anybody who trusts the node's."""
        self._server = self.authority.identity("server", "127.0.0.1", "localhost")
        self._expired = self.authority.identity("old-server", "127.0.0.1", expired=True)
        self._other = self.authority.identity("other-server", "other.test")

    def at(self, listener: str, **more: object) -> Kafka:
        """The settings of a stream that connects to a listener."""
        return Kafka((f"127.0.0.1:{self._ports[listener]}",), **more)

    def _format(self, node: apache.Node) -> None:
        node.folder.mkdir(parents=True)
        said = apache.settings(node, self.nodes) + self._secured(node)
        node.properties.write_text(said)
        users = [
            f"{mechanism}=[name={USER},password={PASSWORD}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        command = apache.format_command(node)
        for user in users:
            command += ["--add-scram", user]
        done = subprocess.run(command, capture_output=True, text=True, env=QUICKLY)
        if done.returncode:
            did_not_start(f"Kafka's storage cannot be prepared:\n{done.stdout}{done.stderr}")

    def _secured(self, node: apache.Node) -> str:
        """Settings that stand below the common ones, as the last of a name counts."""
        ours = ",".join(f"{name}://127.0.0.1:{port}" for name, port in self._ports.items())
        plain = f"PLAINTEXT://127.0.0.1:{node.port},{ours}"
        known = {"CONTROLLER": "PLAINTEXT", "PLAINTEXT": "PLAINTEXT", **LISTENERS}
        protocols = ",".join(f"{name}:{protocol}" for name, protocol in known.items())
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        login = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
            f' user_{PLAIN_ONLY}="{PLAIN_PASSWORD}";'
        )
        lines = {
            "listeners": f"{plain},CONTROLLER://127.0.0.1:{node.controller_port}",
            "advertised.listeners": plain,
            "listener.security.protocol.map": protocols,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._server.both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "listener.name.mutual.ssl.client.auth": "required",
            **_keystore("expired", self._expired),
            **_keystore("other", self._other),
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
            "listener.name.scram.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.scram.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.scram.plain.sasl.jaas.config": login,
            "listener.name.clear.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.clear.scram-sha-512.sasl.jaas.config": scram,
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


def _keystore(listener: str, identity: Identity) -> dict[str, str]:
    begins = f"listener.name.{listener}.ssl.keystore"
    return {f"{begins}.type": "PEM", f"{begins}.location": identity.both}


@contextlib.contextmanager
def secured_kafka() -> Iterator[SecuredKafka]:
    """A node that is up."""
    with folder("secured") as path:
        cluster = SecuredKafka(path)
        try:
            cluster.start()
            yield cluster
        except apache.NotAvailableError as error:
            did_not_start(str(error))
        finally:
            cluster.close()
