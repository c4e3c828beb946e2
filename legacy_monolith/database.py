"""DATABASE_URL as Django's database settings, with what each database needs to behave alike.

`sqlite:///shop.sqlite3`, `postgresql://user:pw@host/name` (or a socket directory as a
percent-encoded host: `postgresql://user@%2Frun%2Fpostgresql/name`), `mysql://user:pw@host/name` for
MariaDB 10.5 or newer (or the path of its socket in the same way), which needs mysqlclient, or
PyMySQL from the extra `mariadb`.
"""

from pathlib import Path
from typing import Any

import dj_database_url

# A worker keeps its connection for ten minutes; a connection the server has closed meanwhile is
# noticed before it is used.
KEEP_SECONDS = 600

# SQLite: readers do not wait for the writer (WAL), and a transaction takes the write lock when it
# begins, so that one that reads first and writes later cannot fail half way with "locked".
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}

# Full Unicode, and the isolation level that PostgreSQL has by default.
MYSQL_OPTIONS = {"charset": "utf8mb4", "isolation_level": "read committed"}


def database(url: str) -> dict[str, Any]:
    """The settings of Django's `default` database for a URL."""
    settings: dict[str, Any] = dict(
        dj_database_url.parse(url, conn_max_age=KEEP_SECONDS, conn_health_checks=True)
    )
    options = settings.setdefault("OPTIONS", {})
    if settings["ENGINE"].endswith("sqlite3"):
        options.update(SQLITE_OPTIONS)
        _make_folder(str(settings["NAME"]))
    elif settings["ENGINE"].endswith("mysql"):
        options.update(MYSQL_OPTIONS)
        _use_pymysql_without_mysqlclient()
    return settings


def _make_folder(name: str) -> None:
    if name != ":memory:":
        Path(name).parent.mkdir(parents=True, exist_ok=True)


def _use_pymysql_without_mysqlclient() -> None:
    """Django asks for the C library mysqlclient; PyMySQL answers to its name."""
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        import pymysql

        pymysql.install_as_MySQLdb()
