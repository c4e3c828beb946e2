"""The alert rules: played by promtool, and never about a metric that does not exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cdc.applier.counters import Counters as OfApplier
from cdc.metrics import _Collector
from cdc.relay.counters import Counters as OfRelay
from strangler.proxy import counters, metrics
from strangler.proxy.status import Stage, Status, WorkerStatus
from strangler.telemetry.prometheus import render

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "alerts.yaml"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed"
)


def rules() -> list[dict]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def emitted() -> set[str]:
    """Every metric name that a gateway with all kinds of state shows."""
    cells = memoryview(bytearray((counters.SERIES + 64) * 8)).cast("Q")
    cells[counters.OTHER + counters.STATUS_2XX] = 1
    worker = WorkerStatus(0, 1, Stage.SERVING, 1, {}, 1.0, 0.0, 1, 1.0)
    status = Status(1, "", 1, (worker,), {0: 0}, 1.0, {("a", "b"): True}, frozenset())
    families = [
        *metrics.traffic([cells], {}),
        *metrics.gateway(status, reloads_refused=0, version="1"),
    ]
    return set(re.findall(r"^(strangler_\w+)", render(families), re.MULTILINE)) | of_relays()


def of_relays() -> set[str]:
    """Those of relays and appliers, with the ending that counters get."""
    found = [
        *_Collector("relay", "reviews", OfRelay()).collect(),
        *_Collector("applier", "reviews", OfApplier()).collect(),
    ]
    return {each.name + ("_total" if each.type == "counter" else "") for each in found}


def test_every_metric_in_a_rule_or_a_hint_is_emitted() -> None:
    named = set(re.findall(r"strangler_\w+", RULES.read_text()))
    assert named - {"strangler_parked"} <= emitted()  # which is a table of the target


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "runbook"}


def test_every_rule_is_played() -> None:
    played = RULES.with_name("alerts.test.yaml").read_text()
    for rule in rules():
        assert played.count(rule["alert"]) >= 2  # once silent, once firing


@needs_promtool
@pytest.mark.parametrize("arguments", [["check", "rules", RULES.name],
                                       ["test", "rules", "alerts.test.yaml"]])  # fmt: skip
def test_promtool_agrees(arguments: list[str]) -> None:
    done = subprocess.run(
        ["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
