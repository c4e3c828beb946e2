"""Chunked bodies: pointed cases; `tests/property/test_proxy_chunked.py` has the many."""

import pytest

from strangler.proxy.chunked import ChunkDecoder, ChunkError


def test_a_body_of_any_number_of_chunks_is_one_piece():
    decoder = ChunkDecoder()
    assert decoder.feed(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET") == b"abc"
    assert (decoder.done, decoder.rest) == (True, b"GET")


def test_trailers_are_kept_as_they_came():
    decoder = ChunkDecoder()
    decoder.feed(b"0\r\nX-Sum:  \xff 1\r\n\r\n")
    assert decoder.trailers == [b"X-Sum:  \xff 1"]


@pytest.mark.parametrize(
    "body",
    [
        b"g\r\n",
        b"1 \r\na",
        b"-1\r\n",
        b"1\na",
        b"1\r\nab",
        b"1\r\na\n",
        b"0\r\nbad trailer\r\n",
        b"0\r\n X: folded\r\n",
        b"1;" + b"x" * 4096,
        b"f" * 16 + b"\r\n",
        b"0\r\n" + b"X: 1\r\n" * 65,
    ],
)
def test_nothing_is_forgiven(body):
    with pytest.raises(ChunkError):
        ChunkDecoder().feed(body)


@pytest.mark.parametrize("body", [b"1;" + b"x" * 5000, b"1\r\naxx"])
def test_nor_byte_by_byte(body):
    decoder = ChunkDecoder()
    with pytest.raises(ChunkError):
        for byte in body:
            decoder.feed(bytes((byte,)))
