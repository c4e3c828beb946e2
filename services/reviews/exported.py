"""Rows of the monolith's export, which has names joined in."""

from collections.abc import Mapping

from services.common.rows import Row, moment_of, value_of


def review_row(given: Mapping[str, object]) -> Row:
    """The review of one JSON object."""
    return {
        "id": value_of(given, "id", int),
        "product_id": value_of(given, "product_id", int),
        "author_id": value_of(given, "author_id", int),
        "rating": value_of(given, "rating", int),
        "title": value_of(given, "title", str),
        "body": value_of(given, "body", str),
        "created_at": moment_of(given, "created_at"),
        "updated_at": moment_of(given, "updated_at"),
    }


def product_row(given: Mapping[str, object]) -> Row:
    """The product that it is about."""
    return {
        "id": value_of(given, "product_id", int),
        "name": value_of(given, "product_name", str),
    }


def author_row(given: Mapping[str, object]) -> Row:
    """Who wrote it."""
    name = value_of(given, "author", str)
    return {"id": value_of(given, "author_id", int), "username": name, "display_name": name}
