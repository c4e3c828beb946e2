"""Reviews, put together."""

from pathlib import Path
from typing import Final

from services.common.app import Service
from services.reviews import api, tables

SERVICE: Final = Service(
    name="reviews",
    folder=Path(__file__).parent,
    routes=api.ROUTES,
    filled=tables.filled,
    tables=[tables.reviews],
)
