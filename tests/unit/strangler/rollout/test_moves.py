import pytest

from strangler.config.load import load
from strangler.rollout.moves import RefusedError, canary, cautions, cutover, rollback, scope_of

HEAD = """\
version: 1
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  a: {endpoints: [http://127.0.0.1:8101]}
  b: {endpoints: [http://127.0.0.1:8102]}
default: legacy
routes:
"""
PAGE = (
    "  - {name: page, group: g, match: {prefix: /p, methods: [GET]}, split: {a: 10, legacy: 90}}\n"
)
API = PAGE.replace("name: page", "name: api").replace("prefix: /p", "prefix: /api/p")
FORM = (
    "  - {name: form, group: g, match: {prefix: /p, methods: [POST]}, split: {a: 0, legacy: 100}}\n"
)
TWO = "  - {name: two, match: {prefix: /t}, split: {a: 5, b: 5, legacy: 90}}\n"
ONLY = "  - {name: only, match: {prefix: /o}, upstream: legacy}\n"
GONE = "  - {name: gone, match: {path: /gone}, respond: {status: 410}}\n"


def table(*routes: str, tail: str = ""):
    return load(HEAD + "".join(routes) + tail, env={})


def test_a_command_on_a_route_moves_its_group_within_the_phase():
    scope = scope_of(table(PAGE, API, FORM), "page")
    assert scope.names == ("page", "api")
    assert str(scope) == "group g (reads): page, api; form stay as they are"
    assert scope_of(table(PAGE, API, FORM), "form").names == ("form",)


def test_a_group_can_be_named_itself():
    assert scope_of(table(PAGE, API), "g").names == ("page", "api")


def test_a_route_of_all_methods_ties_both_phases():
    anything = PAGE.replace(", methods: [GET]", "").replace("name: page", "name: any")
    anything = anything.replace("prefix: /p", "prefix: /q")
    write = FORM.replace("{a: 0, legacy: 100}", "{a: 10, legacy: 90}")
    assert scope_of(table(API, anything, write), "api").names == ("api", "any", "form")


@pytest.mark.parametrize(
    ("name", "why"),
    [("pag", "did you mean `page`"), ("gone", "no split to move")],
)
def test_what_cannot_move_is_refused(name, why):
    with pytest.raises(RefusedError, match=why):
        scope_of(table(PAGE, GONE), name)


def test_writes_of_a_group_with_streams_wait_for_the_fenced_cutover():
    synced = "  - {name: s, match: {prefix: /s}, split: {a: 0, legacy: 100}, sync: [s]}\n"
    from cdc.config import SYNC

    text = HEAD + synced + "sync:\n  s: {source: 'postgresql://h/d', tables: [t]}\n"
    found = load(text, env={}, sections={"sync": SYNC})
    with pytest.raises(RefusedError, match="the fenced cutover is not there yet"):
        scope_of(found, "s")


def test_canary_gives_the_rest_to_the_old_side():
    found = table(PAGE)
    assert canary(found, scope_of(found, "page"), 1250, {}) == {"a": 1250, "legacy": 8750}
    assert canary(found, scope_of(found, "page"), 0, {}) == {"a": 0, "legacy": 10000}


def test_of_several_new_sides_one_must_be_named():
    found = table(TWO)
    scope = scope_of(found, "two")
    with pytest.raises(RefusedError, match="--to NAME=PERCENT"):
        canary(found, scope, 1000, {})
    assert canary(found, scope, None, {"b": 2000}) == {"a": 500, "b": 2000, "legacy": 7500}
    with pytest.raises(RefusedError, match="together"):
        canary(found, scope, None, {"b": 9600})


def test_a_first_new_side_must_be_named_and_known():
    found = table(ONLY)
    scope = scope_of(found, "only")
    with pytest.raises(RefusedError, match="knows no side beside legacy"):
        canary(found, scope, 1000, {})
    with pytest.raises(RefusedError, match="no upstream is called aa"):
        canary(found, scope, None, {"aa": 1000})
    with pytest.raises(RefusedError, match="old side"):
        canary(found, scope, None, {"legacy": 1000})
    assert canary(found, scope, None, {"a": 1000}) == {"legacy": 9000, "a": 1000}


def test_cutover_gives_everything_to_the_new_side():
    found = table(PAGE, TWO)
    assert cutover(found, scope_of(found, "page"), None) == {"a": 10000, "legacy": 0}
    with pytest.raises(RefusedError, match=r"several new sides.*use --to NAME$"):
        cutover(found, scope_of(found, "two"), None)
    assert cutover(found, scope_of(found, "two"), "b") == {"a": 0, "b": 10000, "legacy": 0}


def at(a: int, b: int):
    split = f"{{a: {a}, b: {b}, legacy: {100 - a - b}}}"
    return table(f"  - {{name: r, match: {{prefix: /r}}, split: {split}}}\n")


def test_rollback_goes_to_the_side_before():
    scope = scope_of(at(0, 100), "r")
    history = [{"b": 10000}, {"a": 5000, "b": 5000}, {"a": 10000}, {"legacy": 10000}]
    assert rollback(scope, history) == {"a": 10000, "b": 0, "legacy": 0}


def test_rollback_of_a_canary_goes_to_who_had_all_of_it():
    scope = scope_of(at(10, 0), "r")
    assert rollback(scope, [{"a": 1000, "legacy": 9000}, {"legacy": 10000}])["legacy"] == 10000


def test_rollback_without_history_goes_to_the_old_side_and_never_forward():
    assert rollback(scope_of(at(10, 0), "r"), [])["legacy"] == 10000
    stays = {"a": 0, "b": 0, "legacy": 10000}
    assert rollback(scope_of(at(0, 0), "r"), [{"a": 10000}]) == stays


def test_a_killed_group_is_said():
    found = table(PAGE, tail="groups: {g: {kill: true}}\n")
    assert "stays on legacy" in cautions(found, scope_of(found, "page"))[0]
