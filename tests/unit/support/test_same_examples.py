"""What properties draw without a seed of their own: see tests/conftest.py."""

import runpy
import sys
import types

from hypothesis import given, settings
from hypothesis import strategies as st


def drawn() -> list[int]:
    values = []

    @settings(max_examples=300)
    @given(st.integers())
    def draw(value):
        values.append(value)

    draw()
    return values


def test_what_is_drawn_does_not_depend_on_what_was_imported_before(tmp_path, monkeypatch):
    before = drawn()
    path = tmp_path / "numbers_of_ours.py"
    path.write_text("\n".join(f"A{n} = {10**9 + n}" for n in range(1_000)))
    module = types.ModuleType("numbers_of_ours")
    module.__dict__.update(runpy.run_path(str(path)), __file__=str(path))
    monkeypatch.setitem(sys.modules, "numbers_of_ours", module)
    assert len(before) == 300
    assert drawn() == before
