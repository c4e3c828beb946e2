"""Answers in the monolith's way of writing JSON: compact, UTF-8, no sorting."""

import json

from aiohttp import web


def json_answer(value: object, status: int = 200) -> web.Response:
    """`value` as JSON. The media type goes without a charset: JSON is UTF-8 (RFC 8259, 8.1)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(body=text.encode(), status=status, content_type="application/json")


def error_answer(status: int, error: str, detail: str) -> web.Response:
    """An error: `error` for programs, `detail` for people."""
    return json_answer({"error": error, "detail": detail}, status)
