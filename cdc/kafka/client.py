"""The settings that every client of Kafka's has in common: where the brokers are, and who asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

from cdc.config.model import Kafka

_QUIET = "CONFWARN"
"""The library's remarks about settings that are chosen on purpose."""

logger = logging.getLogger(__name__)
"""What the library has to say: lost connections and the like. It names brokers, no passwords."""
logger.addFilter(lambda record: _QUIET not in record.getMessage())


def settings(kafka: Kafka, on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """What a client needs to connect.

    `on_error` is told what concerns no single call, such as brokers that cannot be reached. It is
    called from within the client's own `poll`.
    """
    common: dict[str, Any] = {
        "bootstrap.servers": ",".join(kafka.brokers),
        "client.id": "strangler",
        "error_cb": on_error,
        "logger": logger,
        "security.protocol": _protocol(kafka),
        # A broker that comes back is noticed within a second, not after ten.
        "reconnect.backoff.max.ms": 1000,
        "socket.nagle.disable": True,
    }
    if kafka.ca is not None:
        common["ssl.ca.location"] = kafka.ca
    if kafka.username is not None:
        common |= _login(kafka)
    return common


def brokers(kafka: Kafka) -> str:
    """Where Kafka is, for a sentence."""
    return ", ".join(kafka.brokers)


def _encrypted(kafka: Kafka) -> bool:
    return kafka.tls or kafka.ca is not None


def _protocol(kafka: Kafka) -> str:
    transport = "ssl" if _encrypted(kafka) else "plaintext"
    return transport if kafka.username is None else f"sasl_{transport}"


def _login(kafka: Kafka) -> dict[str, str]:
    """Under TLS the mechanism that every broker has; without it the password must not be sent."""
    return {
        "sasl.mechanism": "PLAIN" if _encrypted(kafka) else "SCRAM-SHA-512",
        "sasl.username": kafka.username or "",
        "sasl.password": kafka.password or "",
    }
