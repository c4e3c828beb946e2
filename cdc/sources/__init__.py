"""The databases whose logs the relay reads; one conformance suite holds for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cdc.config.model import Stream
    from cdc.relay.ports import Source, SourceControl
    from cdc.sources.preflight import Preflight


def open_source(stream: Stream, folder: Path) -> Source:
    """The log of the stream's source; `folder` takes what is not yet committed.

    Nothing is connected yet. Drivers are imported here, so that each is needed only where used.
    """
    match _family(stream.source):
        case "postgresql":
            from cdc.sources.postgres import PostgresSource

            return PostgresSource(stream, folder)
        case "mysql":
            from cdc.sources.mysql import MysqlSource

            return MysqlSource(stream, folder)
        case _:
            from cdc.sources.sqlite import SqliteSource

            return SqliteSource(stream, folder)


def open_control(stream: Stream) -> SourceControl:
    """Ordinary sessions on the stream's source."""
    match _family(stream.source):
        case "postgresql":
            from cdc.sources.postgres import PostgresControl

            return PostgresControl(stream)
        case "mysql":
            from cdc.sources.mysql import MysqlControl

            return MysqlControl(stream)
        case _:
            from cdc.sources.sqlite import SqliteControl

            return SqliteControl(stream)


def open_preflight(stream: Stream) -> Preflight:
    """What the stream's source needs before it can be captured."""
    match _family(stream.source):
        case "postgresql":
            from cdc.sources.postgres import PostgresPreflight

            return PostgresPreflight(stream)
        case "mysql":
            from cdc.sources.mysql import MysqlPreflight

            return MysqlPreflight(stream)
        case _:
            from cdc.sources.sqlite import SqlitePreflight

            return SqlitePreflight(stream)


def _family(url: str) -> str:
    scheme = urlsplit(url).scheme.split("+")[0]
    return {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme, scheme)
