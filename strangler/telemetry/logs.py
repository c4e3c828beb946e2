"""Logging of the control plane and of every process's own events.

Events are structured: a stable name and fields. On a terminal they are laid out for people,
everywhere else they are JSON, one object per line, on standard error (standard output belongs to
commands' results and to the access log). Fields bound to the context (`request_id`, `trace_id`)
join each event; values of fields that are secret by name, and passwords in URLs, are blotted out.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

BLOT: Final = "[redacted]"
_SECRET_NAME: Final = re.compile(
    r"(?i)(?:^|[_.-])(?:authorization|cookies?|set_cookie|password|passwd|secret|token|api_?key"
    r"|private_?key|cookie_?key|session_?id|csrf\w*|credentials?)$"
)
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")


class Patient:
    """A stream whose disk may be full or whose reader may be gone: lines are lost, nothing fails.

    A gateway that cannot log goes on serving.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose the text."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure(*, level: int = logging.INFO) -> None:
    """Set structlog up for this process; called once by each entry point."""
    console = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not console),
            redact,
            *_rendering(console=console),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Patient(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def _rendering(*, console: bool) -> list[structlog.typing.Processor]:
    if console:
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: no secret passes, at any depth of the event's fields."""
    for name, value in event.items():
        event[name] = _clean(name, value)
    return event


def _clean(name: str, value: object) -> object:
    if value is not None and _SECRET_NAME.search(name):
        return BLOT
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{BLOT}@", value)
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(name, inner) for inner in value]
    return value
