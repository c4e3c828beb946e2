import pytest

from strangler.kit.quantities import (
    DURATION,
    PERCENT,
    POSITIVE_DURATION,
    SIZE,
    hundredths,
    percent_text,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("250ms", 0.25),
        ("5s", 5.0),
        ("0s", 0.0),
        ("1.5m", 90.0),
        ("0.1s", 0.1),
        ("1h", 3600.0),
        ("30d", 2_592_000.0),
    ],
)
def test_durations(read, text, seconds):
    assert read(DURATION, text) == (seconds, [])


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("5", "`5s`"),
        ("5 s", "`5s`"),
        ("30 sec", "`30s`"),
        ("2 minutes", "`2m`"),
        ("2min", "`2m`"),
        ("100 millis", "`100ms`"),
        ("1 day", "`1d`"),
        ("-5s", "a number and one of `ms`, `s`, `m`, `h`, `d`, such as `5s`"),
        ("1e3s", "a number and one of `ms`, `s`, `m`, `h`, `d`, such as `5s`"),
    ],
)
def test_what_is_no_duration(read, text, write):
    assert read(DURATION, text) == (None, [f"`{text}` is not a duration: write {write}"])


def test_some_durations_must_not_be_zero(read):
    assert read(POSITIVE_DURATION, "1ms") == (0.001, [])
    assert "above 0" in read(POSITIVE_DURATION, "0")[1][0]


def test_no_duration_is_longer_than_ten_years(read):
    assert "ten years" in read(DURATION, "99999d")[1][0]


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65_536), ("1MiB", 2**20), ("2GiB", 2**31)],
)
def test_sizes(read, text, count):
    assert read(SIZE, text) == (count, [])


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("64k", "`64KiB`"),
        ("64KB", "`64KiB`"),
        ("1 mb", "`1MiB`"),
        ("2G", "`2GiB`"),
        ("1.5MiB", "whole bytes, or `KiB`, `MiB` or `GiB`, such as `64KiB`"),
        ("-1", "whole bytes, or `KiB`, `MiB` or `GiB`, such as `64KiB`"),
    ],
)
def test_what_is_no_size(read, text, write):
    assert read(SIZE, text) == (None, [f"`{text}` is not a size: write {write}"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("100", 10_000), ("12.5", 1250), ("12.50", 1250), ("0.01", 1), ("99.99", 9999)],
)
def test_percentages_are_whole_hundredths(read, text, value):
    assert read(PERCENT, text) == (value, [])
    assert hundredths(text) == value


@pytest.mark.parametrize(
    "text", ["12.345", "1e1", "-1", "+1", "100.01", "101", ".5", "5.", "", "1,5", "٣", "0x1"]
)
def test_what_is_no_percentage(read, text):
    assert hundredths(text) is None
    value, (message,) = read(PERCENT, f"'{text}'")
    assert value is None
    assert "is not a percentage: write 0 to 100" in message


def test_a_percent_sign_is_left_out(read):
    assert read(PERCENT, "10%") == (None, ["`10%` is not a percentage: write `10`"])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1, "0.01"), (1250, "12.5"), (1000, "10"), (10_000, "100")]
)
def test_percentages_are_written_as_short_as_they_can_be(value, text):
    assert percent_text(value) == text
