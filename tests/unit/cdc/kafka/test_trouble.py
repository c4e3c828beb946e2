"""What the library says of its connections, and what becomes of it. The texts are its own."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from cdc.config.model import Kafka, Sasl
from cdc.kafka.errors import is_permanent
from cdc.kafka.trouble import explained

KAFKA = Kafka(
    ca="/etc/ca.pem", username="relay", password="hunter2", sasl=Sasl.SCRAM_SHA_512
)  # fmt: skip
AT = "sasl_ssl://127.0.0.1:45515/bootstrap: "
AFTER = " (after 360ms in state AUTH_REQ)"


def told(code, said, kafka=KAFKA):
    return explained(kafka, KafkaError(code, f"{AT}{said}{AFTER}"))


def test_a_refused_login_names_the_user_and_the_mechanism_and_never_the_password():
    error = told(
        KafkaError._AUTHENTICATION,
        "SASL authentication error: Authentication failed: Invalid username or password",
    )
    assert is_permanent(error)
    assert error.str() == (
        "the broker refuses the user relay with SCRAM-SHA-512:"
        " Authentication failed: Invalid username or password"
    )


def test_a_mechanism_that_the_broker_lacks_is_told_with_those_that_it_has():
    error = told(
        KafkaError._AUTHENTICATION,
        "SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism:"
        " broker's supported mechanisms: SCRAM-SHA-256,PLAIN",
    )
    assert error.code() == KafkaError.UNSUPPORTED_SASL_MECHANISM
    assert is_permanent(error)
    assert error.str() == (
        "the broker does not take the user relay with SCRAM-SHA-512, only SCRAM-SHA-256,PLAIN"
    )


def test_a_broker_that_goes_away_in_the_middle_of_a_login_refuses_nobody():
    error = told(
        KafkaError._AUTHENTICATION,
        "SASL SCRAM-SHA-512 mechanism handshake failed: Local: Broker transport failure:"
        " broker's supported mechanisms: (n/a)",
    )
    assert error.code() == KafkaError._TRANSPORT
    assert not is_permanent(error)


@pytest.mark.parametrize(
    ("kafka", "trusted"),
    [(KAFKA, "the authorities in /etc/ca.pem"), (Kafka(tls=True), "the system's authorities")],
)
def test_a_brokers_certificate_that_is_none_to_trust(kafka, trusted):
    error = told(
        KafkaError._SSL,
        "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker"
        " certificate could not be verified",
        kafka,
    )
    assert is_permanent(error)
    assert trusted in error.str()


@pytest.mark.parametrize(
    "alert",
    [
        "ssl/tls alert bad certificate: SSL alert number 42",
        "ssl/tls alert certificate unknown: SSL alert number 46",
        "tlsv1 alert unknown ca: SSL alert number 48",
        "tlsv13 alert certificate required: SSL alert number 116",
    ],
)
def test_a_clients_certificate_that_the_broker_does_not_take(alert):
    said = f"Receive failed: error:0A000412:SSL routines::{alert}"
    without = told(KafkaError._TRANSPORT, said, Kafka(tls=True))
    assert "wants a client's certificate" in without.str()
    given = told(KafkaError._TRANSPORT, said, Kafka(certificate="/etc/client.pem", key="k"))
    assert "refuses the client's certificate /etc/client.pem" in given.str()
    assert is_permanent(without)
    assert is_permanent(given)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (KafkaError._TRANSPORT, "Connect to ipv4#127.0.0.1:1 failed: Connection refused"),
        (KafkaError._TRANSPORT, "SSL handshake failed: Disconnected: connecting to a PLAINTEXT"),
        (KafkaError._RESOLVE, "Failed to resolve"),
    ],
)
def test_what_may_mend_stays_what_it_is(code, said):
    error = told(code, said)
    assert (error.code(), is_permanent(error)) == (code, False)
    assert said in error.str()


def test_that_all_brokers_are_down_adds_nothing():
    assert told(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down") is None
