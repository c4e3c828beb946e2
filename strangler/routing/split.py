r"""From an identity to a bucket, and from a bucket to an upstream.

A bucket is a number from 0 to 9999, the same on every process and host. The old side owns the top
of the range and the others follow from 0 in file order, so that a side which grows takes buckets
from the old side only: who was on the new side at 10 % is still there at 25 %.

Test vectors, (identity, salt) -> bucket:

    b'a', b'reviews' -> 8279
    b'user-1', b'reviews' -> 9696
    b'user-1', b'orders' -> 6904
    b'', b'reviews' -> 3260
    b'jos\xc3\xa9', b'reviews' -> 4951
    b'192.0.2.7', b'reviews' -> 6652
    b'user-1', b'' -> 7162
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from hashlib import blake2b

BUCKETS = 10_000
"""One bucket is a hundredth of a percent, as a share's unit is."""

_REMEMBERED = 8192
_LONGEST_REMEMBERED = 128
"""Longer identities are hashed each time: clients write them, and the memory is bounded."""


def _hash(identity: bytes, salt: bytes) -> int:
    digest = blake2b(identity, key=salt).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


_remembered = lru_cache(maxsize=_REMEMBERED)(_hash)


def bucket(identity: bytes, salt: bytes) -> int:
    """The first 8 bytes, big-endian, of BLAKE2b-512 keyed with `salt`, modulo 10000.

    Raises ValueError if the salt is longer than 64 bytes.
    """
    if len(identity) > _LONGEST_REMEMBERED:
        return _hash(identity, salt)
    return _remembered(identity, salt)


class Ranges:
    """Which share of a split owns which buckets."""

    __slots__ = ("_bounds", "_owners", "others", "top")

    def __init__(self, shares: tuple[int, ...], old: int) -> None:
        """`shares` are hundredths of a percent that sum to 10000; `old` is an index into them.

        Raises ValueError if they do not sum to 10000 or one is negative.
        """
        if sum(shares) != BUCKETS or min(shares) < 0:
            raise ValueError(f"shares {shares} are not hundredths that sum to {BUCKETS}")
        order = [index for index in range(len(shares)) if index != old] + [old]
        owners, bounds, end = [], [], 0
        for index in order:
            if shares[index]:
                end += shares[index]
                owners.append(index)
                bounds.append(end)
        self._owners, self._bounds = tuple(owners), tuple(bounds)
        self.top = owners[-1]
        """Owner of the last bucket: the old side, unless its share is 0."""
        self.others = BUCKETS - shares[old]
        """Buckets that do not belong to the old side; they are the lowest."""

    def owner(self, bucket: int) -> int:
        """Index of the share that owns a bucket of 0..9999."""
        return self._owners[bisect_right(self._bounds, bucket)]

    def other(self, bucket: int) -> int | None:
        """As `owner`, with the bucket spread over the other sides by their relative shares.

        None if all of these are 0.
        """
        return self.owner(bucket * self.others // BUCKETS) if self.others else None
