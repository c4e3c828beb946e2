import json
import re
from types import SimpleNamespace

import pytest

from strangler.config.model import Endpoint, LogFormat
from strangler.proxy.accessline import common_line, formatter, json_line, sampled
from strangler.proxy.counters import Refusal


def finished(**changes):
    """A request as the data plane hands it over; it is decided unless `plan` is taken away."""
    fields = {
        "method": b"GET", "path": b"/reviews/5", "query": b"token=hush", "has_query": True,
        "http10": False, "status": 200, "bytes_in": 0, "bytes_out": 512,
        "request_id": b"5d3a", "traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
        "refusal": None, "cookie": b"sessionid=hush",
        "client": SimpleNamespace(address_of=lambda _: b"192.0.2.7"),
        "plan": SimpleNamespace(name="reviews-read", version=12),
        "side": SimpleNamespace(name="reviews"),
        "endpoint": SimpleNamespace(endpoint=Endpoint("127.0.0.1", 8101)),
    }  # fmt: skip
    present = {key: value for key, value in {**fields, **changes}.items() if value is not ...}
    return SimpleNamespace(**present)


def test_a_json_line_tells_where_the_request_went() -> None:
    line = json.loads(json_line(finished(), 1500))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert line == {
        "request_id": "5d3a", "trace_id": "a" * 32, "client": "192.0.2.7", "method": "GET",
        "target": "/reviews/5?", "status": 200, "bytes_in": 0, "bytes_out": 512,
        "duration_ms": 1.5, "route": "reviews-read", "upstream": "reviews",
        "endpoint": "http://127.0.0.1:8101", "table_version": 12, "refusal": None,
    }  # fmt: skip


def test_a_request_refused_before_it_was_decided_has_no_route() -> None:
    early = finished(status=400, refusal=Refusal.BAD_REQUEST, plan=..., side=..., endpoint=...)
    line = json.loads(json_line(early, 10))
    assert [line[key] for key in ("route", "upstream", "endpoint", "table_version")] == [
        "-", "-", None, None,
    ]  # fmt: skip
    assert line["refusal"] == "bad_request"


def test_a_common_line() -> None:
    line = common_line(finished(), 1)
    assert re.fullmatch(
        rb'192\.0\.2\.7 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
        rb'"GET /reviews/5\? HTTP/1\.1" 200 512\n', line
    )  # fmt: skip


@pytest.mark.parametrize("write", [json_line, common_line])
def test_queries_and_cookies_are_never_logged(write) -> None:
    assert b"hush" not in write(finished(), 1)


@pytest.mark.parametrize("write", [json_line, common_line])
def test_no_line_can_be_forged(write) -> None:
    evil = b'/a\r\n"GET /b" \x1b[31m\x00\xff\\\x7f'
    line = write(finished(path=evil, method=b'G"T'), 1)
    assert line.count(b"\n") == 1
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", line)
    if write is json_line:
        assert json.loads(line)["target"] == evil.decode("latin-1") + "?"
    else:
        assert line.count(b'"') == 2


def test_sampling_takes_a_share_by_the_id_and_every_server_error() -> None:
    ids = [b"%032x" % number for number in range(4000)]
    taken = {i for i in ids if sampled(finished(request_id=i), 0.25)}
    assert 900 < len(taken) < 1100
    assert taken == {i for i in ids if sampled(finished(request_id=i), 0.25)}
    assert taken <= {i for i in ids if sampled(finished(request_id=i), 0.5)}
    assert not any(sampled(finished(request_id=i), 0.0) for i in ids)
    assert all(sampled(finished(request_id=i, status=502), 0.0) for i in ids)
    assert all(sampled(finished(request_id=i), 1.0) for i in ids)


def test_off_writes_nothing() -> None:
    assert formatter(LogFormat.OFF) is None
    assert formatter(LogFormat.JSON) is json_line
