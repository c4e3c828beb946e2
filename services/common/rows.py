"""Rows as the queries give them back."""

from typing import Any, Final

LARGEST: Final = 2**63 - 1
"""The largest whole number of a column; no larger id need be looked for."""

Row = dict[str, Any]
"""Column to value."""
