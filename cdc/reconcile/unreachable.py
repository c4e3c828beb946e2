"""Whether something could not be told because a server cannot be reached: its own exit code."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from cdc.applier.ports import ReaderError
from cdc.relay.ports import SourceError


def is_unreachable(error: BaseException) -> bool:
    """Of an error of a server, or one that was made of it."""
    if isinstance(error, (SourceError, ReaderError)):
        return error.temporary
    if isinstance(error, SQLAlchemyError):
        return True
    return error.__cause__ is not None and is_unreachable(error.__cause__)
