"""Small decisions of the relay's harness."""

import struct

import pytest

from bench.relay.checksum import WrongAnswerError
from bench.relay.latency import percentiles
from bench.relay.memory import parse_peak
from bench.relay.plan import ALL, THROUGHPUT, Plan, commit_of
from bench.relay.readers.recvlogical import check


def test_peak_memory_is_in_bytes_and_a_zombie_has_none():
    assert parse_peak("Name:\tjava\nVmPeak:\t  900 kB\nVmHWM:\t  12 kB\nVmRSS:\t 5 kB\n") == 12288
    assert parse_peak("Name:\tjava\nState:\tZ (zombie)\n") == 0


def test_the_first_tenth_of_the_latencies_is_warm_up():
    committed = [float(n) for n in range(100)]
    arrived = [n + (1.0 if n < 10 else 0.005) for n in committed]
    arrived[50] = 50.5
    found = percentiles(committed, arrived)
    assert found["p50_ms"] == pytest.approx(5)
    assert found["p99_ms"] == pytest.approx(500)


def test_every_size_of_commit_divides_its_rows():
    assert [commit_of(case) for case in THROUGHPUT] == [1, 100, 10_000]
    assert all(Plan().rows_of(commit_of(case)) % commit_of(case) == 0 for case in THROUGHPUT)
    assert len(set(ALL)) == len(ALL)


def inserted(number: int, oid: int = 16385) -> bytes:
    digits = str(number).encode()
    head = b"I" + struct.pack("!I", oid) + b"N" + struct.pack("!h", 10)
    return head + b"t" + struct.pack("!I", len(digits)) + digits + b"t\0\0\0\x01x\n"


def test_a_file_of_changes_is_counted_by_its_rows():
    data = b"B....\n" + inserted(9) + inserted(10) + b"C....\n" + inserted(11)
    check(data, 16385, 9, 3)
    for wrong in ((data, 16385, 9, 4), (data, 16385, 8, 3), (data + inserted(9), 16385, 9, 3)):
        with pytest.raises(WrongAnswerError):
            check(*wrong)


def test_rows_of_another_table_do_not_count():
    check(inserted(1) + inserted(2, 99), 16385, 1, 1)
