"""How much log a source keeps for a stream: warned of in time, given up before it fills a disk."""

from __future__ import annotations

import time

import structlog

from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.counters import Counters
from cdc.relay.ports import SourceError
from cdc.threshold import Crossing, Threshold

log = structlog.get_logger()


class RetentionError(SourceError):
    """The source keeps more log for the stream than it may: the log is given up."""

    def __init__(self, stream: Stream, size: int) -> None:
        super().__init__(
            f"the source keeps {size} bytes of log for the stream {stream.name}, more than"
            f" limits.retained_stop ({stream.limits.retained_stop}): the log was given up so that"
            f" its disk survives; resume with `{command('run', stream, '--resnapshot')}`",
            temporary=False,
        )


class Retention:
    """What one session's looks have found."""

    def __init__(self, stream: Stream, counters: Counters) -> None:
        self._stream, self._counters = stream, counters
        self._too_much = Threshold(stream.limits.retained_warn)

    def look(self, size: int) -> None:
        """So many bytes are kept now. Raises `RetentionError` beyond the limit."""
        self._counters.retained = size
        crossing = self._too_much.judge(size, time.monotonic())
        if crossing is not None:
            event = "log_retained" if crossing is Crossing.ABOVE else "log_released"
            log.warning(event, stream=self._stream.name, bytes=size)
        if size >= self._stream.limits.retained_stop:
            raise RetentionError(self._stream, size)
