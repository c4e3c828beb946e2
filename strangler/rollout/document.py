"""A routes.yaml as plain data: what people wrote, without comments and without secrets.

Differences are taken between documents rather than between compiled tables: references such as
`${TOKEN}` stay references, so that no plan, history or log can show a secret, and an old version
can be compared although a variable it names is gone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Node, Scalar, Sequence
from strangler.kit.problems import ConfigError, Problem, Severity
from strangler.kit.quantities import hundredths, percent_text

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
"""A scalar's text as written, a list, a mapping, or None where nothing was written."""

Document: TypeAlias = dict[str, Value]


BYTE_ORDER_MARK = "\ufeff"
"""Some editors write one; it is no part of what a file says."""


_VERSION = re.compile(r"^\ufeff?version:[ \t]+([0-9]{1,16})[ \t]*(?:#.*)?\r?$", re.MULTILINE)
"""How nearly every file says its number: read without reading the rest."""


class _AnyVariable(dict[str, str]):
    """An environment in which every variable is set: here only the references matter."""

    def __missing__(self, name: str) -> str:
        return ""

    def get(self, key: str, default: object = None) -> str:  # noqa: ARG002
        return ""


def parse(text: str, file: str = "routes.yaml") -> tuple[Mapping, list[Problem]]:
    """The root node of a routes.yaml; raises ConfigError if there is none."""
    root, problems = compose(text.removeprefix(BYTE_ORDER_MARK), _AnyVariable())
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not isinstance(root, Mapping):
        raise ConfigError(file, errors or [Problem(1, 1, "the file must be a mapping of keys")])
    return root, errors


@lru_cache(maxsize=4)
def document(text: str) -> Document:
    """The data of a routes.yaml, not to be changed; raises ConfigError if it is no mapping.

    The last few are remembered: one command compares the same two texts several times, and a
    table of 10,000 routes takes most of a second to read.
    """
    root, _ = parse(text)
    data = data_of(root)
    assert isinstance(data, dict)
    return data


def data_of(node: Node) -> Value:
    """A node's data, unexpanded."""
    if isinstance(node, Mapping):
        return {key.raw: data_of(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return None if node.is_null else node.raw


def version_of(text: str) -> int | None:
    """The number a text carries, or None if it carries none that can be read."""
    plain = _VERSION.search(text)
    if plain is not None:
        return int(plain[1])
    try:
        root, _ = parse(text)
    except ConfigError:
        return None
    node = root.get("version")
    if isinstance(node, Scalar) and node.raw.isascii() and node.raw.isdigit():
        return int(node.raw)
    return None


def admin_of(text: str) -> str | None:
    """The admin address a text names, if it can be read at all and is not a variable."""
    try:
        gateway = parse(text)[0].get("gateway")
    except ConfigError:
        return None
    node = gateway.get("admin") if isinstance(gateway, Mapping) else None
    return node.raw if isinstance(node, Scalar) and node.raw and "${" not in node.raw else None


def same(one: str, other: str) -> bool:
    """Whether two texts say the same table, whatever their comments, layout and numbers."""
    if one == other:
        return True
    try:
        first, second = document(one), document(other)
    except ConfigError:
        return False
    return {**first, "version": None} == {**second, "version": None}


def split_of(route: Value) -> dict[str, int] | None:
    """The shares of a route's split in hundredths; None if it has none that can be read."""
    if not isinstance(route, dict):
        return None
    upstream, split = route.get("upstream"), route.get("split")
    if isinstance(upstream, str):
        return {upstream: 10_000}
    if not isinstance(split, dict):
        return None
    shares = {name: hundredths(str(share)) for name, share in split.items()}
    return {name: share for name, share in shares.items() if share is not None}


def shares_text(shares: dict[str, int]) -> str:
    """`reviews 10 %, legacy 90 %`."""
    return ", ".join(f"{name} {percent_text(share)} %" for name, share in shares.items())


def routes_of(data: Document) -> dict[str, Document]:
    """The routes by name; those without a name are left out."""
    routes = data.get("routes")
    found: dict[str, Document] = {}
    for route in routes if isinstance(routes, list) else ():
        name = route.get("name") if isinstance(route, dict) else None
        if isinstance(route, dict) and isinstance(name, str):
            found[name] = route
    return found
