"""Groups as the routes and `groups:` say them together: one value for each setting."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from strangler.config.model import Group
from strangler.config.overrides import Overrides
from strangler.config.routes import Entry
from strangler.kit.nodes import Mapping, Node, walk
from strangler.kit.problems import did_you_mean
from strangler.kit.reader import Reader


@dataclass(slots=True)
class _Gathered:
    """What was said about one group so far, and where."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, said: Overrides, node: Node, reader: Reader, group: str) -> None:
        """Take what one place says; what contradicts an earlier place is an error."""
        for key, value in said.said().items():
            place = walk(node, key)
            if key not in self.values:
                self.values[key] = value
                self.lines[key] = place.line
            elif self.values[key] != value:
                reader.error(
                    place,
                    f"`{key}` of the group `{group}` is something else on line {self.lines[key]}:"
                    " routes of a group move together, so say it once, best under `groups:`",
                )


def groups_of(
    entries: Sequence[Entry],
    declared: MappingOf[str, Overrides],
    root: Node,
    reader: Reader,
) -> tuple[dict[str, Group], dict[str, str]]:
    """Every group by name, and the old side of those that name one."""
    gathered: dict[str, _Gathered] = {}
    for name, said in declared.items():
        gathered.setdefault(name, _Gathered()).add(said, walk(root, "groups", name), reader, name)
    for entry in entries:
        group = gathered.setdefault(entry.group, _Gathered())
        group.add(entry.overrides, entry.node, reader, entry.group)
    _check_unused(entries, declared, root, reader)
    olds = {
        name: group.values.pop("old") for name, group in gathered.items() if "old" in group.values
    }
    groups = {
        name: Group(**{"name": name, "salt": name, **group.values})
        for name, group in gathered.items()
    }
    return groups, olds


def _check_unused(
    entries: Sequence[Entry], declared: MappingOf[str, Overrides], root: Node, reader: Reader
) -> None:
    """A group that no route names moves nothing, so its `kill` would do nothing either."""
    used = {entry.group for entry in entries} | _named_groups(root)
    for name in declared:
        if name not in used:
            reader.error(
                walk(root, "groups", name),
                f"no route belongs to the group `{name}`{did_you_mean(name, used)}:"
                f" write `group: {name}` on its routes, or remove it",
            )


def _named_groups(root: Node) -> set[str]:
    """Groups of all routes, those with problems of their own too."""
    routes = walk(root, "routes")
    items = getattr(routes, "items", ()) if routes is not root else ()
    named = (
        walk(item, key) for item in items if isinstance(item, Mapping) for key in ("group", "name")
    )
    return {node.text for node in named if hasattr(node, "text")}
