"""How a stream's settings of Kafka become the client's."""

from __future__ import annotations

import pytest

from cdc.config.model import Kafka
from cdc.kafka.client import brokers, settings


def ignore(_error):
    pass


@pytest.mark.parametrize(
    ("kafka", "protocol"),
    [
        (Kafka(), "plaintext"),
        (Kafka(tls=True), "ssl"),
        (Kafka(ca="ca.pem"), "ssl"),
        (Kafka(username="u", password="p"), "sasl_plaintext"),
        (Kafka(tls=True, username="u", password="p"), "sasl_ssl"),
    ],
)
def test_the_protocol(kafka, protocol):
    assert settings(kafka, ignore)["security.protocol"] == protocol


def test_every_broker_is_told():
    kafka = Kafka(("one:9092", "two:9092"))
    assert settings(kafka, ignore)["bootstrap.servers"] == "one:9092,two:9092"
    assert brokers(kafka) == "one:9092, two:9092"


def test_a_password_is_sent_in_the_clear_under_tls_only():
    login = {"username": "u", "password": "secret"}
    assert settings(Kafka(**login), ignore)["sasl.mechanism"].startswith("SCRAM")
    assert settings(Kafka(**login, tls=True), ignore)["sasl.mechanism"] == "PLAIN"
    assert "secret" not in repr(Kafka(**login))
