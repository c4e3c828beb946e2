"""The first question to a Kafka: what it answers, and what is told of one that does not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from cdc.kafka.describe import describe

REFUSED = KafkaError(KafkaError._AUTHENTICATION, "the broker refuses the user")
AWAY = KafkaError(KafkaError._TRANSPORT, "Connection refused")


class Admin:
    """Answers as it is told: a description, an error, or nothing at all."""

    def __init__(self, **answers) -> None:
        self._answers, self.polls = answers, 0

    def describe_topics(self, topics, request_timeout):
        found = {}
        for name, answer in self._answers.items():
            found[name] = future = Future()
            if isinstance(answer, KafkaError):
                future.set_exception(KafkaException(answer))
            elif answer is not None:
                future.set_result(answer)
        return found

    def poll(self, timeout):
        self.polls += 1


def ask(admin, said=None, within=5.0):
    return describe(admin, ["t"], lambda: said if admin.polls else None, within)


def code(raised):
    return raised.value.args[0].code()


def test_topics_that_are_not_there_are_left_out():
    topic = SimpleNamespace(topic_id="x")
    missing = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert ask(Admin(t=topic, u=missing)) == {"t": topic}


def test_a_refusal_is_told_at_once_and_not_when_the_time_is_up():
    began = time.monotonic()
    with pytest.raises(KafkaException) as raised:
        ask(Admin(t=None), REFUSED)
    assert code(raised) == KafkaError._AUTHENTICATION
    assert time.monotonic() - began < 4.0


def test_a_refusal_says_more_than_that_there_was_no_connection():
    with pytest.raises(KafkaException) as raised:
        ask(Admin(t=AWAY), REFUSED)
    assert code(raised) == KafkaError._AUTHENTICATION


def test_a_topic_that_is_not_there_was_answered_whatever_was_told_before():
    assert ask(Admin(t=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), REFUSED) == {}


def test_what_may_mend_is_waited_for():
    answers = Future()
    admin = Admin()
    admin.describe_topics = lambda _topics, request_timeout: {"t": answers}
    threading.Timer(0.3, answers.set_result, ["there"]).start()
    assert ask(admin, AWAY) == {"t": "there"}


def test_a_broker_that_says_nothing_is_not_waited_for_for_ever():
    with pytest.raises(KafkaException) as raised:
        ask(Admin(t=None), AWAY, within=0.1)
    assert code(raised) == KafkaError._TIMED_OUT
