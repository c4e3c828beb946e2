"""Both writings of the relay's inner loops: in Python, and compiled."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support import pgoutput as pg
from support.loops import BROKEN, compiled

from cdc import loops
from cdc.change import ABSENT, Kind
from cdc.loops import plain
from cdc.sources.postgres.values import converter

BOOLEAN = converter(Kind.BOOLEAN)


@pytest.fixture(params=["plain", "compiled"])
def writing(request):
    return plain if request.param == "plain" else compiled()


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("0", 0), ("-1", -1), ("007", 7), ("999999999999999999", 10**18 - 1),
        ("-999999999999999999", 1 - 10**18), (str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63)),
        (str(10**18), 10**18), (str(2**63), 2**63), (str(10**19 - 1), 10**19 - 1),
        (str(1 - 10**19), 1 - 10**19), ("1" * 40, int("1" * 40)), ("+1", 1), (" 1", 1), ("-0", 0),
        (None, None), (pg.Unchanged, ABSENT),
    ],
)  # fmt: skip
def test_an_integer(writing, sent, value):
    assert writing.row(pg.row(sent), 0, (int,)) == ((value,), len(pg.row(sent)))


@pytest.mark.parametrize("sent", ["", "-", "--1", "1x", "x1", "1.5", "1" * 18 + "x", "\xa0"])
def test_what_is_no_integer_is_broken(writing, sent):
    with pytest.raises(ValueError):
        writing.row(pg.row(sent), 0, (int,))


def test_text_that_is_no_utf8_stays_visible_and_the_rest_of_the_row_is_as_ever(writing):
    row = pg.row("wärme", b"\xff\xfe", "7", "t")
    converters = (plain.TEXT, plain.TEXT, int, BOOLEAN)
    assert writing.row(row, 0, converters)[0] == ("wärme", "\udcff\udcfe", 7, True)


def test_a_row_ends_where_it_says(writing):
    message = b"before" + pg.row("a", None) + b"behind"
    found, end = writing.row(message, 6, (plain.TEXT, int))
    assert (found, message[end:]) == (("a", None), b"behind")


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\0", b"\0\1", b"\0\1t", b"\0\1t\0\0\0", b"\0\1t\0\0\0\2a", b"\0\1t\xff\xff\xff\xffa",
        b"\0\1x", b"\0\2na", b"\0\0", b"\0\1b\0\0\0\1a", b"\0\3nn",
    ],
)  # fmt: skip
def test_a_broken_row(writing, message):
    with pytest.raises(BROKEN):
        writing.row(message, 0, (plain.TEXT,))
    with pytest.raises(BROKEN):
        writing.row(message, len(message) + 5, (plain.TEXT,))


def test_json_is_compact_in_order_and_escaped(writing):
    encode = writing.Encoder(["id", 'a "name"', "ö", "no", "f", "big"])
    text = 'a"b\\c\n\r\t\b\f\0\x1f\x7f/ü\u2028😀'
    body = encode((-(2**63), text, None, False, 1.5, 2**64 - 1))
    assert body == (
        b'{"id":-9223372036854775808,"a \\"name\\"":"a\\"b\\\\c\\n\\r\\t\\b\\f\\u0000\\u001f\x7f/'
        + "ü\u2028😀".encode()
        + '","ö":null,"no":false,"f":1.5,"big":18446744073709551615}'.encode()
    )
    assert json.loads(body)['a "name"'] == text


@pytest.mark.parametrize("value", [ABSENT, "\udcff", 2**64, -(2**63) - 1, b"bytes"])
def test_what_is_no_json_is_refused(writing, value):
    with pytest.raises(TypeError):
        writing.Encoder(["a", "b"])((1, value))


def test_a_row_of_any_size(writing):
    assert writing.Encoder([])(()) == b"{}"
    for size in (0, 1, 2000, 2039, 2040, 2041, 2048, 5000, 5_000_000):
        for piece in ("x", "\0", "ü"):
            text = piece * (size // len(piece))
            assert json.loads(writing.Encoder(["a", "b"])((text, text))) == {"a": text, "b": text}


def test_a_row_of_another_table_is_refused(writing):
    for row in [(), (1,), (1, 2, 3)]:
        with pytest.raises(ValueError):
            writing.Encoder(["a", "b"])(row)


@pytest.mark.parametrize("size", [255, 256, 65_535, 65_536, 2**24 + 1])
def test_a_value_of_any_length(writing, size):
    text = "xy" * (size // 2) + "z" * (size % 2)
    message = pg.row(text, "7")
    assert writing.row(message, 0, (plain.TEXT, int)) == ((text, 7), len(message))


def test_nothing_is_kept(writing):
    long = "x\n" * 50_000
    message = pg.row(pg.Unchanged, None, long, "1" * 30)
    converters, encode = (plain.TEXT, int, plain.TEXT, int), writing.Encoder(["a", "b"])
    kept, before = psutil.Process().memory_info().rss, sys.getrefcount(ABSENT)
    held = sys.getrefcount(long)
    for _ in range(1_000):
        writing.row(message, 0, converters)
        encode((long, "short" * 40))
        with pytest.raises(TypeError):
            encode((long, ABSENT))
        with pytest.raises(BROKEN):
            writing.row(message[:-1], 0, converters)
    assert psutil.Process().memory_info().rss - kept < 30_000_000
    assert abs(sys.getrefcount(ABSENT) - before) < 100
    assert abs(sys.getrefcount(long) - held) < 100


def test_what_is_imported_was_made_of_the_source_that_is_there():
    source = Path(loops.__file__).with_name("compiled.pyx").read_bytes()
    assert hashlib.sha256(source).hexdigest() == compiled().SOURCE, "`make venv` compiles it"


@pytest.mark.parametrize("plainly", ["", "1"])
def test_the_loops_in_python_can_be_had_everywhere(plainly):
    script = "from cdc import loops; print(loops.COMPILED, loops.row.__module__)"
    environment = os.environ | {loops.PLAIN: plainly}
    said = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    if plainly:
        assert said == ["False", "cdc.loops.plain"]
    else:
        assert said == ["True", compiled().row.__module__]
