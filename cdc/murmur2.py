"""Which partition a key goes to: 32-bit MurmurHash2 with the seed of Kafka's Java clients.

The sink leaves this to the client library, which computes the same; here it is for whoever has to
know beforehand or looks for a key without reading every partition.
"""

from __future__ import annotations

from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash as an unsigned number; Java's is the same 32 bits, read as signed."""
    length = len(data)
    whole = length - length % 4
    value = _SEED ^ length
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        word = (word ^ word >> 24) * _M & _MASK
        value = value * _M & _MASK ^ word
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * _M & _MASK
    value = (value ^ value >> 13) * _M & _MASK
    return value ^ value >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many, which must be at least 1."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
