"""Character sets: the servers' names and numbers, and Python's codecs for them.

The numbers of collations are asked of the server at each start (they differ between MariaDB and
MySQL and grow with versions); what is kept here is which codec decodes a character set.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from typing import TypeAlias

Decode: TypeAlias = Callable[[bytes], str]
Charsets: TypeAlias = Mapping[int, tuple[str, int]]
"""By collation id: the character set's name, and the bytes that a character takes at most."""

BINARY = "binary"

_LATIN1 = "".join(
    bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte)) for byte in range(256)
)
"""The servers' latin1: Windows' cp1252, with its five holes filled as in ISO 8859-1."""

_CODECS = {
    "ascii": "ascii", "big5": "big5", "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256",
    "cp1257": "cp1257", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866", "cp932": "cp932",
    "eucjpms": "euc_jp", "euckr": "euc_kr", "gb18030": "gb18030", "gb2312": "gb2312", "gbk": "gbk",
    "greek": "iso8859_7", "hebrew": "iso8859_8", "koi8r": "koi8_r", "koi8u": "koi8_u",
    "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13", "macce": "mac_latin2",
    "macroman": "mac_roman", "sjis": "shift_jis", "tis620": "tis_620", "ucs2": "utf_16_be",
    "ujis": "euc_jp", "utf16": "utf_16_be", "utf16le": "utf_16_le", "utf32": "utf_32_be",
    "utf8": "utf_8", "utf8mb3": "utf_8", "utf8mb4": "utf_8",
}  # fmt: skip


class CharsetError(Exception):
    """Text in a character set that cannot be read; the message says which."""


def decoder(charset: str) -> Decode:
    """What makes text of the bytes of a character set.

    Bytes that are none of it become lone surrogates, which cannot be written as JSON: such a row
    is a dead letter, as docs/formats.md has it, and not a guess. Raises `CharsetError`.
    """
    if charset in {"utf8mb4", "utf8mb3", "utf8"}:
        return _utf8
    if charset == "latin1":
        return _latin1
    name = _CODECS.get(charset)
    if name is None:
        raise CharsetError(
            f"text in the character set {charset} cannot be read; convert the column:"
            " ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4"
        )
    decode = codecs.getdecoder(name)
    return lambda data: decode(data, _LONE)[0]


def _lone(error: UnicodeError) -> tuple[str, int]:
    """A surrogate for each byte that cannot be read, whatever the codec."""
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in wrong), error.end


_LONE = "strangler.lone"
codecs.register_error(_LONE, _lone)


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", _LONE)


def _latin1(data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", _LATIN1)[0]
