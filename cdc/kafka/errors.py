"""What an error of the client's means: try again, stop, or give way."""

# ruff: noqa: SLF001 - the library names its own errors, as against the broker's, with a `_`

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from cdc.applier.ports import ReaderError as ReaderError  # noqa: PLC0414 - for who reads
from cdc.relay.ports import SinkError

_FENCED = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
)
"""Always final: whoever tried again would in turn fence the relay that has taken over."""
_REMEDIES = {
    KafkaError._AUTHENTICATION: "check `username`, `password` and `sasl` under `kafka:`",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "write one that it takes as `sasl` under `kafka:`",
    KafkaError._SSL: "check `ca`, `certificate` and `key` under `kafka:`",
    KafkaError._INVALID_ARG: "check what stands under `kafka:`",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check `username` and `password` under `kafka:`",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant the user Describe, Create and Write on it",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant the user IdempotentWrite on the cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        "grant the user Describe and Write on the transactional id, which is the stream's name"
    ),
    KafkaError.INVALID_TRANSACTION_TIMEOUT: (
        "raise the broker's transaction.max.timeout.ms to 60000 at least"
    ),
    KafkaError._UNSUPPORTED_FEATURE: "use a broker of Apache Kafka 2.5 or later",
    KafkaError.UNSUPPORTED_VERSION: "use a broker of Apache Kafka 2.5 or later",
}
"""Errors that trying again does not mend, and what does."""


CLIENT_ERRORS = (KafkaException, SystemError)
"""What a call that serves callbacks may raise. The library raises a fatal error from there, and
Python makes a `SystemError` of it if a callback is called on the way out."""


def reason_of(error: BaseException) -> KafkaError:
    """What the library raises is a wrapping of what it reports."""
    while not isinstance(error, KafkaException):
        if error.__cause__ is None:
            raise error
        error = error.__cause__
    reason: KafkaError = error.args[0]
    return reason


def is_permanent(error: KafkaError) -> bool:
    """Whether trying again is of no use."""
    return error.code() in _REMEDIES or error.code() in _FENCED


def sink_error(what: str, error: KafkaError, stream: str) -> SinkError:
    """The relay's error for one of the client's; `what` failed, a clause."""
    code = error.code()
    if code in _FENCED:
        return SinkError(
            f"Kafka takes nothing more from this relay of the stream {stream}: another one has"
            " started since, or this one stood still for longer than a transaction may take",
            temporary=False,
            fenced=True,
        )
    return SinkError(_text(what, error), temporary=code not in _REMEDIES)


def reader_error(what: str, error: KafkaException) -> ReaderError:
    """The reader's error for one of the client's; `what` could not be read."""
    reason = reason_of(error)
    if reason.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
        return ReaderError(
            f"{what}: the log does not have the offset that comes next ({reason.str()}):"
            " what was there has been deleted, or it is another topic than before",
            temporary=False,
            gone=True,
        )
    return ReaderError(_text(what, reason), temporary=not is_permanent(reason))


def _text(what: str, error: KafkaError) -> str:
    text, remedy = f"{what}: {error.str()} ({error.name()})", _REMEDIES.get(error.code())
    return f"{text}; {remedy}" if remedy else text
