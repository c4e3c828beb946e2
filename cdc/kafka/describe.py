"""Which topics are there: the first question to a Kafka, so the one that finds the door shut."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs forget to export them
    AdminClient,
    TopicDescription,
)

from cdc.kafka.errors import is_permanent

# ruff: noqa: SLF001 - the library names its own errors with a `_`
_ROUND: Final = 0.1
"""Seconds of one wait, so that a refusal is noticed in a long one."""
_UNKNOWN: Final = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)  # fmt: skip


def describe(
    admin: AdminClient,
    names: Iterable[str],
    trouble: Callable[[], KafkaError | None],
    within: float,
) -> Mapping[str, TopicDescription]:
    """Those of the topics that are there.

    `trouble` is what the client's `on_error` was told last. Where it says that trying again is of
    no use it is raised at once: the library goes on trying, and in the end says only that it had
    no answer. Raises `KafkaException`.
    """
    found = {}
    asked = admin.describe_topics(TopicCollection(list(names)), request_timeout=within)
    for name, answer in asked.items():
        try:
            found[name] = _answer(admin, answer, trouble, 2 * within)
        except KafkaException as error:
            if error.args[0].code() not in _UNKNOWN:
                raise
    return found


def _answer(
    admin: AdminClient,
    answer: Future[TopicDescription],
    trouble: Callable[[], KafkaError | None],
    within: float,
) -> TopicDescription:
    deadline = time.monotonic() + within
    while True:
        try:
            return answer.result(_ROUND)
        except TimeoutError:
            if time.monotonic() >= deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None
        except KafkaException as error:
            if error.args[0].code() in _UNKNOWN or not _refused(admin, trouble):
                raise
        if said := _refused(admin, trouble):
            raise KafkaException(said)


def _refused(admin: AdminClient, trouble: Callable[[], KafkaError | None]) -> KafkaError | None:
    admin.poll(0)  # it is told only here
    said = trouble()
    return said if said is not None and is_permanent(said) else None
