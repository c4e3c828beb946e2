"""What the library reports of its connections, put so that the reason can be told and judged.

Three of its habits are undone here. After each reason it adds that all brokers are down, which says
less. A connection that breaks in the middle of SASL's first exchange it calls a refused login, and
a broker that refuses a certificate a broken connection: the first heals by itself, the second does
not. And what it says names its own settings, not those of the route table.
"""

from __future__ import annotations

import re
from typing import Final

from confluent_kafka import KafkaError

from cdc.config.model import Kafka

# ruff: noqa: SLF001 - the library names its own errors with a `_`
_REFUSED: Final = re.compile(r"alert (?:[a-z ]*certificate[a-z ]*|unknown ca)\b")
"""TLS 1.3's way to say no to a client: after the handshake, when the first answer is read."""
_WHERE: Final = re.compile(r"^[a-z_]+://\S+: |SASL authentication error: | \(after \d+ms in .*\)$")
_BROKEN: Final = ("transport failure", "Disconnected")
_UNSUPPORTED: Final = "Unsupported SASL mechanism"


def explained(kafka: Kafka, error: KafkaError) -> KafkaError | None:
    """The error as it is to be told; None for one that adds nothing to what was told before."""
    said = _WHERE.sub("", error.str())
    match error.code():
        case KafkaError._ALL_BROKERS_DOWN:
            return None
        case KafkaError._AUTHENTICATION:
            return _login(kafka, said)
        case KafkaError._SSL if "verify failed" in said:
            return KafkaError(KafkaError._SSL, _distrusted(kafka))
        case KafkaError._TRANSPORT if found := _REFUSED.search(said):
            return KafkaError(KafkaError._SSL, _unwelcome(kafka, found[0]))
    return error


def _login(kafka: Kafka, said: str) -> KafkaError:
    if any(each in said for each in _BROKEN):
        return KafkaError(KafkaError._TRANSPORT, said)
    who = f"the user {kafka.username} with {kafka.mechanism}"
    if _UNSUPPORTED in said:
        known = said.rpartition(": ")[2]
        reason = f"the broker does not take {who}, only {known}"
        return KafkaError(KafkaError.UNSUPPORTED_SASL_MECHANISM, reason)
    return KafkaError(KafkaError._AUTHENTICATION, f"the broker refuses {who}: {said}")


def _distrusted(kafka: Kafka) -> str:
    trusted = "the system's authorities" if kafka.ca is None else f"the authorities in {kafka.ca}"
    return (
        f"the broker's certificate is none to trust: none of {trusted} has signed it, or it is for"
        " another host, or has expired"
    )


def _unwelcome(kafka: Kafka, alert: str) -> str:
    if kafka.certificate is None:
        return f"the broker wants a client's certificate ({alert})"
    return f"the broker refuses the client's certificate {kafka.certificate} ({alert})"
