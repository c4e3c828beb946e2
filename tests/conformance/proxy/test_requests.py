"""What of a request reaches the upstream (RFC 9110, 9112)."""

from __future__ import annotations

import re

import pytest
from support.wire import client_of, fields, simple, value

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def ask(client, upstream, request: bytes, answer: bytes = OK) -> tuple[bytes, bytes, bytes]:
    """Send a request on a new upstream connection; (head, body) upstream got, answer's head."""
    await client.send(request)
    server = await upstream.accept()
    head, body = await server.read_message()
    await server.send(answer)
    got, _ = await client.read_message()
    return head, body, got


async def test_a_get_goes_through_and_back(client, upstream):
    head, body, answer = await ask(client, upstream, b"GET /a?b=c HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert head.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert value(head, b"host") == [b"shop"]
    assert body == b""
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_field_bytes_order_and_repetition_are_kept(client, upstream):
    lines = [b"X-b: 2", b"x-A: 1", b"X-b: 3", b"ACCEPT: \xe9\xff;q=0.5", b"X-Empty:"]
    head, _, _ = await ask(
        client, upstream, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"
    )
    sent = [line for line in head.split(b"\r\n") if line in lines]
    assert sent == lines


@pytest.mark.parametrize(
    "target",
    [b"/%41%7e", b"/a?x=%2F/../&&=?", b"/?", b"/a?", b"/~!$&'()*+,=:@", b"/a|b^c`{}"],
)
async def test_target_bytes_are_kept(client, upstream, target):
    head, _, _ = await ask(client, upstream, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert head.split(b" ")[1] == target


async def test_an_absolute_target_becomes_a_path_and_its_host_wins(client, upstream):
    head, _, _ = await ask(
        client, upstream, b"GET http://shop.example:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n"
    )
    assert head.split(b" ")[1] == b"/a?b"
    assert value(head, b"host") == [b"shop.example:81"]


async def test_options_of_the_whole_server(client, upstream):
    head, _, _ = await ask(client, upstream, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
    assert head.startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_hop_by_hop_fields_stay_here(client, upstream):
    head, _, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
        b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\n"
        b"TE: gzip\r\nX-Other: 2\r\n\r\n",
    )
    names = {n.lower() for n, _ in fields(head)}
    assert not names & {
        b"x-mine", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"connection",
    }  # fmt: skip
    assert value(head, b"x-other") == [b"2"]


async def test_connection_cannot_nominate_what_we_add(client, upstream):
    head, _, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nAuthorization: x\r\n"
        b"Connection: cookie, host, X-Forwarded-For, authorization\r\n\r\n",
    )
    assert value(head, b"cookie") == [b"a=b"]
    assert value(head, b"authorization") == [b"x"]
    assert value(head, b"x-forwarded-for") == [b"127.0.0.1"]


async def test_names_with_underscores_and_identity_fields_are_dropped(client, upstream):
    head, _, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: 6.6.6.6\r\nContent_Length: 5\r\n"
        b"X-Strangler-User: admin\r\nX-Fine: 1\r\n\r\n",
    )
    assert not re.search(rb"(?i)x_forwarded|content_length|x-strangler", head)
    assert value(head, b"x-fine") == [b"1"]


async def test_claims_about_the_client_are_replaced(client, upstream):
    head, _, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n",
    )
    assert b"6.6.6.6" not in head
    assert b"evil" not in head
    assert value(head, b"x-forwarded-for") == [b"127.0.0.1"]
    assert value(head, b"x-forwarded-proto") == [b"http"]
    assert value(head, b"x-forwarded-host") == [b"h"]


async def test_a_trusted_proxy_is_believed(run, upstream):
    gateway = await run(simple(upstream, gateway="trusted_proxies: [127.0.0.0/8]"))
    async with client_of(gateway) as client:
        head, _, _ = await ask(
            client,
            upstream,
            b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\n"
            b"X-Forwarded-Proto: https\r\n\r\n",
        )
    assert value(head, b"x-forwarded-for") == [b"9.9.9.9, 127.0.0.1"]
    assert value(head, b"x-forwarded-proto") == [b"https"]


async def test_via_is_added_both_ways(client, upstream):
    head, _, answer = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 edge\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n",
    )
    assert value(head, b"via") == [b"1.0 edge, 1.1 strangler"]
    assert value(answer, b"via") == [b"1.1 inner, 1.1 strangler"]


async def test_a_good_request_id_and_trace_are_kept(client, upstream):
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    head, _, _ = await ask(
        client,
        upstream,
        b"GET / HTTP/1.1\r\nHost: h\r\nX-Request-ID: abc-1\r\ntraceparent: " + trace + b"\r\n\r\n",
    )
    assert value(head, b"x-request-id") == [b"abc-1"]
    assert value(head, b"traceparent") == [trace]


async def test_bad_ones_are_replaced(client, upstream):
    head, _, _ = await ask(
        client,
        upstream,
        b'GET / HTTP/1.1\r\nHost: h\r\nX-Request-ID: a b"\r\ntraceparent: 00-0-0-0\r\n\r\n',
    )
    assert re.fullmatch(rb"[0-9a-f]{32}", value(head, b"x-request-id")[0])
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-00", value(head, b"traceparent")[0])


async def test_a_body_with_a_length_keeps_it(client, upstream):
    head, body, _ = await ask(
        client, upstream, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    )
    assert (value(head, b"content-length"), body) == ([b"5"], b"hello")
    assert not value(head, b"transfer-encoding")


async def test_a_chunked_body_is_collected_for_the_default_upstream(client, upstream):
    head, body, _ = await ask(
        client,
        upstream,
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n",
    )
    assert (value(head, b"content-length"), body) == ([b"5"], b"abcde")
    assert not value(head, b"transfer-encoding")


async def test_a_chunked_body_stays_chunked_where_that_is_off(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="request_buffering: off"))
    async with client_of(gateway) as client:
        head, body, _ = await ask(
            client,
            upstream,
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n",
        )
    assert value(head, b"transfer-encoding") == [b"chunked"]
    assert not value(head, b"content-length")
    assert body == b"5\r\nabcde\r\n0\r\nX-T: 1\r\n\r\n"
