"""The bytes of a load, and what reads them."""

from pathlib import Path

from bench import requests
from bench.openloop import complete
from bench.setup import SIDE_BYTES, Setup, answer


def test_a_file_of_requests_reads_back(tmp_path: Path):
    sent = [b"GET / HTTP/1.1\r\n\r\n", b"", b"1\n2\n"]
    requests.write(sent, tmp_path / "requests")
    assert requests.read(tmp_path / "requests") == sent


def test_requests_take_the_routes_in_turn_with_an_identity_each():
    setup = Setup("x", 3, canary=True, old=1, new=2)
    found = requests.gets(setup, requests.identities())
    assert [one.split()[1][:8] for one in found[:4]] == [
        b"/svc-000",
        b"/svc-001",
        b"/svc-002",
        b"/svc-000",
    ]
    assert len(set(found)) == len(found)


def test_a_post_has_the_length_it_says():
    head, _, body = requests.posts()[0].partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert len(body) == requests.POST_BYTES


def test_both_sides_answer_the_same_length_and_differ():
    assert len(answer("old")) == len(answer("new")) == SIDE_BYTES
    assert answer("old") != answer("new")


def test_an_answer_is_complete_with_its_whole_body():
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    assert [complete(whole[:n]) for n in (10, len(whole) - 1)] == [None, None]
    assert complete(whole) is True
    assert complete(whole.replace(b"200", b"503")) is False
    assert complete(b"HTTP/1.1 200 OK\r\n\r\n") is False
