"""docs/operations.md names what there is: metrics, refusals, log events, addresses, limits."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from cdc.applier import counters as of_applier
from cdc.metrics import _Collector
from cdc.relay import counters as of_relay
from strangler.admin.calls import CALLS
from strangler.config import model
from strangler.kit.quantities import size
from strangler.proxy import counters, metrics
from strangler.proxy.counters import Refusal
from strangler.proxy.status import Stage, Status, WorkerStatus

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def section(heading: str) -> str:
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's rows whose first cell is code."""
    found = re.findall(r"^\| (`.*) \|$", section(heading), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


def families():
    """What a gateway with all kinds of state shows."""
    cells = memoryview(bytearray((counters.SERIES + 64) * 8)).cast("Q")
    cells[counters.OTHER + counters.STATUS_2XX] = 1
    worker = WorkerStatus(0, 1, Stage.SERVING, 1, {}, 1.0, 0.0, 1, 1.0)
    status = Status(1, "", 1, (worker,), {0: 0}, 1.0, {("a", "b"): True}, frozenset())
    return [
        *metrics.traffic([cells], {}),
        *metrics.gateway(status, reloads_refused=0, version="1"),
    ]


def metric_row(family) -> list[str]:
    labels = sorted({name for sample in family.samples for name, _ in sample.labels} - {"le"})
    told = ", ".join(f"`{label}`" for label in labels) or "none"
    return [f"`{family.name}`", family.kind, told, family.help]


def test_the_metrics_are_those_that_are_emitted():
    told = [row for row in rows("Metrics") if row[0].startswith("`strangler_")]
    assert told == [metric_row(family) for family in families()]


def test_the_refusals_are_those_that_are_counted():
    told = dict(re.findall(r"`(\w+)` (\d{3})\b", section("Metrics")))
    expected = {each.label: str(each.status) for each in Refusal if each.label != "client_gone"}
    assert told == expected


RELAYS = {"relay": of_relay, "applier": of_applier}


def meanings(module) -> dict[str, str]:
    """The docstring of each counter."""
    (record,) = (each for each in ast.parse(inspect.getsource(module)).body
                 if isinstance(each, ast.ClassDef))  # fmt: skip
    return {
        field.target.id: " ".join(said.value.value.split())
        for field, said in pairwise(record.body)
        if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr)
    }


def relay_rows():
    for role, module in RELAYS.items():
        said = meanings(module)
        for family in _Collector(role, "reviews", module.Counters()).collect():
            suffix = "_total" if family.type == "counter" else ""
            counter = family.name.removeprefix(f"strangler_{role}_")
            yield [f"`{family.name}{suffix}`", family.type, said[counter]]


def test_the_relays_metrics_are_those_that_are_emitted():
    assert rows("The relay's metrics") == list(relay_rows())


def logged(package: str) -> set[str]:
    """The names of all events, from the calls of loggers in the source."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[event, *_]):
                    found |= {text for each in values(tree, event) for text in texts(each)}
    return found


def values(tree, event):
    """What stands there, or was assigned to the name that stands there."""
    if not isinstance(event, ast.Name):
        return [event]
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    return [node.value for node in assigned if ast.unparse(node.targets[0]) == event.id]


def texts(event):
    """The texts of an expression, which may be a choice between two; not what the choice asks."""
    if isinstance(event, ast.IfExp):
        return texts(event.body) | texts(event.orelse)
    return {each.value for each in ast.walk(event) if isinstance(each, ast.Constant)}


@pytest.mark.parametrize(
    ("heading", "package"), [("Log events", "strangler"), ("The relay's log events", "cdc")]
)
def test_the_log_events_are_those_that_are_logged(heading, package):
    assert {row[0].strip("`") for row in rows(heading)} == logged(package)


def test_the_addresses_and_roles_are_those_of_the_admin_port():
    told = {row[0].strip("`"): row[1] for row in rows("The admin port")}
    calls = {
        f"{call.method} /api/{name}": "operator" if call.changes else "viewer"
        for name, call in CALLS.items()
    }
    others = dict.fromkeys(
        ("GET /metrics", "GET /api/identity", "GET /api/versions/{number}"), "viewer"
    )
    assert told == calls | others | {"GET /healthz": "all", "GET /readyz": "all"}


@pytest.mark.parametrize("row", rows("Sizes"), ids=lambda row: row[0])
def test_the_limits_have_these_defaults(row):
    key = row[0].strip("`").rpartition(".")
    holders = {
        "gateway.limits": model.Limits(),
        "gateway.hold": model.Hold(),
        "upstreams.NAME": model.Upstream("x", ()),
    }
    assert size(row[1].strip("`")) == getattr(holders[key[0]], key[2])


def test_the_scrape_example_is_right_as_yaml():
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    assert job["job_name"] == "strangler"  # as the alert rules expect
    assert set(job["authorization"]) == {"credentials_file"}


def test_the_unit_file_outlives_the_drain():
    unit = (ROOT / "deploy" / "systemd" / "strangler.service").read_text("utf-8")
    wait = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1])
    assert wait >= model.ClientTimeouts().drain + 15
    assert "KillMode=mixed" in unit
    assert "ExecReload=/bin/kill -HUP $MAINPID" in unit
