"""Reviews, put together."""

from pathlib import Path
from typing import Final

from services.common.app import Service
from services.reviews import api, pages, tables

SERVICE: Final = Service(
    name="reviews",
    folder=Path(__file__).parent,
    routes=[*api.ROUTES, *pages.ROUTES],
    metadata=tables.metadata,
    copied=[tables.reviews, tables.products, tables.authors],
)
