"""The store on a database: SQLite in `.strangler/` for one host, PostgreSQL for several.

`schema` holds the tables and their migrations, `engine` opens a database by its URL, `sql` is
the `VersionStore` of `strangler.rollout.versions` on top of both. Synchronous on purpose:
commands call it directly, the gateway through a thread.
"""

from strangler.store.engine import store_url
from strangler.store.sql import SqlStore, open_store

__all__ = ["SqlStore", "open_store", "store_url"]
