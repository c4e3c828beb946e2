"""The databases that an applier writes to; one conformance suite holds for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import make_url

if TYPE_CHECKING:
    from cdc.applier.ports import Target


def open_target(url: str, stream: str, *, reverse: bool = False) -> Target:
    """The target at `url` for one stream. Nothing is connected yet.

    Drivers are imported here, so that each is needed only where it is used. Raises `ValueError`
    for a database that no target is for.
    """
    family = make_url(url).get_backend_name()
    match {"postgres": "postgresql", "mariadb": "mysql"}.get(family, family):
        case "postgresql":
            from cdc.applier.targets.postgres import PostgresTarget

            return PostgresTarget(url, stream, reverse=reverse)
        case "mysql":
            from cdc.applier.targets.mysql import MysqlTarget

            return MysqlTarget(url, stream, reverse=reverse)
        case "sqlite":
            from cdc.applier.targets.sqlite import SqliteTarget

            return SqliteTarget(url, stream)
        case other:
            raise ValueError(
                f"no target is for {other}: write postgresql://, mysql:// or sqlite:///"
            )
