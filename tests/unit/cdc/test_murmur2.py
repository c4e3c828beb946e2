"""The hash against the vectors of Kafka's own test of it (UtilsTest.testMurmur2)."""

from __future__ import annotations

import pytest

from cdc.murmur2 import murmur2, partition_of

PUBLISHED = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", PUBLISHED)
def test_the_published_vectors(data):
    assert murmur2(data) == PUBLISHED[data] % 2**32


def test_the_sign_is_dropped_before_the_partition_is_chosen():
    assert partition_of(b"21", 1000) == (-973932308 & 0x7FFFFFFF) % 1000


def test_an_empty_key_has_a_partition():
    assert partition_of(b"", 4) in range(4)
