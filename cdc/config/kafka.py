"""How to get to Kafka: `sync.NAME.kafka`, with what belongs together in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cdc.config.model import Kafka, Sasl
from cdc.config.shapes import BROKERS, LINE, PASSWORD
from strangler.kit.nodes import Node, walk
from strangler.kit.reader import Reader
from strangler.kit.records import Field, Record
from strangler.kit.scalars import BOOL, choice


class _KafkaRecord(Record[Kafka]):
    """Settings that make sense together."""

    def read(self, node: Node, reader: Reader) -> Kafka | None:
        """Where the topics are, and how to get there."""
        errors = reader.errors
        said = self.values(node, reader)
        if said is None:
            return None
        for place, message in (*_contradictions(said, node), *_halves(node)):
            reader.error(place, message)
        return None if reader.errors > errors else Kafka(**said)


_HALVES: Final = (
    ("username", "password", 'add `password: "${KAFKA_PASSWORD}"`'),
    ("password", "username", "add it"),
    ("certificate", "key", "add the file of its private key"),
    ("key", "certificate", "add the file of the certificate that it belongs to"),
    ("sasl", "username", "add it, with its password"),
)
"""A key, what it is worth nothing without, and what to do."""


def _halves(node: Node) -> Iterator[tuple[Node, str]]:
    for key, other, remedy in _HALVES:
        if _has(node, key) and not _has(node, other):
            yield walk(node, key), f"a `{key}` needs a `{other}`: {remedy}"


def _contradictions(said: Mapping[str, Any], node: Node) -> Iterator[tuple[Node, str]]:
    for key in ("ca", "certificate"):
        if key in said and said.get("tls") is False:
            yield walk(node, "tls"), f"`{key}` is for TLS: write `tls: true`, or remove `{key}`"
    if said.get("sasl") is Sasl.PLAIN and not Kafka(**said).encrypted and not _unread(said, node):
        yield (
            walk(node, "sasl"),
            "`PLAIN` would send the password in the clear: add `tls: true`, or write"
            " `sasl: SCRAM-SHA-512`",
        )


def _unread(said: Mapping[str, Any], node: Node) -> bool:
    """Whether what TLS hangs on is there, but so wrong that it cannot be told."""
    return any(_has(node, key) and key not in said for key in ("tls", "ca", "certificate"))


def _has(node: Node, key: str) -> bool:
    return walk(node, key) is not node


KAFKA: Final = _KafkaRecord(
    "`kafka`",
    [
        Field("brokers", BROKERS, "host:port of brokers to begin with. Default 127.0.0.1:9092."),
        Field("tls", BOOL, "Whether connections are encrypted. Default: with a file of TLS's."),
        Field("ca", LINE, "PEM file with the authorities to trust. Default: the system's."),
        Field("certificate", LINE, "PEM file with the client's certificate. Default: none."),
        Field("key", LINE, "PEM file with the certificate's private key."),
        Field("username", LINE, "For SASL. Default: none."),
        Field("password", PASSWORD, "As ${NAME}."),
        Field("sasl", choice(Sasl), "How the password is proved. Default: PLAIN under TLS."),
    ],
    Kafka,
)
