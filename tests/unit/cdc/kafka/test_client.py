"""How a stream's settings of Kafka become the client's."""

from __future__ import annotations

import pytest
import trustme
from confluent_kafka import Consumer, KafkaError, KafkaException

from cdc.config.model import Kafka, Sasl
from cdc.kafka.client import brokers, made, settings


def ignore(_error):
    pass


@pytest.mark.parametrize(
    ("kafka", "protocol"),
    [
        (Kafka(), "plaintext"),
        (Kafka(tls=True), "ssl"),
        (Kafka(ca="ca.pem"), "ssl"),
        (Kafka(certificate="c.pem", key="k.pem"), "ssl"),
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


@pytest.mark.parametrize("mechanism", list(Sasl))
def test_the_mechanism_may_be_chosen(mechanism):
    kafka = Kafka(tls=True, username="u", password="p", sasl=mechanism)
    assert settings(kafka, ignore)["sasl.mechanism"] == mechanism.value


def test_who_has_no_name_logs_in_nowhere():
    assert not [name for name in settings(Kafka(tls=True), ignore) if name.startswith("sasl")]


def test_files_are_told_by_the_librarys_names():
    said = settings(Kafka(ca="a", certificate="c", key="k"), ignore)
    assert {name: said[name] for name in said if name.startswith("ssl")} == {
        "ssl.ca.location": "a",
        "ssl.certificate.location": "c",
        "ssl.key.location": "k",
    }


def test_a_reason_is_told_and_that_all_brokers_are_down_is_not():
    told = []
    tell = settings(Kafka(), told.append)["error_cb"]
    tell(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    tell(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert [error.str() for error in told] == ["Connection refused"]


def make(**files):
    kafka = Kafka(("127.0.0.1:1",), **files)
    return made(Consumer, kafka, settings(kafka, ignore) | {"group.id": "g"})


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(KafkaException) as raised:
        make(ca="/no/such/ca.pem")
    assert raised.value.args[0].str() == "`ca`, /no/such/ca.pem: No such file or directory"


def test_a_file_that_holds_something_else_is_named(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(KafkaException) as raised:
        make(ca=str(file))
    assert raised.value.args[0].str().startswith(f"`ca`, {file}: no certificate")


def test_a_key_of_another_certificate_is_told(tmp_path):
    authority = trustme.CA()
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    authority.issue_cert("a.test").cert_chain_pems[0].write_to_path(certificate)
    authority.issue_cert("a.test").private_key_pem.write_to_path(key)
    with pytest.raises(KafkaException) as raised:
        make(certificate=str(certificate), key=str(key))
    assert raised.value.args[0].str() == f"`key`, {key}: key values mismatch"
