"""Rebase on tables of any shape: the merged text says exactly what the merged data says."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from strangler.rollout.document import document
from strangler.rollout.rebase import carry, merge

NAMES = st.sampled_from(["a", "b", "c", "d"])
SHARE = st.integers(0, 100)
ROUTE = st.fixed_dictionaries(
    {"match": st.fixed_dictionaries({"prefix": st.sampled_from(["/x", "/y", "/z"])})},
    optional={"split": SHARE.map(lambda n: {"new": n, "old": 100 - n}), "owner": NAMES},
)
TABLE = st.dictionaries(NAMES, ROUTE, min_size=1)


def text(routes: dict) -> str:
    listed = [{"name": name, **route} for name, route in routes.items()]
    data = {"version": 1, "default": "old", "routes": listed}
    return yaml.safe_dump(data, sort_keys=False)


@settings(deadline=None)
@given(TABLE, TABLE)
def test_without_edits_of_ones_own_the_live_table_comes_out(base, live):
    merged = carry(text(base), text(base) + "# mine\n", text(live)).text
    assert merged is None or document(merged) == document(text(live))


@settings(deadline=None)
@given(TABLE, TABLE)
def test_without_live_changes_the_file_stays_byte_for_byte(base, mine):
    assert merge(text(base), text(mine), text(base)).text == text(mine)


@settings(deadline=None)
@given(TABLE, TABLE, TABLE)
def test_every_value_comes_from_a_side_that_changed_it(base, mine, live):
    merged = merge(text(base), text(mine), text(live))
    if merged.text is None:
        assert merged.conflicts
        return
    for name in "abcd":
        before, ours, theirs, result = (
            {route["name"]: route for route in document(each)["routes"]}.get(name)
            for each in (text(base), text(mine), text(live), merged.text)
        )
        if ours == before:
            assert result == theirs
        elif theirs == before:
            assert result == ours
