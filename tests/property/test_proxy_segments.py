"""However TCP cuts the bytes, on either side, both sides see the same messages."""

from __future__ import annotations

import asyncio
import re

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wire import Gateway, Wire, parse

CHUNKED_BODY = b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
REQUESTS = (
    b"GET /%d HTTP/1.1\r\nHost: h\r\nX-Odd!: \xe9\xff\r\n\r\n",
    b"HEAD /%d HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab\r\n\r",
    b"PUT /%d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_BODY,
    b"GET /%d?q=%%20 HTTP/1.1\r\nHost: h\r\n\r\n",
)
LAST = (
    b"GET /%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: %d\r\n\r\n",
    b"GET /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /%d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"GET /%d HTTP/1.1\r\nHost: h\r\nX: y\n\r\n",
)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nX-B: \xff\r\nSet-Cookie: a=1\r\nset-cookie: b\r\n"
    b"Content-Length: 4\r\n\r\n\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_BODY,
    b"HTTP/1.1 204 No Content\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend",
)
HEADS = tuple(b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 7\r\n\r\n" % n for n in range(2))
VARYING = re.compile(rb"(?im)^(x-request-id|traceparent|x-forwarded-[a-z]+|forwarded): [^\r]*\r\n")
TABLE = """version: 1
upstreams:
  legacy: {{endpoints: ['http://127.0.0.1:{port}'], request_buffering: {buffering}}}
default: legacy
"""


def dechunked(body: bytes) -> bytes:
    """The chunks joined, so that where they were cut does not show."""
    data, rest = b"", body
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size.split(b";")[0], 16):
            return data + b"|" + rest
        data, rest = data + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


async def put(wire: Wire, data: bytes, cuts: list[int]) -> None:
    """Write in pieces that arrive one by one."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        wire.writer.write(data[start:end])
        for _ in range(3):
            await asyncio.sleep(0)


async def message(wire: Wire, *, has_body: bool = True) -> bytes:
    head = await wire.read_head()
    body = b""
    if has_body and b"\r\nContent-Length: " in head:
        body = await wire.read(int(re.search(rb"\r\nContent-Length: ([0-9]+)", head)[1]))
    elif has_body and b"\r\nTransfer-Encoding: chunked" in head:
        raw = b""
        while not raw.endswith(b"0\r\n"):
            raw += await wire.read_until(b"\r\n")
            size = int(raw.rpartition(b"\r\n")[0].rpartition(b"\r\n")[2].split(b";")[0], 16)
            if size:
                raw += await wire.read(size + 2)
            else:
                while (line := await wire.read_until(b"\r\n")) != b"\r\n":
                    raw += line
                raw += line
                break
        body = dechunked(raw)
    return VARYING.sub(b"", head) + body


async def play(requests: list[bytes], answers: list[int], buffering: str, cuts: list[int], back):
    """What the upstream and the client have seen."""
    seen: dict[bytes, bytes] = {}

    async def serve(reader, writer) -> None:
        wire = Wire(reader, writer)
        try:
            while True:
                got = await message(wire)
                number = int(re.search(rb" /([0-9]+)", got)[1])
                seen[b"%d" % number] = got
                if got.startswith(b"HEAD"):
                    raw = HEADS[answers[number] % 2]
                else:
                    raw = ANSWERS[answers[number]]
                await put(wire, raw, back)
                if b"until the end" in raw or b"Connection: close" in raw:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    faults: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = Gateway(parse(TABLE.format(port=port, buffering=buffering)))
    await gateway.start()
    client = await gateway.connect()
    sending = asyncio.ensure_future(put(client, b"".join(requests), cuts))
    got = []
    for request in requests:
        while True:
            answer = await message(client, has_body=not request.startswith(b"HEAD"))
            error = re.search(rb'"error": "[a-z_]+"', answer)  # an id depends on how far it came
            got.append(answer[:12] + error[0] if error else answer)
            if not answer.startswith(b"HTTP/1.1 1"):
                break
    assert await client.ended()
    await sending
    client.close()
    await gateway.stop()
    server.close()
    await asyncio.sleep(0.005)
    assert faults == []
    return seen, got


places = st.lists(st.integers(0, 3000), max_size=25)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, len(REQUESTS) - 1), max_size=5),
    st.integers(0, len(LAST) - 1),
    st.lists(st.integers(0, len(ANSWERS) - 1), min_size=6, max_size=6),
    st.sampled_from(["off", "all"]),
    places,
    places,
)
def test_cuts_change_nothing(kinds, last, answers, buffering, cuts, back):
    requests = [REQUESTS[kind] % number for number, kind in enumerate(kinds)]
    requests.append(LAST[last] % len(kinds))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        at_once = runner.run(play(requests, answers, buffering, [], []))
        cut = runner.run(play(requests, answers, buffering, cuts, back))
    assert cut == at_once
