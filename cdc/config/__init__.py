"""The section `sync:` of routes.yaml: streams, by name.

Registered by the composition root: `load(text, env=..., sections={"sync": SYNC})`; the parsed
section is a mapping of names to `Stream`.
"""

from __future__ import annotations

from cdc.config.model import Stream
from cdc.config.rules import RULES
from cdc.config.streams import STREAM
from strangler.kit.nodes import Node
from strangler.kit.reader import Reader
from strangler.kit.records import MapOf
from strangler.kit.shapes import Shape, name

__all__ = ["SYNC", "Stream"]


class _Streams(Shape[dict[str, Stream]]):
    """Streams under their names."""

    _mapping = MapOf(name("a stream's name"), STREAM, "`sync`")
    schema = _mapping.schema

    def read(self, node: Node, reader: Reader) -> dict[str, Stream] | None:
        """The streams that can be read; those are what the rules across streams see."""
        drafts = self._mapping.read(node, reader)
        if drafts is None:
            return None
        for rule in RULES:
            for place, message in rule(drafts):
                reader.error(place, message)
        return {name: draft.stream(name) for name, draft in drafts.items()}


SYNC = _Streams()
