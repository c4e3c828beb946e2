from types import SimpleNamespace

import pytest

from cdc.config import SYNC
from strangler.config.load import check

BASE = """\
version: 1
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  reviews: {endpoints: [http://127.0.0.1:8101]}
  notices: {endpoints: [http://127.0.0.1:8102]}
default: legacy
"""


def _check(text, env=None):
    return check(BASE + text, env=env or {}, sections={"sync": SYNC})


@pytest.fixture
def config():
    """`table(rest)` of a file that goes on as `rest`, and `told(rest)`, what is wrong with it."""

    def table(text, env=None):
        checked = _check(text, env)
        assert checked.table is not None, checked.problems
        return checked.table

    def told(text, env=None):
        return [
            f"{p.line - BASE.count(chr(10))}:{p.column} {p.severity}: {p.message}"
            for p in _check(text, env).problems
        ]

    return SimpleNamespace(
        table=table,
        told=told,
        route=lambda keys: table(f"routes:\n- {{name: r, {keys}}}\n").routes[0],
        route_told=lambda keys: told(f"routes:\n- {{name: r, {keys}}}\n"),
    )
