import pytest

from strangler.config.model import Endpoint, Match, Redirect, Route, Split, Table, Upstream
from strangler.proxy import counters
from strangler.proxy.counters import OTHER, SERIES, SERIES_CELLS, Refusal, SeriesMap


def table(*routes: Route, version: int = 1) -> Table:
    upstreams = {n: Upstream(n, (Endpoint("127.0.0.1", 1),)) for n in ("legacy", "reviews")}
    return Table(version, upstreams, "legacy", routes)


def route(name: str, *shares: tuple[str, int]) -> Route:
    return Route(name, Match(), Split(shares), name, "legacy")


def test_every_cell_of_the_worker_block_is_distinct_and_before_the_series() -> None:
    fixed = [
        value
        for name, value in vars(counters).items()
        if name.isupper() and name.endswith(("_TOTAL", "CONNECTIONS", "TUNNELS", "BYTES", "HELD"))
        and isinstance(value, int) and name not in ("CELL_BYTES", "PAGE_SET_BYTES")
    ]  # fmt: skip
    assert len(set(fixed)) == len(fixed)
    assert max(fixed) < counters.REFUSALS
    assert counters.REFUSALS + max(Refusal) < SERIES


def test_a_series_fits_its_cells() -> None:
    assert counters.BUCKETS + len(counters.BOUNDS_US) + 1 <= SERIES_CELLS


@pytest.mark.parametrize(
    ("duration", "bound"), [(0, 500), (500, 500), (501, 1000), (60_000_000, 60_000_000)]
)
def test_a_bucket_includes_its_bound(duration: int, bound: int) -> None:
    assert counters.BOUNDS_US[counters.bucket(duration) - counters.BUCKETS] == bound


def test_what_is_over_the_last_bound_has_a_bucket_of_its_own() -> None:
    assert counters.bucket(60_000_001) == counters.BUCKETS + len(counters.BOUNDS_US)


def test_a_refusal_knows_its_status_and_its_word() -> None:
    assert (Refusal.HOLD_FULL.status, Refusal.HOLD_FULL.label) == (503, "hold_full")
    assert [int(refusal) for refusal in Refusal] == list(range(len(Refusal)))


def test_a_series_keeps_its_place_across_versions() -> None:
    series = SeriesMap()
    first = series.assign(
        table(route("a", ("reviews", 1000), ("legacy", 9000)), route("b", ("legacy", 10000)))
    )
    second = series.assign(
        table(route("c", ("reviews", 10000)), route("a", ("reviews", 10000)), version=2)
    )
    assert second["a", "reviews"] == first["a", "reviews"]
    assert second["a", "legacy"] == first["a", "legacy"]
    assert len({*first.values(), *second.values()}) == len({*first, *second})
    assert all((base - SERIES) % SERIES_CELLS == 0 for base in second.values())


def test_every_side_a_route_can_use_has_a_series() -> None:
    retired = Route("old", Match(), Redirect(path="/"), "old", "legacy")
    assert counters.series_of(table(route("a", ("reviews", 10000)), retired)) == [
        ("-", "legacy"), ("a", "reviews"), ("a", "legacy"), ("old", "-"),
    ]  # fmt: skip


def test_without_room_requests_are_counted_as_other() -> None:
    series = SeriesMap(capacity=3)
    bases = series.assign(table(route("a", ("reviews", 10000))))
    assert list(bases.values()) == [SERIES + SERIES_CELLS, SERIES + 2 * SERIES_CELLS, OTHER]
    assert ("a", "legacy") not in series.bases


def test_gauges_of_a_dead_process_go_to_zero_and_counts_stay() -> None:
    cells = memoryview(bytearray(1024 * 8)).cast("Q")
    base = SERIES + SERIES_CELLS
    for cell in (counters.CONNECTIONS, counters.REQUESTS_TOTAL, OTHER + counters.IN_FLIGHT,
                 base + counters.IN_FLIGHT, base + counters.STATUS_2XX):  # fmt: skip
        cells[cell] = 7
    counters.reset_gauges(cells, {("a", "legacy"): base})
    assert [cells[counters.CONNECTIONS], cells[base + counters.IN_FLIGHT]] == [0, 0]
    assert cells[OTHER + counters.IN_FLIGHT] == 0
    assert [cells[counters.REQUESTS_TOTAL], cells[base + counters.STATUS_2XX]] == [7, 7]
