from prometheus_client.parser import text_string_to_metric_families

from strangler.proxy import counters, metrics
from strangler.proxy.counters import SERIES, SERIES_CELLS, Refusal
from strangler.proxy.status import Stage, Status, WorkerStatus
from strangler.telemetry.prometheus import render

ROUTE = ("reviews-read", "reviews")
BASE = SERIES + SERIES_CELLS


def page(**cells: int) -> memoryview:
    return memoryview(bytearray((SERIES + 3 * SERIES_CELLS) * 8)).cast("Q")


def parsed(families) -> dict[tuple[str, frozenset], float]:
    """What an independent parser makes of the page: (name, labels) -> value."""
    found = {}
    for family in text_string_to_metric_families(render(families)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def key(name: str, **labels: str) -> tuple[str, frozenset]:
    return (f"strangler_{name}", frozenset(labels.items()))


def status(*workers: WorkerStatus, **changes) -> Status:
    fields = {
        "version": 8, "address": "127.0.0.1:8080", "slots": 2, "workers": workers,
        "restarts": {0: 1, 1: 0}, "lease_remaining": 12.5, "endpoints": {}, "panic": frozenset(),
    }  # fmt: skip
    return Status(**{**fields, **changes})


def worker(slot: int, stage: Stage = Stage.SERVING, version: int = 8) -> WorkerStatus:
    return WorkerStatus(slot, 100 + slot, stage, version, {}, 9.0, 0.1, 40_000_000, 1.5)


def test_counts_of_all_page_sets_are_summed() -> None:
    first, second = page(), page()
    for cells, count in ((first, 3), (second, 4)):
        cells[BASE + counters.STATUS_2XX] = count
        cells[BASE + counters.bucket(700)] = count
        cells[BASE + counters.DURATION_US] = count * 700
        cells[BASE + counters.BYTES_OUT] = 10
        cells[counters.CONNECTIONS] = 1
        cells[counters.REFUSALS + Refusal.HOLD_FULL] = 2
    second[BASE + counters.STATUS_5XX] = 1
    found = parsed(metrics.traffic([first, second], {ROUTE: BASE}))
    labels = {"route": "reviews-read", "upstream": "reviews"}
    assert found[key("requests_total", **labels, code_class="2xx")] == 7
    assert found[key("requests_total", **labels, code_class="5xx")] == 1
    assert found[key("request_duration_seconds_count", **labels)] == 7
    assert found[key("request_duration_seconds_bucket", **labels, le="0.0005")] == 0
    assert found[key("request_duration_seconds_bucket", **labels, le="0.001")] == 7
    assert found[key("request_duration_seconds_sum", **labels)] == 7 * 700 / 1e6
    assert found[key("response_bytes_total", **labels)] == 20
    assert found[key("connections")] == 2
    assert found[key("refusals_total", reason="hold_full", status="503")] == 4


def test_series_without_a_request_are_left_out_and_every_reason_is_there() -> None:
    found = parsed(metrics.traffic([page()], {ROUTE: BASE}))
    assert not any("route" in dict(labels) for _, labels in found)
    reasons = {dict(labels)["reason"] for name, labels in found if name.endswith("refusals_total")}
    assert reasons == {refusal.label for refusal in Refusal}


def test_what_found_no_series_is_counted_as_other() -> None:
    cells = page()
    cells[counters.OTHER + counters.STATUS_4XX] = 1
    found = parsed(metrics.traffic([cells], {}))
    assert found[key("requests_total", route="other", upstream="other", code_class="4xx")] == 1


def test_what_the_supervisor_knows() -> None:
    now = status(
        worker(0, Stage.DRAINING, 7),
        worker(0),
        worker(1, version=7),
        endpoints={("reviews", "http://127.0.0.1:1"): False, ("legacy", "unix:/run/x"): True},
        panic=frozenset({"reviews"}),
    )
    found = parsed(metrics.gateway(now, reloads_refused=2, version="0.1.0"))
    assert found[key("workers", stage="serving")] == 2
    assert found[key("workers", stage="draining")] == 1
    assert found[key("worker_restarts_total", slot="0")] == 1
    assert found[key("table_version", slot="0")] == 8
    assert found[key("table_version", slot="1")] == 7
    assert found[key("table_version_live")] == 8
    assert found[key("reload_refused_total")] == 2
    assert found[key("lease_remaining_seconds")] == 12.5
    assert found[key("endpoint_up", upstream="reviews", endpoint="http://127.0.0.1:1")] == 0
    assert found[key("upstream_panic", upstream="reviews")] == 1
    assert found[key("upstream_panic", upstream="legacy")] == 0
    assert found[key("build_info", version="0.1.0")] == 1
