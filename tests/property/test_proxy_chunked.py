"""Chunked bodies: whatever our decoder accepts, llhttp accepts and reads alike; not the reverse."""

import httptools
from hypothesis import example, given
from hypothesis import strategies as st

from strangler.proxy.chunked import ChunkDecoder, ChunkError

HEAD = b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"

sizes = st.one_of(
    st.integers(0, 40).map(lambda n: b"%x" % n),
    st.integers(0, 40).map(lambda n: b"00%X" % n),
    st.sampled_from([b"", b"-1", b"+1", b"0x1", b" 1", b"1 ", b"1\t", b"1_0", b"f" * 16, b"\xb2"]),
)
extensions = st.sampled_from(
    [b"", b"", b"", b";a", b";a=b", b" ;a", b';a="b;c"', b";\x00", b";\n", b"; a = b"]
)
line_ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b""])
trailers = st.lists(
    st.sampled_from([b"X-Sum: 1\r\n", b"X:\r\n", b" X: 1\r\n", b"X : 1\r\n", b"X: 1\n", b"X\r\n"]),
    max_size=2,
).map(b"".join)


@st.composite
def chunks(draw):
    """A chunk that is right, or wrong in one of the ways that smuggle requests."""
    data = draw(st.binary(max_size=40))
    size = draw(st.one_of(st.just(b"%x" % len(data)), st.just(b"%X" % len(data)), sizes))
    return size + draw(extensions) + draw(line_ends) + data + draw(line_ends)


@st.composite
def bodies(draw):
    last = draw(st.sampled_from([b"0\r\n", b"0\r\n", b"000\r\n", b"0;x\r\n", b"0\n", b"0 \r\n"]))
    parts = draw(st.lists(chunks(), max_size=3))
    return b"".join(parts) + last + draw(trailers) + draw(line_ends)


valid_bodies = st.lists(st.binary(min_size=1, max_size=60), max_size=4).map(
    lambda parts: b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
)


def decoded(stream: bytes, cuts: list[int]) -> tuple[bytes, bytes] | None:
    """The body and what is left behind it, or None if the decoder refuses or waits for more."""
    decoder, body, rest = ChunkDecoder(), b"", b""
    places = sorted({cut for cut in cuts if cut < len(stream)})
    try:
        for start, end in zip([0, *places], [*places, len(stream)], strict=True):
            if decoder.done:
                rest += stream[start:end]
                continue
            body += decoder.feed(stream[start:end])
            rest = decoder.rest
    except ChunkError:
        return None
    return (body, rest) if decoder.done else None


class Reading:
    """What llhttp makes of one request."""

    def __init__(self, stream: bytes) -> None:
        self.body = b""
        self.complete = 0
        httptools.HttpRequestParser(self).feed_data(HEAD + stream)

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete += 1


@given(bodies())
@example(b"1 \r\na\r\n0\r\n\r\n")
@example(b"1\r\na\r\n0\r\nX: 1\r\n\r\n")
def test_what_is_accepted_llhttp_reads_alike(stream):
    ours = decoded(stream, [])
    if ours is not None:
        body, rest = ours
        theirs = Reading(stream[: len(stream) - len(rest)])
        assert (theirs.complete, theirs.body) == (1, body)


@given(bodies(), st.lists(st.integers(1, 200), max_size=6), st.sampled_from([b"", b"GET / HTTP/1"]))
def test_where_the_bytes_are_cut_changes_nothing(stream, cuts, behind):
    assert decoded(stream + behind, cuts) == decoded(stream + behind, [])


@given(valid_bodies, st.lists(st.integers(1, 200), max_size=6), st.binary(max_size=20))
def test_what_is_right_is_read_whole_and_nothing_behind_it(stream, cuts, behind):
    assert decoded(stream + behind, cuts) == (Reading(stream).body, behind)
