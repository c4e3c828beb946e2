"""Dates and times of the binlog, from their bytes to text, with nothing in between.

mysql-replication reads them as Python's `date`, `datetime` and `timedelta`, which cannot hold what
the servers can: it turns `0000-00-00` and `2026-00-15` into None, as if they were NULL. A value
that cannot be told from NULL is a lost write, so its row reading is not used at all.

The layouts are MySQL 5.6's, which MariaDB writes too (`mysql56_temporal_format`, on by default):
big-endian, with the sign or an offset in the highest bit so that they sort as bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeAlias

Read: TypeAlias = Callable[[bytes, int], tuple[str, int]]
"""From the bytes and a place in them: the value, and the place after it."""

_EPOCH = date(1970, 1, 1)
_DAY = 86400


def date_text(year: int, month: int, day: int) -> str:
    """A date, be it one of the calendar or not."""
    return f"{year:04d}-{month:02d}-{day:02d}"


def fraction(microseconds: int) -> str:
    """The fraction of a second, as short as it can be said."""
    return f".{microseconds:06d}".rstrip("0") if microseconds else ""


def read_date(data: bytes, at: int) -> tuple[str, int]:
    """DATE: year, four bits of month, five of day; three bytes, little endian."""
    packed = int.from_bytes(data[at : at + 3], "little")
    return date_text(packed >> 9, packed >> 5 & 15, packed & 31), at + 3


def datetime_reader(digits: int) -> Read:
    """DATETIME with so many digits of fraction."""
    size = (digits + 1) // 2
    scale = 10 ** (6 - 2 * size)

    def read(data: bytes, at: int) -> tuple[str, int]:
        packed = int.from_bytes(data[at : at + 5], "big") - 0x80_0000_0000
        end = at + 5 + size
        text = f"{_ymd(packed >> 17)} {_hms(packed & 0x1FFFF)}"
        micros = int.from_bytes(data[at + 5 : end], "big") * scale if size else 0
        return (text + fraction(micros) if micros else text), end

    return read


def timestamp_reader(digits: int) -> Read:
    """TIMESTAMP with so many digits of fraction, in UTC."""
    size = (digits + 1) // 2
    scale = 10 ** (6 - 2 * size)

    def read(data: bytes, at: int) -> tuple[str, int]:
        seconds = int.from_bytes(data[at : at + 4], "big")
        end = at + 4 + size
        micros = int.from_bytes(data[at + 4 : end], "big") * scale if size else 0
        return utc(seconds, micros), end

    return read


def utc(seconds: int, micros: int) -> str:
    """Seconds since 1970 as text; the servers keep `0000-00-00 00:00:00` as 0."""
    if not seconds and not micros:
        return "0000-00-00 00:00:00+00"
    days, rest = divmod(seconds, _DAY)
    minutes, second = divmod(rest, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{_day(days)} {clock}{fraction(micros)}+00"


def time_reader(digits: int) -> Read:
    """TIME with so many digits of fraction: a signed number, offset so that it sorts."""
    size = (digits + 1) // 2
    width, offset = 3 + size, 0x80_0000 << 8 * size
    scale = 10 ** (6 - 2 * size)

    def read(data: bytes, at: int) -> tuple[str, int]:
        packed = int.from_bytes(data[at : at + width], "big") - offset
        sign, packed = ("-", -packed) if packed < 0 else ("", packed)
        micros = (packed & (1 << 8 * size) - 1) * scale
        return f"{sign}{_hms(packed >> 8 * size)}{fraction(micros)}", at + width

    return read


def read_old_time(data: bytes, at: int) -> tuple[str, int]:
    """TIME before 5.6: the decimal number hhmmss, signed, little endian."""
    packed = int.from_bytes(data[at : at + 3], "little", signed=True)
    sign, packed = ("-", -packed) if packed < 0 else ("", packed)
    return f"{sign}{packed // 10000:02d}:{packed // 100 % 100:02d}:{packed % 100:02d}", at + 3


def read_old_datetime(data: bytes, at: int) -> tuple[str, int]:
    """DATETIME before 5.6: the decimal number YYYYMMDDhhmmss, little endian."""
    day, clock = divmod(int.from_bytes(data[at : at + 8], "little"), 1_000_000)
    text = date_text(day // 10000, day // 100 % 100, day % 100)
    return f"{text} {clock // 10000:02d}:{clock // 100 % 100:02d}:{clock % 100:02d}", at + 8


def read_old_timestamp(data: bytes, at: int) -> tuple[str, int]:
    """TIMESTAMP before 5.6: seconds since 1970, little endian."""
    return utc(int.from_bytes(data[at : at + 4], "little"), 0), at + 4


@lru_cache(maxsize=4096)
def _ymd(packed: int) -> str:
    """Year * 13 + month, then five bits of day."""
    year, month = divmod(packed >> 5, 13)
    return date_text(year, month, packed & 31)


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return (_EPOCH + timedelta(days)).isoformat()


def _hms(packed: int) -> str:
    return f"{packed >> 12:02d}:{packed >> 6 & 63:02d}:{packed & 63:02d}"


def trimmed(text: str) -> str:
    """A time as a server shows it, without zeros at the end of the fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text
