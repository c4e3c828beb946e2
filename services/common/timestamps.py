"""Points in time as the API and the pages write them."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """UTC with six digits: `2026-01-31T09:30:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day(moment: datetime) -> str:
    """A date for people: `3 January 2026`."""
    return f"{moment.day} {moment:%B %Y}"
