"""PostgreSQL as a source: logical replication by pgoutput, one slot for each stream."""

from cdc.sources.postgres.control import PostgresControl
from cdc.sources.postgres.preflight import PostgresPreflight
from cdc.sources.postgres.source import PostgresSource

__all__ = ["PostgresControl", "PostgresPreflight", "PostgresSource"]
