"""Streams for tests, as the configuration would make them."""

from cdc.config.model import Stream, TableSync, Topics


def a_stream(source: str, *tables: str | TableSync, name: str = "suite", **more) -> Stream:
    """A stream of these tables under their own names."""
    synced = tuple(
        table if isinstance(table, TableSync) else TableSync(table, table) for table in tables
    )
    return Stream(name, source, synced, Topics(name), **more)
