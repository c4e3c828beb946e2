"""A fixed number of requests."""

import socket
import threading

import pytest

from bench.against.asking import ask, complete

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"


def test_an_answer_is_complete_with_its_last_byte():
    assert complete(ANSWER)
    assert not any(complete(ANSWER[:n]) for n in range(len(ANSWER)))


def asked(sent, answer):
    """What a server received that answers every request so."""
    got = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(100):
                    got.append(data)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            ask(server.getsockname()[1], sent)
        finally:
            thread.join(10)
    return got


def test_each_request_waits_for_the_answer_before_it():
    assert asked([b"one", b"two", b"one"], ANSWER) == [b"one", b"two", b"one"]


def test_another_answer_than_200_ends_it():
    with pytest.raises(SystemExit, match="404"):
        asked([b"one"], ANSWER.replace(b"200", b"404"))
