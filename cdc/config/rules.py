"""What must hold across the streams of a file: nothing belongs to two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from cdc.config.model import Stream
from cdc.config.names import (
    LONGEST_TOPIC,
    REVERSE_NAME,
    reverse_topics_of,
    topics_of,
)
from cdc.config.streams import Draft
from cdc.config.tables import canonical
from strangler.kit.databases import database_of
from strangler.kit.nodes import Node, walk

Drafts: TypeAlias = Mapping[str, Draft]
Place: TypeAlias = tuple[str, str]
"""A database and a table in it."""
Found: TypeAlias = Iterator[tuple[Node, str]]
"""Where something is wrong, and what."""


def names_differ(drafts: Drafts) -> Found:
    """Names that databases take for the same, or that a reverse direction would have."""
    names: dict[str, str] = {}
    for name, draft in drafts.items():
        other = names.setdefault(name.lower(), name)
        if other != name:
            yield (
                draft.node,
                f"`{other}` and `{name}` differ in case only, which some databases do not see:"
                " give one of them another name",
            )
        forward = name.removesuffix(REVERSE_NAME)
        if forward != name and forward in drafts:
            yield (
                draft.node,
                f"`{name}` is what the reverse direction of `{forward}` is called:"
                " give this stream another name",
            )


def topics_fit(drafts: Drafts) -> Found:
    """Kafka's own limit on the length of a topic's name."""
    for name, draft in drafts.items():
        longest = max(_topics(draft.stream(name)), key=len)
        if len(longest) > LONGEST_TOPIC:
            yield (
                walk(draft.node, "topics", "prefix"),
                f"the topic `{longest[:60]}...` has {len(longest)} characters, and Kafka takes"
                f" {LONGEST_TOPIC}: write a shorter prefix under `topics`",
            )


def topics_differ(drafts: Drafts) -> Found:
    """Topics of all streams, compared as Kafka does: it takes `.` and `_` for the same."""
    taken: dict[str, tuple[str, str]] = {}
    for name, draft in drafts.items():
        for topic in _topics(draft.stream(name)):
            same = topic.replace(".", "_")
            if same in taken:
                owner, other = taken[same]
                yield walk(draft.node, "topics", "prefix"), _taken(topic, other, owner)
                break
            taken[same] = name, topic


def _taken(topic: str, other: str, owner: str) -> str:
    said = (
        f"the topic `{topic}` is one of `{owner}` already"
        if topic == other
        else f"Kafka cannot tell the topic `{topic}` from `{other}` of `{owner}`"
    )
    return f"{said}: write another prefix under `topics`, or move the table to another stream"


def _topics(stream: Stream) -> Iterator[str]:
    yield from topics_of(stream)
    if stream.target is not None:
        yield from reverse_topics_of(stream)


def targets_differ(drafts: Drafts) -> Found:
    """A table that two streams fill would hold whatever came last."""
    owners: dict[Place, str] = {}
    for name, draft in drafts.items():
        for _, target, node in _copies(draft):
            other = owners.setdefault(target, name)
            if other != name:
                yield (
                    walk(node, "to"),
                    f"`{other}` fills `{target[1]}` of this database already: leave the table to"
                    " one stream, or give it another `to`",
                )


def streams_end(drafts: Drafts) -> Found:
    """A change that comes back to the table it was made in would go round for ever."""
    leads: dict[Place, set[Place]] = {}
    for draft in drafts.values():
        for source, target, _ in _copies(draft):
            leads.setdefault(source, set()).add(target)
    for draft in drafts.values():
        for source, target, node in _copies(draft):
            if source != target and source in _reached(target, leads):
                yield (
                    walk(node, "to"),
                    f"changes of `{source[1]}` would come back to it through `{target[1]}`: name"
                    " one direction only, as the other is made when the data's owner changes",
                )


def _copies(draft: Draft) -> Iterator[tuple[Place, Place, Node]]:
    """From where to where, and the node of the table that says it."""
    source: str = draft.said["source"]
    target: str | None = draft.said.get("target")
    if target is None:
        return
    for placed in draft.tables:
        yield _place(source, placed.table.table), _place(target, placed.table.to), placed.node


def _place(url: str, table: str) -> Place:
    return database_of(url), canonical(table, url)


def _reached(start: Place, leads: Mapping[Place, set[Place]]) -> set[Place]:
    """Every table that changes of one get to, itself included."""
    reached, todo = {start}, [start]
    while todo:
        fresh = leads.get(todo.pop(), set()) - reached
        reached |= fresh
        todo += fresh
    return reached


RULES: tuple[Callable[[Drafts], Found], ...] = (
    names_differ,
    topics_fit,
    topics_differ,
    targets_differ,
    streams_end,
)
