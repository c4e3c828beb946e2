"""The targets, from samples."""

from bench.relay.targets import targets
from bench.results import Results, Sample
from bench.targets import Verdict

FENCED, UNFENCED = "strangler, fenced", "strangler, at_least_once"


def verdicts(*samples: tuple[str, str, int, dict[str, float]]) -> dict[str, Verdict]:
    results = Results({}, {}, {}, samples=[Sample(*sample) for sample in samples])
    return {target.text: target.verdict for target in targets(results)}


def test_nothing_is_met_that_was_not_measured():
    assert set(verdicts().values()) == {Verdict.NOT_MEASURED}


def test_ratios_are_taken_within_their_round():
    found = verdicts(
        ("commit-100", "debezium", 0, {"rate": 10.0}),
        ("commit-100", FENCED, 0, {"rate": 26.0}),
        ("commit-100", "debezium", 1, {"rate": 100.0}),
        ("commit-100", FENCED, 1, {"rate": 251.0}),
        ("commit-100", UNFENCED, 1, {"rate": 249.0}),
    )
    assert found["Changes/s, fenced, to Debezium's"] is Verdict.MET
    assert found["Changes/s, at_least_once, to Debezium's"] is Verdict.NOT_MET
    assert found["Changes/s, fenced, to pg_recvlogical's"] is Verdict.NOT_MEASURED


def test_the_fenced_relay_has_looser_bounds_of_latency():
    found = verdicts(
        ("latency", "debezium", 0, {"p50_ms": 10, "p99_ms": 20}),
        ("latency", FENCED, 0, {"p50_ms": 9, "p99_ms": 39}),
        ("latency", UNFENCED, 0, {"p50_ms": 9, "p99_ms": 11}),
    )
    assert found["Latency p50, fenced, to Debezium's"] is Verdict.MET
    assert found["Latency p99, fenced, to Debezium's"] is Verdict.MET
    assert found["Latency p50, at_least_once, to Debezium's"] is Verdict.NOT_MET
    assert found["Latency p99, at_least_once, to Debezium's"] is Verdict.MET


def test_memory_is_in_megabytes_and_a_snapshot_in_shares_of_copy():
    found = verdicts(
        ("big", FENCED, 0, {"rss": 149e6}),
        ("snapshot", "COPY", 0, {"rate": 100.0}),
        ("snapshot", "COPY", 1, {"rate": 300.0}),
        ("snapshot", FENCED, 0, {"rate": 81.0}),
    )
    assert found["Memory, a transaction of a million rows"] is Verdict.MET
    assert found["Snapshot, to COPY TO STDOUT"] is Verdict.MET
