import asyncio
import socket
import struct

import pytest

from strangler.proxy import control
from strangler.proxy.control import Channel, ChannelError, Decoder, Drain, Installed, Ping, encode


def test_messages_survive_any_cut_of_the_stream() -> None:
    messages = [Ping(1), Installed(7, {"reviews": 2}), Drain(1.5)]
    stream = b"".join(map(encode, messages))
    for cut in range(len(stream)):
        decoder = Decoder()
        assert [*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:])] == messages


def test_an_impossible_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(ChannelError, match="over the limit"):
        Decoder().feed(struct.pack(">I", control.MAX_FRAME + 1))


def test_a_message_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_FRAME", 10)
    with pytest.raises(ChannelError, match="over the limit of 10"):
        encode(Ping(1))


async def test_both_ends_talk_and_notice_the_other_ones_end() -> None:
    left_socket, right_socket = socket.socketpair()
    got: asyncio.Queue[object] = asyncio.Queue()
    closed = asyncio.Event()
    left = Channel(got.put_nowait, closed.set)
    right = Channel(got.put_nowait, lambda: None)
    await left.open(left_socket)
    await right.open(right_socket)
    left.send(Ping(1))
    assert await got.get() == Ping(1)
    right.send(Ping(2))
    assert await got.get() == Ping(2)
    right.close()
    await closed.wait()
    left.send(Ping(3))  # to nobody


async def test_a_peer_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_FRAME", 1024)
    ours, theirs = socket.socketpair()
    closed = asyncio.Event()
    channel = Channel(lambda _: None, closed.set)
    await channel.open(ours)
    while not closed.is_set():
        channel.send(Installed(1, {"x" * 900: 1}))
        await asyncio.sleep(0)
    theirs.close()
