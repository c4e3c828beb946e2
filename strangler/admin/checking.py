"""`strangler check`: every problem of some files, in one run and without a gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from strangler.admin.commands import read_file
from strangler.admin.failures import problem_count
from strangler.admin.operations import CheckText
from strangler.admin.working_copy import WorkingCopy


def check_files(files: Sequence[Path], check: CheckText) -> dict[str, Any]:
    """`ok`, the `problems` as data, and the `lines` for a person; raises `Failure`."""
    problems: list[dict[str, Any]] = []
    lines: list[str] = []
    errors = 0
    for path in files:
        checked = check(read_file(WorkingCopy(path)).text)
        errors += len(checked.errors)
        problems += [{"file": str(path), **asdict(each)} for each in checked.problems]
        lines += [each.at(str(path)) for each in checked.problems]
        if checked.table is not None:
            routes, upstreams = len(checked.table.routes), len(checked.table.upstreams)
            lines.append(f"{path}: right ({routes} routes, {upstreams} upstreams)")
    if errors:
        lines.append(problem_count(errors))
    return {"ok": not errors, "problems": problems, "lines": lines}
