"""Rows of a megabyte each, copied by a relay whose memory stays what it is."""

from __future__ import annotations

import itertools
import json

import pytest
from support.matrix import sampled
from support.memory import peak_mb
from support.pipes import until

from cdc.config.model import Limits
from cdc.standing import relay_report

ROWS, WIDTH = 300, 1_000_000
MOST = 200
"""MB: a relay at rest has 70 or 80, `limits.memory` is 32 MiB, and librdkafka and the encoder hold
some of these rows once more. All rows are 300 MB."""
TABLE = {
    "postgresql": "CREATE TABLE item (id bigint PRIMARY KEY, doc jsonb, body text)",
    "mariadb": "CREATE TABLE item (id BIGINT PRIMARY KEY, doc JSON, body LONGTEXT)",
    "sqlite": "CREATE TABLE item (id INTEGER PRIMARY KEY, doc JSON, body TEXT)",
}


def fill(side, first, count, width):
    """Rows of `width` bytes, half of them in the document."""
    for number in range(first, first + count):
        half = f"{number:08d}" * (width // 16)
        doc = json.dumps({"text": half})
        side.run("INSERT INTO item VALUES (:id, :doc, :body)", id=number, doc=doc, body=half)


@pytest.mark.parametrize(
    ("kind", "narrow"),
    sampled(
        itertools.product(TABLE, [0, 2_000]), ("postgresql", 2_000), ("mariadb", 0), ("sqlite", 0)
    ),
)
def test_the_snapshot_of_wide_rows_is_bounded_in_bytes(side, pipe, kind, narrow):
    old = side(kind)
    old.run(TABLE[kind])
    if narrow:
        old.run(*(f"INSERT INTO item VALUES ({n}, '{{}}', 'x')" for n in range(narrow)))
    fill(old, narrow, ROWS, WIDTH)
    limits = Limits(record=2 * WIDTH)
    there = pipe(old, side("sqlite"), "item", limits=limits, partitions=1)
    with there.process("run", there.stream.name) as relay:

        def copied():
            assert relay.poll() is None, there.log("run")
            report = relay_report(there.stream, there.home.store) or {}
            return report.get("records", 0) >= narrow + ROWS and not report["snapshots"]

        until(copied, "the snapshot", 120)
        peak = peak_mb(relay.pid)
    print(f"{kind}: {peak:.0f} MB")
    assert peak < MOST
