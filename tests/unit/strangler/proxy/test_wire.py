"""Bytes that are made once."""

import json

import pytest

from strangler.proxy.counters import Refusal
from strangler.proxy.wire import RETRY_AFTER, chunk, refusal_answer


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_is_a_whole_answer(refusal):
    head, _, body = refusal_answer(refusal, request_id=b"abc").partition(b"\r\n\r\n")
    said = json.loads(body)
    assert (said["error"], said["request_id"]) == (refusal.label, "abc")
    assert said["detail"]
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert (b"\r\nRetry-After: " in head) == (refusal in RETRY_AFTER)
    assert head.endswith(b"\r\nConnection: close")


def test_a_refused_head_request_gets_no_body_but_its_length():
    answer = refusal_answer(Refusal.NO_ENDPOINT, head_only=True, close=False)
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 0" not in answer
    assert b"Connection" not in answer


def test_a_chunk():
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
