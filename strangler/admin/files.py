"""Files that a table names: whether they are there is not in the text, but worth saying early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from strangler.config.load import Checked
from strangler.config.model import Table
from strangler.kit.compose import compose
from strangler.kit.nodes import walk
from strangler.kit.pieces import ANY_VARIABLE
from strangler.kit.problems import Problem, Severity


def with_files(checked: Checked, text: str, severity: Severity) -> Checked:
    """What was found in a text, and the files that it names and that are not on this host.

    A gateway cannot use a table without them (`Severity.ERROR`); a command may run elsewhere.
    """
    missing = list(_missing(checked.table)) if checked.table else []
    if not missing:
        return checked
    root, _ = compose(text, ANY_VARIABLE)
    assert root is not None
    problems = []
    for path, file in missing:
        node = walk(root, *path)
        message = f"there is no file `{file}` on this host: a gateway here could not use it"
        problems.append(Problem(node.line, node.column, message, severity))
    table = None if severity is Severity.ERROR else checked.table
    return replace(checked, table=table, problems=tuple(sorted((*checked.problems, *problems))))


def _missing(table: Table) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where a file is named that is not there, and its path."""
    named: list[tuple[tuple[str, ...], str | None]] = []
    if table.gateway.tls is not None:
        named.append((("gateway", "tls", "certificate"), table.gateway.tls.certificate))
        named.append((("gateway", "tls", "key"), table.gateway.tls.key))
    named += [
        (("upstreams", upstream.name, "tls", "ca"), upstream.tls.ca)
        for upstream in table.upstreams.values()
        if any(endpoint.tls for endpoint in upstream.endpoints)
    ]
    for path, file in named:
        if file is not None and not Path(file).is_file():
            yield path, file
