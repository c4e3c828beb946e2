"""Notices and questions, put together."""

from pathlib import Path
from typing import Final

from services.common.app import Service
from services.notices import api, pages, tables

SERVICE: Final = Service(
    name="notices",
    folder=Path(__file__).parent,
    routes=[*api.ROUTES, *pages.ROUTES],
    metadata=tables.metadata,
    copied=[tables.notices, tables.questions],
)
