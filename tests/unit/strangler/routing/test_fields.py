import pytest

from strangler.routing.fields import cookie_values, header_values, query_values


def test_header_values_keep_order_and_repetition():
    headers = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    assert header_values(headers, b"a") == [b"1", b"3"]
    assert header_values(headers, b"c") == []


@pytest.mark.parametrize(
    ("cookie", "values"),
    [
        (b"id=1", [b"1"]),
        (b"xid=0; id=1;id=2 ; idx=3", [b"1", b"2"]),
        (b"id=a=b", [b"a=b"]),
        (b"id", []),
        (b"id=", [b""]),
        (b"", []),
        (b"ID=1", []),
        (b";;=; id = 1", [b"1"]),
        (b'id="1"', [b'"1"']),
    ],
)
def test_cookie_values(cookie, values):
    assert cookie_values(cookie, b"id") == values


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"q=1&q=2", [b"1", b"2"]),
        (b"%71=a%20b", [b"a b"]),
        (b"q=a+b%2B", [b"a b+"]),
        (b"q", [b""]),
        (b"qq=1&=q", []),
        (b"", []),
        (b"&&q=%zz", [b"%zz"]),
        (b"q=a=b", [b"a=b"]),
    ],
)
def test_query_values(query, values):
    assert query_values(query, b"q") == values
