"""Everything that can be refused, as one error with a kind, on both sides of the admin API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from strangler.config.edit import EditError
from strangler.kit.problems import ConfigError
from strangler.rollout.moves import RefusedError
from strangler.rollout.versions import ConflictError, StoreError, TransitionOpenError


class Kind(StrEnum):
    """Why something failed; a command's exit code and a response's status follow from it."""

    INVALID = "invalid"
    """The table has problems."""
    REFUSED = "refused"
    USAGE = "usage"
    """The request itself makes no sense."""
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    """Somebody else was quicker."""
    FORBIDDEN = "forbidden"
    WAITING = "waiting"
    """Live, but not every replica has said so in time."""
    UNAVAILABLE = "unavailable"
    """The gateway, the store, a database or Kafka cannot be reached."""


EXIT_CODES = {
    Kind.INVALID: 1,
    Kind.REFUSED: 1,
    Kind.NOT_FOUND: 1,
    Kind.USAGE: 2,
    Kind.CONFLICT: 3,
    Kind.WAITING: 4,
    Kind.UNAVAILABLE: 5,
    Kind.FORBIDDEN: 6,
}

STATUSES = {
    Kind.INVALID: 422,
    Kind.REFUSED: 409,
    Kind.NOT_FOUND: 404,
    Kind.USAGE: 400,
    Kind.CONFLICT: 409,
    Kind.WAITING: 504,
    Kind.UNAVAILABLE: 503,
    Kind.FORBIDDEN: 403,
}


class Failure(Exception):  # noqa: N818 - it is an answer, told to people, not a defect
    """What went wrong, in a sentence, with the problems of a file if it has any."""

    def __init__(self, kind: Kind, message: str, problems: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.message = message
        self.problems = problems
        super().__init__(kind, message, problems)

    def __str__(self) -> str:
        return "\n".join([*self.problems, self.message])

    def as_json(self) -> dict[str, object]:
        """The failure as the admin API and `--json` tell it."""
        return {"error": self.message, "kind": str(self.kind), "problems": list(self.problems)}


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the parts below raise into a `Failure`, the cause kept."""
    try:
        yield
    except ConfigError as error:
        problems = tuple(problem.at(error.file) for problem in error.problems)
        raise Failure(Kind.INVALID, problem_count(len(problems)), problems) from error
    except (EditError, RefusedError, TransitionOpenError) as error:
        raise Failure(Kind.REFUSED, str(error)) from error
    except ConflictError as error:
        raise Failure(Kind.CONFLICT, f"{error}. Look with `strangler plan`, then again") from error
    except StoreError as error:
        raise Failure(Kind.UNAVAILABLE, str(error)) from error


def problem_count(count: int) -> str:
    """`1 problem`, `3 problems`."""
    return f"{count} problem{'' if count == 1 else 's'}"
