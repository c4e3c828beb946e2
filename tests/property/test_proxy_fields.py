"""Any list of header fields arrives on the other side, both ways: bytes, order and repetition."""

from __future__ import annotations

import asyncio
import string
from contextlib import AsyncExitStack

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wire import Gateway, RawUpstream, client_of, fields, parse, simple

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+.^`|~-"
VALUE = bytes(range(0x21, 0x7F)) + bytes(range(0x80, 0x100))
OURS = b"Q-"
"""Names of ours begin so, as no field that means something to a gateway does."""

names = st.text(TOKEN, max_size=12).map(lambda text: OURS + text.encode())
words = st.lists(st.sampled_from(VALUE), min_size=1, max_size=12).map(bytes)
inner = st.lists(words, max_size=3).map(b" \t ".join)
spaces = st.text(" \t", max_size=3).map(str.encode)
line_lists = st.lists(
    st.builds(lambda n, a, v, z: n + b":" + a + v + z, names, spaces, inner, spaces), max_size=12
)


def ours(head: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in fields(head) if name.startswith(OURS)]


def pairs(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    cut = (line.partition(b":") for line in lines)
    return [(name, value.strip(b" \t")) for name, _, value in cut]


async def through(requests: list[list[bytes]], answers: list[list[bytes]]) -> None:
    """Ask once per list, on one connection, so that what was learnt from one head counts."""
    async with AsyncExitStack() as opened:
        opened.push_async_callback(asyncio.sleep, 0)
        upstream = RawUpstream()
        await upstream.start()
        opened.push_async_callback(upstream.stop)
        gateway = Gateway(parse(simple(upstream)))
        await gateway.start()
        opened.push_async_callback(gateway.stop)
        client = await opened.enter_async_context(client_of(gateway))
        server = None
        for sent, back in zip(requests, answers, strict=True):
            await client.send(b"\r\n".join((b"GET / HTTP/1.1", *sent, b"Host: h", b"", b"")))
            server = server or await upstream.accept()
            assert ours(await server.read_head()) == pairs(sent)
            await server.send(b"\r\n".join((b"HTTP/1.1 204 No Content", *back, b"", b"")))
            assert ours(await client.read_head()) == pairs(back)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(line_lists, line_lists), min_size=1, max_size=4))
def test_fields_survive_both_ways(exchanges):
    requests, answers = zip(*exchanges, strict=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(through(list(requests), list(answers)))
