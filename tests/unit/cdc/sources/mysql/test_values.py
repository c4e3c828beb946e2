"""Values from their bytes."""

import struct
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc.sources.mysql import jsonb, positions, temporal
from cdc.sources.mysql.charsets import CharsetError, decoder
from cdc.sources.mysql.values import decimal_parts, decimal_text, single


def written(value: str, precision: int, scale: int) -> bytes:
    """A DECIMAL as the servers write it, by the description in MySQL's manual of its format."""
    whole, _, part = value.lstrip("-").partition(".")
    digits = whole.zfill(precision - scale)[-(precision - scale) or len(whole) + 1 :]
    digits = (digits if precision > scale else "") + part.ljust(scale, "0")
    data = b""
    for size, width in decimal_parts(precision, scale):
        data += int(digits[:width]).to_bytes(size, "big")
        digits = digits[width:]
    if value.startswith("-"):
        data = bytes(byte ^ 0xFF for byte in data)
    return bytes([data[0] ^ 0x80]) + data[1:]


@given(st.data(), st.integers(1, 65), st.integers(0, 30))
def test_a_decimal_keeps_all_its_digits(data, precision, scale):
    scale = min(scale, precision)
    number = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    sign = "-" if number < 0 else ""
    digits = str(abs(number)).zfill(scale + 1)
    text = sign + (digits[: len(digits) - scale] + "." + digits[-scale:] if scale else digits)
    read = decimal_text(written(text, precision, scale), precision, scale)
    assert read == text
    assert Decimal(read) == Decimal(text)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(999_999_986_991_104.0)  # 1000000000000000.0, which has one digit and more characters
def test_the_short_form_of_a_float_is_the_same_float(value):
    data = struct.pack("<f", value)
    short = single(data)
    assert struct.pack("<f", short) == data
    assert digits(short) <= min(digits(value), 9)


def digits(value: float) -> int:
    """How many digits a number needs, zeros at its ends apart."""
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


@given(
    st.integers(-(838 * 3600 + 59 * 60 + 59), 838 * 3600 + 59 * 60 + 59), st.integers(0, 999_999)
)
def test_a_time_with_six_digits(seconds, micros):
    minutes, second = divmod(abs(seconds), 60)
    hour, minute = divmod(minutes, 60)
    packed = (hour << 12 | minute << 6 | second) << 24 | micros
    negative = seconds < 0
    stored = (0x80_0000_0000_00 + (-packed if negative else packed)).to_bytes(6, "big")
    text, end = temporal.time_reader(6)(stored, 0)
    assert end == 6
    wanted = f"{'-' if negative else ''}{hour:02d}:{minute:02d}:{second:02d}"
    assert text == wanted + (f".{micros:06d}".rstrip("0") if micros else "")


def test_old_temporal_forms():
    assert temporal.read_old_time((-8385959).to_bytes(3, "little", signed=True), 0) == (
        "-838:59:59", 3,
    )  # fmt: skip
    assert temporal.read_old_datetime((20261124093000).to_bytes(8, "little"), 0) == (
        "2026-11-24 09:30:00", 8,
    )  # fmt: skip
    assert temporal.read_old_timestamp(b"\0\0\0\0", 0) == ("0000-00-00 00:00:00+00", 4)


def test_bytes_that_are_no_text_cannot_be_taken_for_text():
    for name in ("utf8mb4", "ascii", "sjis", "utf16"):
        read = decoder(name)(b"\xff\xff\xff")
        with pytest.raises(UnicodeEncodeError):
            read.encode()
    assert decoder("latin1")(bytes(range(256))).encode("latin-1", "ignore")[:128] == bytes(
        range(128)
    )
    with pytest.raises(CharsetError, match="swe7"):
        decoder("swe7")


def test_positions_grow_with_files_and_offsets():
    places = [positions.pack(1, 4), positions.pack(1, 2**32 - 1), positions.pack(2, 4)]
    assert places == sorted(places)
    assert positions.pack(2**31 - 1, 2**32 - 1) == 2**63 - 1
    assert positions.text("my-bin", positions.pack(1_000_000, 4)) == "my-bin.1000000:4"
    assert (positions.number("my.bin.000012"), positions.prefix("my.bin.000012")) == (12, "my.bin")
    with pytest.raises(positions.PositionError, match="4 GiB"):
        positions.pack(1, 2**32)


def small_object(members: dict[str, bytes]) -> bytes:
    """An object whose values are inline: type and two bytes each."""
    entries, keys = b"", b""
    at = 4 + len(members) * 7
    for name in members:
        entries += struct.pack("<HH", at + len(keys), len(name))
        keys += name.encode()
    body = entries + b"".join(members.values()) + keys
    return b"\x00" + struct.pack("<HH", len(members), 4 + len(body)) + body


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"", "null"),
        (b"\x04\x00", "null"),
        (b"\x04\x01", "true"),
        (b"\x05\xff\xff", "-1"),
        (b"\x0a" + b"\xff" * 8, "18446744073709551615"),
        (b"\x0b" + struct.pack("<d", 0.1), "0.1"),
        (b"\x0b" + struct.pack("<d", 1.0), "1.0"),
        (b"\x0c\x03a\"\n", '"a\\"\\n"'),
        (b"\x0c\x80\x01" + b"x" * 128, '"' + "x" * 128 + '"'),
        (small_object({"a": b"\x04\x02\x00", "bb": b"\x05\x07\x00"}), '{"a": false, "bb": 7}'),
        (b"\x02" + struct.pack("<HH", 0, 4), "[]"),
        (b"\x0f\xf6\x04\x03\x02\x81\x0a", "1.10"),
        (b"\x0f\x0a\x08" + ((2026 * 13 + 11) << 22 | 24 << 17).__lshift__(24).to_bytes(8, "little"),
         '"2026-11-24"'),
    ],
)  # fmt: skip
def test_mysqls_binary_json(document, text):
    assert jsonb.text(document) == text


def test_nested_arrays_of_binary_json():
    inner = struct.pack("<HH", 1, 7) + b"\x05\x09\x00"
    outer = struct.pack("<HH", 1, 7 + len(inner)) + b"\x02" + struct.pack("<H", 7) + inner
    assert jsonb.text(b"\x02" + outer) == "[[9]]"
