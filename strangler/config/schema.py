"""JSON Schema of routes.yaml, for editors that complete and check while one types.

Generated from the shapes that the loader reads with, so that it knows exactly their keys. It says
what a place may hold, not what must hold across the table; that is `strangler check`.
"""

from __future__ import annotations

from typing import Any

from strangler.config.load import Sections, table_shape


def json_schema(sections: Sections | None = None) -> dict[str, Any]:
    """The schema (2020-12) of a whole file, with the sections of other packages."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "strangler: routes.yaml",
        "description": "The route table of the strangler gateway.",
        **table_shape(sections or {}).schema,
    }
