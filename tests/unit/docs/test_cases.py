"""tests/CASES.md names tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[2]
PAGE = (TESTS / "CASES.md").read_text("utf-8")
CASE = re.compile(r"^\| (\d+) \|", re.MULTILINE)


@cache
def found_in(path: Path) -> frozenset[str]:
    """The names of a file's tests."""
    return frozenset(
        each.name
        for each in ast.parse(path.read_text("utf-8")).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.name.startswith("test_")
    )


def lost(page: str) -> list[str]:
    """What a page names that is not there."""
    named = [text for text in re.findall(r"`([^`]+)`", page) if "::" in text]
    assert named
    return [
        each for each in named
        for path, name in [each.split("::")]
        if not (TESTS / path).is_file() or name not in found_in(TESTS / path)
    ]  # fmt: skip


def test_every_test_that_is_named_is_there():
    assert lost(PAGE) == []


def test_one_that_is_not_there_is_noticed():
    here = "unit/docs/test_cases.py"
    assert lost(f"`{here}::lost`, `{here}::test_gone`, `unit/gone.py::test_gone`") == [
        f"{here}::lost", f"{here}::test_gone", "unit/gone.py::test_gone",
    ]  # fmt: skip


def test_every_case_of_the_list_is_there_and_every_line_names_a_test():
    assert {int(number) for number in CASE.findall(PAGE)} == set(range(1, 23))
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert [line for line in rows if "::" not in line] == []
