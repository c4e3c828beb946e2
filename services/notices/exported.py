"""Rows of the monolith's export."""

from collections.abc import Mapping

from services.common.rows import Row, moment_of, value_of


def notice_row(given: Mapping[str, object]) -> Row:
    """The row of one JSON object; fields they do not have are ignored. Raises RowError."""
    return {
        "id": value_of(given, "id", int),
        "title": value_of(given, "title", str),
        "body": value_of(given, "body", str),
        "pinned": value_of(given, "pinned", bool),
        "published_at": moment_of(given, "published_at"),
    }


def question_row(given: Mapping[str, object]) -> Row:
    """The row of one JSON object; fields they do not have are ignored. Raises RowError."""
    return {
        "id": value_of(given, "id", int),
        "category": value_of(given, "category", str),
        "position": value_of(given, "position", int),
        "question": value_of(given, "question", str),
        "answer": value_of(given, "answer", str),
    }
