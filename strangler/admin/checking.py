"""`strangler check`: every problem of some files, in one run and without a gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from strangler.admin.commands import read_file
from strangler.admin.operations import CheckText
from strangler.admin.working_copy import WorkingCopy


def check_files(files: Sequence[Path], check: CheckText) -> dict[str, Any]:
    """`ok`, the `problems` of all files, and what is in those that are `right`.

    Raises `Failure` for a file that cannot be read.
    """
    problems: list[dict[str, Any]] = []
    right: list[dict[str, Any]] = []
    for path in files:
        checked = check(read_file(WorkingCopy(path)).text)
        problems += [{"file": str(path), **asdict(each)} for each in checked.problems]
        if checked.table is not None:
            routes, upstreams = len(checked.table.routes), len(checked.table.upstreams)
            right.append({"file": str(path), "routes": routes, "upstreams": upstreams})
    return {"ok": len(right) == len(files), "problems": problems, "right": right}
