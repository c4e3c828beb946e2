"""Probes of both directions while both run: each comes out at its own end."""

from __future__ import annotations

import pytest

from cdc.reconcile.probe import probe
from cdc.reconcile.report import Outcome
from cdc.reconcile.verify import verify
from tests.integration.cdc.pipes.sides import changes, running, settled

TABLE = "CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER)"
PAIRS = [("postgresql", "postgresql"), ("mariadb", "postgresql"), ("sqlite", "mariadb")]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_probe_goes_there_and_another_comes_back(side, both, pair):
    old, new = (side(kind) for kind in pair)
    old.run(TABLE, "INSERT INTO review VALUES (1, 1)")
    new.run(TABLE)
    there, back = both(old, new, "review", heartbeat=0.3)
    with running(there, back):
        settled(there)
        for stream in (there.stream, back.stream):
            found = probe(stream)
            assert found.through, found
            assert found.partitions == 3
            report = verify(stream)
            assert report.outcome is Outcome.EQUAL, report.to_json()
        settled(back)
    assert changes(back) == []
