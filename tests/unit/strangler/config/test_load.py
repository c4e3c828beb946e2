import gc
from pathlib import Path

import pytest

from cdc.config import SYNC, Stream
from cdc.config.model import TableSync, Topics
from strangler.config.load import check, load
from strangler.config.model import (
    Buffering,
    Endpoint,
    Gateway,
    Match,
    PathKind,
    Route,
    Split,
    Table,
    Upstream,
)
from strangler.kit.problems import ConfigError

SMALLEST = """\
version: 1
upstreams:
  legacy:
    endpoints: [http://127.0.0.1:8000]
default: legacy
"""


def test_the_smallest_file_is_a_complete_table():
    legacy = Upstream("legacy", (Endpoint("127.0.0.1", 8000),), request_buffering=Buffering.CHUNKED)
    assert load(SMALLEST, env={}) == Table(1, {"legacy": legacy}, "legacy")


def test_a_route_knows_where_it_stands_and_what_its_table_says():
    table = load(
        f"{SMALLEST}routes:\n"
        "  - name: feed\n    match: {path: /feed.xml}\n    upstream: legacy\n",
        env={},
    )
    (route,) = table.routes
    assert route == Route(
        name="feed",
        match=Match(PathKind.EXACT, "/feed.xml"),
        action=Split((("legacy", 10_000),)),
        group="feed",
        old="legacy",
    )
    assert (route.line, route.column) == (7, 5)
    assert table.groups["feed"].salt == "feed"


def test_every_error_is_raised_at_once():
    with pytest.raises(ConfigError) as caught:
        load("version: 0\nupstreams: {legacy: {endpoints: []}}\nnope: 1\n", env={}, file="r.yaml")
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "r.yaml:1:1:",
        "r.yaml:1:10:",
        "r.yaml:2:33:",
        "r.yaml:3:1:",
    ]


def test_one_bad_route_does_not_hide_the_next():
    checked = check(
        f"{SMALLEST}routes:\n- {{name: a, upstream: legacy}}\n- {{name: b, match: {{path: /}}}}\n",
        env={},
    )
    assert [problem.line for problem in checked.errors] == [7, 8]


def test_an_upstream_that_is_wrong_is_not_also_unknown():
    text = SMALLEST.replace("http://127.0.0.1:8000", "nowhere")
    (problem,) = check(text, env={}).problems
    assert "is not an endpoint" in problem.message


def test_warnings_are_not_errors():
    text = (
        f"{SMALLEST}routes:\n- {{name: a, match: {{path: /}}, upstream: legacy,"
        " identity: ['cookie:sessionid']}\n"
    )
    checked = check(text, env={})
    assert checked.table is not None
    assert checked.errors == ()
    assert len(checked.warnings) == 1
    assert load(text, env={}) == checked.table


def test_a_section_belongs_to_who_registers_it():
    text = f"{SMALLEST}sync:\n  reviews: {{source: 'sqlite:///a.db', tables: [t]}}\n"
    with pytest.raises(ConfigError, match="`sync` is not a key of the route table"):
        load(text, env={})
    table = load(text, env={}, sections={"sync": SYNC})
    stream = Stream("reviews", "sqlite:///a.db", (TableSync("t", "t"),), Topics("reviews"))
    assert table.sections == {"sync": {"reviews": stream}}


def test_values_come_from_the_environment():
    text = SMALLEST.replace("http://127.0.0.1:8000", '"${LEGACY}"')
    table = load(text, env={"LEGACY": "http://shop:1234"})
    assert table.upstreams["legacy"].endpoints == (Endpoint("shop", 1234),)


def test_the_value_of_a_variable_never_reaches_a_message():
    text = SMALLEST.replace("http://127.0.0.1:8000", '"${LEGACY}"').replace("1\n", '"${N}"\n', 1)
    text += (
        'routes:\n- {name: a, match: {prefix: "${N}"}, split: {"legacy": "${N}"}, kill: "${N}"}\n'
    )
    checked = check(text, env={"LEGACY": "hunter2", "N": "hunter2"})
    assert len(checked.problems) == 5
    assert "hunter2" not in str(checked.problems)


@pytest.mark.parametrize("text", ["[]", "x", "- a"])
def test_a_file_that_is_no_mapping_is_told_so(text):
    (problem,) = check(text, env={}).problems
    assert "the route table is a mapping" in problem.message


def test_the_default_gateway_is_the_model_s():
    assert load(f"{SMALLEST}gateway:\n", env={}).gateway == Gateway()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled):
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        check("nope", env={})
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_the_example_of_this_repository_has_no_problem():
    text = (Path(__file__).parents[4] / "routes.yaml").read_text()
    assert check(text, env={}, sections={"sync": SYNC}).problems == ()
