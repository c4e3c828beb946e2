"""What can go wrong for a caller, independent of HTTP and of SQLAlchemy.

Handlers raise these and `failures` turns them into answers, in one place.
"""


class BadParameterError(ValueError):
    """A query parameter is not what it must be; the text is meant for the caller (400)."""


class NotFoundError(LookupError):
    """What the path names is not there; the text is meant for the caller (404)."""


class UnavailableError(RuntimeError):
    """The database does not answer or too many requests wait for it (503)."""
