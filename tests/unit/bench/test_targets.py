"""Targets are computed, and a miss is called one."""

from bench.cases.features import CASE, CORE, EVERYTHING
from bench.results import Results, Sample
from bench.targets import Target, Verdict, not_met, targets


def results(*samples: Sample) -> Results:
    return Results({}, {}, {}, samples=list(samples))


def canary(peer: str, *cpu: float) -> list[Sample]:
    return [Sample("canary", peer, n, {"cpu_us": us, "rss": 50e6}) for n, us in enumerate(cpu)]


def named(found: list[Target], text: str) -> Target:
    return next(target for target in found if target.text == text)


def test_without_figures_nothing_is_met():
    found = targets(results())
    assert {target.verdict for target in found} == {Verdict.NOT_MEASURED}
    assert not_met(found) == []


def test_a_bound_is_met_at_its_value_and_missed_beyond():
    assert Target("x", 2.0, at_most=True, unit="", measured=2.0).verdict is Verdict.MET
    assert Target("x", 2.0, at_most=True, unit="", measured=2.01).verdict is Verdict.NOT_MET
    assert Target("x", 5.0, at_most=False, unit="", measured=4.9).verdict is Verdict.NOT_MET


def test_ratios_are_taken_within_a_round():
    found = targets(
        results(
            *canary("strangler", 40, 80, 42),
            *canary("nginx", 20, 40, 20),
            *canary("envoy", 100, 200, 60),
            *canary("aiohttp", 200, 400, 168),
        )
    )
    assert named(found, "CPU per request, core path, to nginx").measured == 2.0
    assert named(found, "CPU per request, core path, to Envoy").measured == 0.4
    assert named(found, "CPU per request of the aiohttp proxy, to ours").measured == 5.0
    assert named(found, "Resident memory of a worker, highest").measured == 50.0


def test_everything_on_carries_the_core_path_to_the_peers():
    features = [
        Sample(CASE, CORE, 0, {"cpu_us": 50.0}),
        Sample(CASE, EVERYTHING, 0, {"cpu_us": 70.0}),
    ]
    found = targets(results(*canary("strangler", 40), *canary("nginx", 20), *features))
    assert named(found, "CPU per request, everything on, to nginx").measured == 2.8
    assert [t.text for t in not_met(found)] == ["CPU per request, everything on, to nginx"]


def test_growth_of_a_stream_is_in_megabytes():
    stream = Sample("stream", "strangler", 0, {"up_growth": 9e6, "down_growth": 1e6})
    found = targets(results(stream))
    assert named(found, "Growth while a long body streams, up").verdict is Verdict.NOT_MET
    assert named(found, "Growth while a long body streams, down").verdict is Verdict.MET
