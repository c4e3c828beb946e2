"""What RFC 9110 asks of whoever stands between a client and a server."""

from __future__ import annotations

import re

import pytest
from support.wire import answered_before, client_of, simple, value

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
DATE = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


async def ask(client, upstream, request: bytes, answer: bytes = OK) -> tuple[bytes, bytes]:
    """(head the upstream got, head the client got), on a new connection."""
    await client.send(request)
    server = await upstream.accept()
    head, _ = await server.read_message()
    await server.send(answer)
    return head, await client.read_head()


# RFC 9110, 7.6.3: the received protocol is that of the message received


@pytest.mark.xfail(
    raises=AssertionError, reason="Via says 1.1 of a request in 1.0, unless it had a Via"
)
async def test_via_names_the_version_that_the_client_spoke(client, upstream):
    head, _ = await ask(client, upstream, b"GET / HTTP/1.0\r\nHost: h\r\n\r\n")
    assert value(head, b"via") == [b"1.0 strangler"]


@pytest.mark.xfail(raises=AssertionError, reason="Via says 1.1 of an answer in 1.0")
async def test_via_names_the_version_that_the_upstream_spoke(client, upstream):
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    _, head = await ask(client, upstream, GET, answer)
    assert value(head, b"via") == [b"1.0 strangler"]


# RFC 9110, 7.6.2: "MUST check and update its value prior to forwarding"


@pytest.mark.xfail(raises=AssertionError, reason="Max-Forwards is copied")
@pytest.mark.parametrize("method", [b"OPTIONS", b"TRACE"])
async def test_max_forwards_counts_down(client, upstream, method):
    head, _ = await ask(
        client, upstream, method + b" / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\n\r\n"
    )
    assert value(head, b"max-forwards") == [b"2"]


@pytest.mark.xfail(raises=AssertionError, reason="Max-Forwards is copied")
@pytest.mark.parametrize("method", [b"OPTIONS", b"TRACE"])
async def test_nothing_is_forwarded_when_max_forwards_is_used_up(client, upstream, method):
    await client.send(method + b" / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n")
    head, _ = await answered_before(client.read_message(), upstream.accept())
    assert re.match(rb"HTTP/1\.1 (200|204|405|501) ", head)
    assert upstream.connections == 0


async def test_max_forwards_of_other_methods_is_left_alone(client, upstream):
    head, _ = await ask(client, upstream, b"GET / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n")
    assert value(head, b"max-forwards") == [b"0"]


# RFC 9110, 6.6.1: an answer without Date gets the time it was received


@pytest.mark.xfail(raises=AssertionError, reason="no Date is added")
async def test_an_answer_without_a_date_gets_one(client, upstream):
    _, head = await ask(client, upstream, GET)
    assert DATE.fullmatch(b", ".join(value(head, b"date")))


async def test_a_date_of_the_upstream_is_kept(client, upstream):
    date = b"Sun, 06 Nov 1994 08:49:37 GMT"
    _, head = await ask(
        client, upstream, GET, b"HTTP/1.1 200 OK\r\ndate: %b\r\nContent-Length: 0\r\n\r\n" % date
    )
    assert value(head, b"date") == [date]


@pytest.mark.xfail(raises=AssertionError, reason="our own answers have no Date")
@pytest.mark.parametrize(
    "request_",
    [b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /moved HTTP/1.1\r\nHost: h\r\n\r\n",
     b"GET / HTTP/1.1\r\n\r\n"],
    ids=["fixed answer", "redirect", "refusal"],
)  # fmt: skip
async def test_our_own_answers_have_a_date(run, upstream, request_):
    routes = """
    - {name: gone, match: {path: /gone}, respond: {status: 410}}
    - {name: moved, match: {path: /moved}, redirect: {path: /there}}
    """
    gateway = await run(simple(upstream, routes=routes))
    async with client_of(gateway) as client:
        await client.send(request_)
        head, _ = await client.read_message()
        assert DATE.fullmatch(b", ".join(value(head, b"date")))


# RFC 9110, 10.1.1


@pytest.mark.xfail(raises=AssertionError, reason="it is passed on in HTTP/1.1")
async def test_an_expectation_of_http_1_0_is_ignored(client, upstream):
    await client.send(
        b"POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"
    )
    server = await upstream.accept()
    head, body = await server.read_message()
    assert (value(head, b"expect"), body) == ([], b"ab")


# RFC 9110, 7.6.1: Connection, in every message


@pytest.mark.xfail(raises=AssertionError, reason="nominated fields of a 1xx are copied")
@pytest.mark.parametrize("code", [b"102 Processing", b"103 Early Hints"])
async def test_interim_answers_have_hop_by_hop_fields_too(client, upstream, code):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(
        b"HTTP/1.1 %b\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=1\r\n"
        b"Link: </a>\r\n\r\n" % code
    )
    head = await client.read_head()
    assert value(head, b"link") == [b"</a>"]
    assert not re.search(rb"(?i)\r\n(x-mine|connection|keep-alive):", head)


@pytest.mark.xfail(raises=AssertionError, reason="Content-Length of a 1xx is copied")
async def test_an_interim_answer_says_nothing_about_a_body(client, upstream):
    """RFC 9110, 8.6 and RFC 9112, 6.1: neither length nor coding in a 1xx."""
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\n" + OK)
    assert not re.search(rb"(?i)\r\ncontent-length:", await client.read_head())
    assert (await client.read_message())[1] == b"ok"


async def test_connection_in_several_lines_is_one_list(client, upstream):
    head, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: X-A\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n"
        b"Connection: , x-b ,\r\n\r\n",
    )
    assert not re.search(rb"(?i)\r\n(x-a|x-b|connection):", head)
    assert value(head, b"x-c") == [b"3"]


async def test_te_trailers_is_ours_to_say_again(client, upstream):
    """RFC 9110, 10.1.4: who sends TE lists it in Connection."""
    head, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers, deflate;q=0.5\r\nConnection: TE\r\n\r\n",
    )
    assert value(head, b"te") == [b"trailers"]
    assert value(head, b"connection") == [b"TE"]


# who the client is: RFC 7239


async def test_forwarded_names_the_peer(client, upstream):
    head, _ = await ask(
        client, upstream, b"GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=6.6.6.6\r\n\r\n"
    )
    (forwarded,) = value(head, b"forwarded")
    pairs = [pair.lower() for pair in forwarded.split(b";")]
    assert b"for=127.0.0.1" in pairs
    assert b"proto=http" in pairs


async def test_forwarded_of_a_trusted_proxy_is_added_to(run, upstream):
    gateway = await run(simple(upstream, gateway="trusted_proxies: [127.0.0.1/32]"))
    async with client_of(gateway) as client:
        head, _ = await ask(
            client, upstream, b"GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=9.9.9.9\r\n\r\n"
        )
    (forwarded,) = value(head, b"forwarded")
    first, last = (element.strip() for element in forwarded.split(b","))
    assert first == b"for=9.9.9.9"
    assert b"for=127.0.0.1" in last


@pytest.mark.xfail(
    raises=AssertionError, reason="X-Forwarded-Host is empty where the client named no host"
)
async def test_no_host_is_no_forwarded_host(client, upstream):
    """Django with USE_X_FORWARDED_HOST answers 400 to an empty one."""
    head, _ = await ask(client, upstream, b"GET / HTTP/1.0\r\n\r\n")
    assert value(head, b"x-forwarded-host") == []
    assert value(head, b"host") == [b"127.0.0.1:%d" % upstream.port]
