"""YAML text to a `Table`, or to every problem it has.

Three passes, none of which stops at a problem: the text becomes nodes, shapes read the nodes of
each section, rules look across the table that came out of it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strangler.config.actions import UPSTREAM_REF
from strangler.config.gateway import GATEWAY
from strangler.config.groups import groups_of
from strangler.config.model import Table
from strangler.config.overrides import GROUPS
from strangler.config.routes import ROUTES
from strangler.config.rules import Source, check_table
from strangler.config.upstreams import UPSTREAMS, named
from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Node
from strangler.kit.problems import ConfigError, Problem, Severity
from strangler.kit.reader import Reader
from strangler.kit.records import Field, Record
from strangler.kit.scalars import integer
from strangler.kit.shapes import Shape

Sections = MappingOf[str, Shape[Any]]
"""Sections of other packages, by key: what may stand there and how it is read."""

FIELDS = (
    Field("version", integer(1, 2**53), "The table version that this file is.", True, "version: 1"),
    Field("gateway", GATEWAY, "Settings of the gateway itself."),
    Field(
        "upstreams",
        UPSTREAMS,
        "Named sets of endpoints that serve the same thing.",
        True,
        "upstreams: {legacy: {endpoints: [http://127.0.0.1:8000]}}",
    ),
    Field("default", UPSTREAM_REF, "Serves whatever no route matches.", True, "default: legacy"),
    Field("groups", GROUPS, "Settings of routes that move together."),
    Field("routes", ROUTES, "What happens to which requests."),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a text turned out to be."""

    table: Table | None
    """None if there is an error."""
    problems: tuple[Problem, ...]
    """Errors and warnings, by place."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the text from being used."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(p for p in self.problems if p.severity is Severity.WARNING)


def check(text: str, *, env: MappingOf[str, str], sections: Sections | None = None) -> Checked:
    """Everything that can be said about a text without touching anything outside it."""
    with _collector_at_rest():
        return _check(text, env, sections or {})


def _check(text: str, env: MappingOf[str, str], sections: Sections) -> Checked:
    root, problems = compose(text, env)
    if root is None:
        return Checked(None, tuple(sorted(problems)))
    reader = Reader(_names(root))
    reader.problems.extend(problems)
    table = _table(root, reader, sections)
    found = tuple(sorted(set(reader.problems)))
    failed = any(problem.severity is Severity.ERROR for problem in found)
    return Checked(None if failed else table, found)


def load(
    text: str,
    *,
    file: str = "routes.yaml",
    env: MappingOf[str, str],
    sections: Sections | None = None,
) -> Table:
    """The table that a text says. `env` answers `${NAME}`; raises ConfigError with every error."""
    checked = check(text, env=env, sections=sections)
    if checked.table is None:
        raise ConfigError(file, checked.errors)
    return checked.table


def table_shape(sections: Sections) -> Record[dict[str, Any]]:
    """The whole file, with the sections of other packages."""
    registered = [Field(key, shape, f"The section `{key}`.") for key, shape in sections.items()]
    return Record("the route table", [*FIELDS, *registered], dict)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the cycle collector from walking, again and again, a tree that has no cycles.

    It would take half the time of a large table.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _names(root: Node) -> dict[str, frozenset[str]]:
    """What the file defines, read first.

    A reference may then stand before or after it, and something that is defined wrongly is not
    also reported as unknown.
    """
    names: dict[str, frozenset[str]] = {"sync": frozenset()}
    for section in ("upstreams", "sync"):
        inner = root.get(section) if isinstance(root, Mapping) else None
        if isinstance(inner, Mapping):
            names[section] = frozenset(key.raw for key, _ in inner.entries)
    return names


def _table(root: Node, reader: Reader, sections: Sections) -> Table | None:
    values = table_shape(sections).values(root, reader)
    if values is None:
        return None
    default = values.get("default", "")
    entries = values.get("routes", ())
    groups, olds = groups_of(entries, values.get("groups", {}), root, reader)
    table = Table(
        version=values.get("version", 0),
        upstreams=named(values.get("upstreams", {}), default),
        default=default,
        routes=tuple(entry.route(olds.get(entry.group, default)) for entry in entries),
        groups=groups,
        sections={key: values[key] for key in sections if key in values},
        **({"gateway": values["gateway"]} if "gateway" in values else {}),
    )
    reader.problems += check_table(Source(table, root, tuple(entry.node for entry in entries)))
    return table
