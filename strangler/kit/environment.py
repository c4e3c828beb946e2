"""References to environment variables in scalars: secrets and addresses stay out of the file.

`${NAME}` must be set, `${NAME:-fallback}` need not be, `$${` stands for a literal `${`. The value
of a variable never reaches a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from strangler.kit.nodes import Scalar
from strangler.kit.problems import Problem, did_you_mean

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_UNREADABLE = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes in the environment that are no text."""
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def expand(node: Scalar, env: Mapping[str, str], problems: list[Problem]) -> None:
    """Replace the references in a scalar's text; what cannot be replaced is a problem."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        value, message = _look_up(match[1], env)
        if message:
            problems.append(Problem(node.line, node.column, message))
            node.broken = True
        return value

    node.text = _REFERENCE.sub(replaced, node.raw)


def _look_up(inside: str | None, env: Mapping[str, str]) -> tuple[str, str | None]:
    parts = _INSIDE.fullmatch(inside or "")
    if parts is None:
        return "", (
            "this is no reference to a variable: write `${NAME}` or `${NAME:-fallback}`,"
            " and `$${` for a literal `${`"
        )
    name, fallback = parts[1], parts[2]
    value = env.get(name)
    if value is not None and not value.isascii() and _UNREADABLE.search(value):
        return "", f"the environment variable `{name}` is not UTF-8: set it to a text that is"
    if fallback is not None:
        return value or fallback, None
    if value is None:
        return "", (
            f"the environment variable `{name}` is not set{did_you_mean(name, env)}:"
            f" set it, or give a fallback as `${{{name}:-...}}`"
        )
    return value, None
