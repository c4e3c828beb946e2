"""What becomes of an applier when something fails: tried again, or stopped with the reason told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from cdc.applier.counters import Counters
from cdc.applier.ports import ReaderError, Stopped, Target, Verdict
from cdc.applier.reading import begin_anew
from cdc.applier.transaction import set_state
from cdc.config.model import Stream

log = structlog.get_logger(__name__)

SHAPES: Final = 3
"""Times in a row that a table may turn out to be another than described."""


class Trouble:
    """Judges failures, and says in log and target why the applier has stopped."""

    def __init__(
        self, stream: Stream, target: Target, counters: Counters, now_ms: Callable[[], int]
    ) -> None:
        """`now_ms` gives milliseconds since 1970."""
        self._stream, self._target, self._counters = stream, target, counters
        self._now_ms = now_ms
        self._shapes = 0
        """Failures in a row because a table is another than described."""

    def over(self) -> None:
        """A step succeeded."""
        self._shapes = 0

    def judge(self, error: Exception) -> None:
        """Return where trying again may help; raise `Stopped` where it does not."""
        self._counters.failures += 1
        name = self._stream.name
        if isinstance(error, ReaderError):
            verdict = Verdict.TEMPORARY if error.temporary else Verdict.REFUSED
            message = f"{error}; {begin_anew(self._stream)}" if error.gone else str(error)
        else:
            verdict = self._target.judge(error)
            lines = str(getattr(error, "orig", None) or error).splitlines() or [""]
            message = f"the target refuses what stream {name} writes: {lines[0]}"
        # What a database says may quote values; what Kafka says has none.
        said = f"ReaderError: {error}" if isinstance(error, ReaderError) else type(error).__name__
        log.warning("apply_failed", stream=name, error=said, verdict=verdict.value)
        self._shapes = self._shapes + 1 if verdict is Verdict.SHAPE else 0
        if verdict is Verdict.REFUSED or self._shapes > SHAPES:
            self.say_stopped(message)
            raise Stopped(message) from error

    def say_stopped(self, message: str) -> None:
        """In the log, and in the target for `strangler cdc status`, if that can be reached."""
        log.error("applier_stopped", stream=self._stream.name, reason=message)
        try:
            with self._target.engine.begin() as connection:
                set_state(connection, self._stream.name, "stopped", message, self._now_ms())
        except Exception as error:  # noqa: BLE001 - the log has it
            log.info("state_not_written", stream=self._stream.name, error=type(error).__name__)
