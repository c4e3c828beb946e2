"""Notices and questions as JSON: the monolith's fields in the monolith's order."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from services.common.timestamps import iso


def notice_shape(row: Mapping[str, Any]) -> dict[str, object]:
    """One notice."""
    return {
        "id": row["id"],
        "title": row["title"],
        "body": row["body"],
        "pinned": row["pinned"],
        "published_at": iso(row["published_at"]),
    }


def question_shape(row: Mapping[str, Any]) -> dict[str, object]:
    """One question; its position is what the order says."""
    return {
        "id": row["id"],
        "category": row["category"],
        "question": row["question"],
        "answer": row["answer"],
    }


def by_category(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Heading and questions of each category; `rows` are ordered by it."""
    groups = groupby(rows, itemgetter("category"))
    return [(category[:1].upper() + category[1:], list(group)) for category, group in groups]
