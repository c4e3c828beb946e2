"""Roles of the admin API's tokens."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a token may do."""

    VIEWER = "viewer"
    """Look at everything, change nothing."""
    OPERATOR = "operator"
    """Change what is live, too."""
