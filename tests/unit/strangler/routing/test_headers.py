import pytest

from strangler.routing.headers import (
    HOP_BY_HOP,
    NEVER_TRAILERS,
    PROTECTED,
    connection_nominated,
    tokens,
    valid_request_id,
    valid_traceparent,
    via_has,
)


def test_tokens_are_lower_case_and_never_empty():
    assert tokens(b" a,, B\t,c ,") == [b"a", b"b", b"c"]
    assert tokens(b"") == []


@pytest.mark.parametrize(
    ("connection", "names"),
    [
        (b"keep-alive", set()),
        (b"close", set()),
        (b"", set()),
        (b"close, X-Hop, x-other", {b"close", b"x-hop", b"x-other"}),
        (b"TE", {b"te"}),
    ],
)
def test_connection_nominates_fields(connection, names):
    assert connection_nominated(connection) == names


@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Content-Length",
        b"Authorization",
        b"Cookie",
        b"Set-Cookie",
        b"X-Forwarded-For",
        b"X-Forwarded-Prefix",
        b"Forwarded",
        b"X-Request-ID",
        b"traceparent",
        b"X-Strangler-User",
        b"Cache-Control",
    ],
)
def test_end_to_end_fields_cannot_be_nominated(name):
    assert connection_nominated(b"X-Hop, " + name) == {b"x-hop"}


def test_trailers_cannot_frame_route_or_authenticate():
    assert {b"content-length", b"host", b"authorization", b"cookie", b"set-cookie"} < NEVER_TRAILERS
    assert b"x-checksum" not in NEVER_TRAILERS


@pytest.mark.parametrize(
    ("via", "here"),
    [
        (b"1.1 strangler", True),
        (b"1.0 fred, 1.1 Strangler (v1)", True),
        (b"HTTP/1.1 strangler", True),
        (b"1.1 stranglers, 1.1 xstrangler", False),
        (b"1.1 fred (strangler)", False),
        (b"strangler", False),
        (b"", False),
    ],
)
def test_via_has(via, here):
    assert via_has(via, b"strangler") is here


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (b"a", True),
        (b"5f9c1a2e-6c1f-4f7e-9a57-2f2a3f1c2b1d", True),
        (b"Root=1-67891233-abcdef012345678912345678", True),
        (b"x" * 128, True),
        (b"x" * 129, False),
        (b"", False),
        (b"a b", False),
        (b"a\n", False),
        (b'a"', False),
        (b"\xff", False),
        (b"<script>", False),
    ],
)
def test_request_ids(value, valid):
    assert valid_request_id(value) is valid


TRACE = b"0af7651916cd43dd8448eb211c80319c"
PARENT = b"b7ad6b7169203331"


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (b"00-" + TRACE + b"-" + PARENT + b"-01", True),
        (b"00-" + TRACE + b"-" + PARENT + b"-ff", True),
        (b"00-" + TRACE + b"-" + PARENT + b"-01-more", False),
        (b"cc-" + TRACE + b"-" + PARENT + b"-01-more", True),
        (b"cc-" + TRACE + b"-" + PARENT + b"-01.more", False),
        (b"ff-" + TRACE + b"-" + PARENT + b"-01", False),
        (b"00-" + TRACE.upper() + b"-" + PARENT + b"-01", False),
        (b"00-" + b"0" * 32 + b"-" + PARENT + b"-01", False),
        (b"00-" + TRACE + b"-" + b"0" * 16 + b"-01", False),
        (b"00-" + TRACE + b"-" + PARENT + b"-0", False),
        (b"00-" + TRACE + b"-" + PARENT + b"-01\n", False),
        (b"", False),
    ],
)
def test_traceparents(value, valid):
    assert valid_traceparent(value) is valid


def test_hop_by_hop_fields_are_those_of_the_connection():
    assert {b"connection", b"te", b"keep-alive", b"transfer-encoding", b"upgrade"} < HOP_BY_HOP
    assert not HOP_BY_HOP & PROTECTED
