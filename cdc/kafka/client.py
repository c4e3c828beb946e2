"""The settings that every client of Kafka's has in common: where the brokers are, and who asks."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from cdc.config.model import Kafka
from cdc.kafka.trouble import explained

T = TypeVar("T")
_QUIET = "CONFWARN"
"""The library's remarks about settings that are chosen on purpose."""
_FILE_FAILED = re.compile(r"ssl\.(ca|certificate|key)\.location failed: (?:.*:)?(.*)")

logger = logging.getLogger(__name__)
"""What the library has to say: lost connections and the like. It names brokers, no passwords."""
logger.addHandler(logging.NullHandler())  # silent where nobody has asked for logs
logger.addFilter(lambda record: _QUIET not in record.getMessage())


def settings(kafka: Kafka, on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """What a client needs to connect.

    `on_error` is told what concerns no single call, such as brokers that cannot be reached. It is
    called from within the client's own `poll`.
    """
    common: dict[str, Any] = {
        "bootstrap.servers": ",".join(kafka.brokers),
        "client.id": "strangler",
        "error_cb": partial(_tell, kafka, on_error),
        "logger": logger,
        "security.protocol": _protocol(kafka),
        # A broker that comes back is noticed within a second, not after ten.
        "reconnect.backoff.max.ms": 1000,
        "socket.nagle.disable": True,
    }
    common |= {f"ssl.{key}.location": path for key, path in _files(kafka)}
    if kafka.mechanism is not None:
        common |= _login(kafka)
    return common


def made(kind: Callable[[dict[str, Any]], T], kafka: Kafka, given: dict[str, Any]) -> T:
    """A client with these settings.

    Raises `KafkaException` that says which file cannot be used: the library tells it in words of
    OpenSSL's.
    """
    for key, path in _files(kafka):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise _unusable(f"`{key}`, {path}: {error.strerror}") from error
    try:
        return kind(given)
    except KafkaException as error:
        raise _unusable(_in_our_words(kafka, error.args[0].str())) from error


def brokers(kafka: Kafka) -> str:
    """Where Kafka is, for a sentence."""
    return ", ".join(kafka.brokers)


def _unusable(said: str) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._INVALID_ARG, said))  # noqa: SLF001 - its own name


def _in_our_words(kafka: Kafka, said: str) -> str:
    found = _FILE_FAILED.search(said)
    return f"`{found[1]}`, {getattr(kafka, found[1])}: {found[2]}" if found else said


def _tell(kafka: Kafka, on_error: Callable[[KafkaError], None], error: KafkaError) -> None:
    told = explained(kafka, error)
    if told is not None:
        on_error(told)


def _files(kafka: Kafka) -> Iterator[tuple[str, str]]:
    """The files, each under the key of the route table, which is also in the library's name."""
    for key in ("ca", "certificate", "key"):
        path: str | None = getattr(kafka, key)
        if path is not None:
            yield key, path


def _protocol(kafka: Kafka) -> str:
    transport = "ssl" if kafka.encrypted else "plaintext"
    return transport if kafka.username is None else f"sasl_{transport}"


def _login(kafka: Kafka) -> dict[str, str]:
    return {
        "sasl.mechanism": str(kafka.mechanism),
        "sasl.username": kafka.username or "",
        "sasl.password": kafka.password or "",
    }
