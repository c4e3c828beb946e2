"""Streams through a Kafka that wants TLS, a password or a certificate; and who is not let in."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from support.kafka_secured import PASSWORD, PLAIN_ONLY, PLAIN_PASSWORD, USER
from support.pipes import until

from cdc.applier.ports import ReaderError, Stopped
from cdc.bootstrap import applier
from cdc.config.model import Delivery, Sasl
from cdc.kafka.lookup import Lookup
from cdc.kafka.reader import Reader
from cdc.kafka.topics import ensure_topics
from cdc.relay.ports import SinkError

WRONG = "hunter2-but-wrong"
LOGIN = {"username": USER, "password": PASSWORD}
COPY = [(1, "first"), (2, "second"), (3, "third")]


def by_scram(kafka, **more):
    given = {"ca": kafka.authority.file, "sasl": Sasl.SCRAM_SHA_512, **LOGIN}
    return kafka.at("SCRAM", **given | more)


def by_certificate(kafka, who):
    return kafka.at("MUTUAL", ca=kafka.authority.file, certificate=who.certificate, key=who.key)


@pytest.fixture(params=["scram-512", "scram-256", "plain", "clear", "mutual"])
def allowed(request, kafka):
    """Every way in."""
    match request.param:
        case "scram-512":
            return by_scram(kafka)
        case "scram-256":
            return by_scram(kafka, sasl=Sasl.SCRAM_SHA_256)
        case "plain":  # the default under TLS
            return by_scram(kafka, username=PLAIN_ONLY, password=PLAIN_PASSWORD, sasl=None)
        case "clear":  # the default without
            return kafka.at("CLEAR", **LOGIN)
        case _:
            return by_certificate(kafka, kafka.authority.identity("client", "client.test"))


@pytest.fixture(
    params=["password", "user", "mechanism", "authority", "host", "expired", "nobody", "stranger",
            "late", "no-file"]
)  # fmt: skip
def refused(request, kafka):
    """Every way to stay outside, and what must be said of it."""
    ca = kafka.authority.file
    match request.param:
        case "password":
            return by_scram(kafka, password=WRONG), "refuses the user relay with SCRAM-SHA-512"
        case "user":
            return by_scram(kafka, username="nobody"), "refuses the user nobody with SCRAM-SHA-512"
        case "mechanism":
            settings = kafka.at("CLEAR", **LOGIN, sasl=Sasl.SCRAM_SHA_256)
            return settings, "the user relay with SCRAM-SHA-256, only SCRAM-SHA-512"
        case "authority":
            stranger = kafka.stranger.file
            return by_scram(kafka, ca=stranger), f"none of the authorities in {stranger}"
        case "host":
            return kafka.at("OTHER", ca=ca), "or it is for another host"
        case "expired":
            return kafka.at("EXPIRED", ca=ca), "or has expired"
        case "nobody":
            return kafka.at("MUTUAL", ca=ca), "wants a client's certificate"
        case "stranger":
            who = kafka.stranger.identity("stranger", "client.test")
            return by_certificate(kafka, who), f"refuses the client's certificate {who.certificate}"
        case "late":
            who = kafka.authority.identity("late", "client.test", expired=True)
            return by_certificate(kafka, who), f"refuses the client's certificate {who.certificate}"
        case _:
            return kafka.at("MUTUAL", ca="/no/ca.pem"), "`ca`, /no/ca.pem: No such file"


def test_a_stream_goes_from_end_to_end(allowed, pipe, rows, write):
    stream = pipe(allowed)
    with stream.relaying(), stream.applying():
        write(3, "third")
        until(lambda: rows("new") == COPY, "the copy")


def test_a_stream_goes_exactly_once(kafka, pipe, rows, write):
    """With the probe for leaks, the checkpoint's topic and its reader: each connects by itself."""
    stream = pipe(by_scram(kafka)).with_(delivery=Delivery.EXACTLY_ONCE)
    with stream.relaying(), stream.applying():
        write(3, "third")
        until(lambda: rows("new") == COPY, "the copy")
    with stream.relaying():
        pass


def test_the_relay_says_at_once_why_it_is_refused(refused, pipe):
    settings, said = refused
    with pytest.raises(SinkError) as raised:
        ensure_topics(pipe(settings).stream)
    assert not raised.value.temporary
    assert_told(str(raised.value), said)


def test_the_applier_says_at_once_why_it_is_refused(refused, pipe):
    settings, said = refused
    stream = pipe(settings)
    # Files that cannot be used are refused before it runs.
    with pytest.raises((Stopped, ReaderError)) as raised:
        applier(stream.stream, stream.home).run(threading.Event())
    assert_told(str(raised.value), said)


@pytest.mark.parametrize("ask", ["ids", "ends"])
def test_whoever_asks_kafka_is_told_why_it_is_refused(kafka, ask):
    settings = by_scram(kafka, password=WRONG)
    with pytest.raises(ReaderError) as raised:
        if ask == "ids":
            Reader(settings).topic_ids(["t"])
        else:
            Lookup(settings, committed_only=True).watermarks(("t", 0))
    assert not raised.value.temporary
    assert_told(str(raised.value), "refuses the user relay with SCRAM-SHA-512")


def test_commands_run_with_a_password_and_show_it_nowhere(kafka, pipe, rows, write):
    stream = pipe(by_scram(kafka))
    name, shown = stream.stream.name, []
    with stream.process("run", name), stream.process("apply", name):
        write(3, "third")
        until(lambda: rows("new") == COPY, "the copy")
        for words in (["status"], ["status", "--json"], ["probe", name], ["verify", name],
                      ["tail", name, "--from-start", "--limit", "3"]):  # fmt: skip
            done = stream.command(*words)
            assert done.returncode == 0, done.stdout + done.stderr
            shown += [done.stdout, done.stderr]
    shown += [stream.log("run"), stream.log("apply"), repr(stream.stream)]
    assert PASSWORD in stream.environment().values()
    assert PASSWORD not in "".join(shown)
    assert PASSWORD not in stream.routes().read_text()


def test_commands_run_with_a_certificate(kafka, pipe, rows):
    stream = pipe(by_certificate(kafka, kafka.authority.identity("client", "client.test")))
    name = stream.stream.name
    with stream.process("run", name), stream.process("apply", name):
        until(lambda: rows("new") == COPY[:2], "the copy")


@pytest.mark.parametrize("word", ["run", "apply", "probe"])
def test_a_wrong_password_ends_a_command_with_1_and_a_sentence(kafka, pipe, word):
    stream = pipe(by_scram(kafka))
    done = stream.command(word, stream.stream.name, KAFKA_PASSWORD=WRONG)
    assert done.returncode == 1, done.stdout + done.stderr
    answer = " ".join((done.stdout + done.stderr).split())  # a terminal's lines are wrapped
    assert_told(answer, "the broker refuses the user relay with SCRAM-SHA-512")
    assert "Traceback" not in answer


def test_a_wrong_authority_ends_the_relay_with_1_and_a_sentence(kafka, pipe):
    stream = pipe(by_scram(kafka, ca=kafka.stranger.file))
    done = stream.command("run", stream.stream.name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert_told(done.stderr, "the broker's certificate is none to trust")


def test_plain_without_tls_is_a_problem_of_the_file(kafka, pipe):
    stream = pipe(kafka.at("CLEAR", **LOGIN, sasl=Sasl.PLAIN))
    done = stream.command("run", stream.stream.name)
    assert done.returncode == 1
    assert "`PLAIN` would send the password in the clear" in done.stderr
    assert f"{stream.routes()}:1:" in done.stderr


def test_a_mechanism_that_nobody_knows_is_a_problem_of_the_file(kafka, pipe):
    stream = pipe(by_scram(kafka))
    path = stream.routes()
    given = json.loads(path.read_text())
    given["sync"][stream.stream.name]["kafka"]["sasl"] = "GSSAPI"
    stream.routes = lambda: path.write_text(json.dumps(given)) and path
    done = stream.command("run", stream.stream.name)
    assert done.returncode == 1
    assert "`GSSAPI` is not known here: write one of `PLAIN`" in done.stderr


def test_a_password_that_changes_is_noticed_by_the_next_start(kafka, pipe, rows):
    stream = pipe(by_scram(kafka))
    with stream.relaying(), stream.applying():
        until(lambda: rows("new") == COPY[:2], "the copy")
    settings = replace(stream.stream.kafka, password=WRONG)
    with pytest.raises(ReaderError):
        applier(stream.with_(kafka=settings).stream, stream.home).step()


def assert_told(text: str, said: str) -> None:
    assert said in text
    assert "under `kafka:`" in text
    assert PASSWORD not in text
    assert WRONG not in text
