"""What the relay's parts raise, as the failures that every command ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from strangler.admin.failures import Failure, Kind


@contextmanager
def failures() -> Iterator[None]:
    """What the relay's parts raise, as a `Failure` with its cause."""
    from sqlalchemy.exc import SQLAlchemyError

    from cdc.applier.ports import ReaderError, Stopped
    from cdc.checkpoint import CheckpointError
    from cdc.guards import GuardError
    from cdc.mapping import MappingError
    from cdc.reconcile.barrier import BarrierError
    from cdc.reconcile.plan import ReconcileError
    from cdc.reconcile.unreachable import is_unreachable
    from cdc.relay.ports import SinkError, SourceError
    from cdc.relay.relay import RelayError

    try:
        yield
    except (SourceError, SinkError, ReaderError, CheckpointError) as error:
        kind = Kind.UNAVAILABLE if error.temporary else Kind.REFUSED
        raise Failure(kind, str(error)) from error
    except SQLAlchemyError as error:
        # The driver's own words: SQLAlchemy's carry the statement with its values.
        said = str(getattr(error, "orig", None) or error).strip()
        kind = Kind.UNAVAILABLE if is_unreachable(error) else Kind.REFUSED
        raise Failure(kind, f"the target's database: {said}") from error
    except GuardError as error:
        kind = Kind.UNAVAILABLE if error.unreachable else Kind.REFUSED
        raise Failure(kind, str(error)) from error
    except (ReconcileError, BarrierError) as error:
        kind = Kind.UNAVAILABLE if is_unreachable(error) else Kind.REFUSED
        raise Failure(kind, str(error)) from error
    except (RelayError, MappingError, Stopped) as error:
        raise Failure(Kind.REFUSED, str(error)) from error
    except OSError as error:
        raise Failure(Kind.UNAVAILABLE, str(error)) from error
