"""Whether something could not be told because a server cannot be reached: its own exit code."""

from __future__ import annotations

from sqlalchemy import exc

from cdc.applier.ports import ReaderError
from cdc.relay.ports import SourceError

_AWAY = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What drivers raise for a connection, and SQLAlchemy for none that gets free; others, such as a
missing privilege, are refusals of a server that answers."""


def is_unreachable(error: BaseException) -> bool:
    """Of an error of a server, or one that was made of it."""
    if isinstance(error, (SourceError, ReaderError)):
        return error.temporary
    if isinstance(error, exc.SQLAlchemyError):
        return isinstance(error, _AWAY)
    return error.__cause__ is not None and is_unreachable(error.__cause__)
