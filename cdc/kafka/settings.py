"""What every client of Kafka here is told, and what its errors mean to us."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from cdc.config.model import Kafka
from cdc.relay.ports import SinkError

_LIBRARY = logging.getLogger("cdc.kafka")


def client(kafka: Kafka) -> dict[str, Any]:
    """The settings of one connection. Secrets are in it: never log it."""
    settings: dict[str, Any] = {
        "bootstrap.servers": ",".join(kafka.brokers),
        "client.id": "strangler",
        "logger": _LIBRARY,
        "log.connection.close": False,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2_000,
    }
    if kafka.tls or kafka.ca:
        settings["security.protocol"] = "SASL_SSL" if kafka.username else "SSL"
        if kafka.ca:
            settings["ssl.ca.location"] = kafka.ca
    elif kafka.username:
        settings["security.protocol"] = "SASL_PLAINTEXT"
    if kafka.username:
        settings |= {
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": kafka.username,
            "sasl.password": kafka.password or "",
        }
    return settings


def sink_error(error: KafkaError | KafkaException) -> SinkError:
    """A client's error as ours. Temporary: another session with a new producer may go on."""
    told = error.args[0] if isinstance(error, KafkaException) else error
    code = told.code()
    fenced = code in {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001
    if fenced:
        return SinkError(
            "another relay of this stream has taken over (Kafka fenced this one)",
            temporary=False,
            fenced=True,
        )
    return SinkError(f"Kafka: {told.str()} ({told.name()})", temporary=code not in _FOR_GOOD)


_FOR_GOOD = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_VERSION,
}
