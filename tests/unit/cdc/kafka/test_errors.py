"""Each of the client's errors means one thing to the relay."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from cdc.kafka.errors import is_permanent, reader_error, reason_of, sink_error


@pytest.mark.parametrize(
    "code", [KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH]
)
def test_who_was_replaced_gives_way_for_good(code):
    error = sink_error("it failed", KafkaError(code), "orders")
    assert (error.fenced, error.temporary) == (True, False)
    assert "orders" in str(error)


@pytest.mark.parametrize(
    "code", [KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._GAPLESS_GUARANTEE]
)
def test_most_errors_may_mend(code):
    error = sink_error("it failed", KafkaError(code), "orders")
    assert (error.fenced, error.temporary) == (False, True)
    assert str(error).startswith("it failed: ")


def test_a_missing_right_is_permanent_and_names_its_remedy():
    reason = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    error = sink_error("it failed", reason, "orders")
    assert is_permanent(reason)
    assert not error.temporary
    assert "grant" in str(error)
    assert not reader_error("orders/0", KafkaException(reason)).temporary


@pytest.mark.parametrize("code", [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE])
def test_an_offset_that_is_not_there_is_gone(code):
    error = reader_error("orders/0", KafkaException(KafkaError(code)))
    assert (error.gone, error.temporary) == (True, False)
    assert str(error).startswith("orders/0: ")


def test_the_reason_is_found_below_what_a_callback_made_of_it():
    outer = SystemError("returned a result with an exception set")
    outer.__cause__ = KafkaException(KafkaError(KafkaError._GAPLESS_GUARANTEE))
    assert reason_of(outer).code() == KafkaError._GAPLESS_GUARANTEE
    with pytest.raises(SystemError, match="of its own"):
        reason_of(SystemError("of its own"))
