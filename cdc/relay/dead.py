"""Dead letters: records that cannot be delivered block nothing but their own key.

A key stays dead until a later record carries its whole row or deletes it: that mends the copy. The
dead keys are kept in the checkpoint, and while there are any, markers are held back.
"""

from __future__ import annotations

import orjson
import structlog

from cdc.change import ABSENT, Row
from cdc.envelope import RowCodec
from cdc.relay.counters import Counters
from cdc.relay.ports import Headers, Sink, SinkError, TooLargeError

log = structlog.get_logger()

MOST = 10_000
"""Dead keys that a relay remembers; with more the stream stops, as something is wrong with it."""
_KEPT = 64 * 1024
"""Bytes of a value that are kept with the dead letter."""
_SHORT = 256
"""Bytes of a key that is kept where the whole is too large."""
_FRAME = 512
"""Bytes that Kafka's own framing of a record may take."""


class DeadLetters:
    """The dead keys of a stream, and the topic that takes their records."""

    def __init__(
        self, sink: Sink, topic: str, counters: Counters, keys: tuple[tuple[str, str], ...],
        largest: int,
    ) -> None:  # fmt: skip
        """`largest`: bytes of a record that Kafka takes."""
        self._largest = largest
        self._sink, self._topic, self._counters = sink, topic, counters
        self._keys: dict[tuple[str, str], None] = dict.fromkeys(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Topic and key of each, oldest first."""
        return tuple(self._keys)

    def admits(self, topic: str, key: bytes, *, whole: bool) -> bool:
        """Whether a record may go to its topic; a whole row mends its key."""
        name = (topic, _text(key))
        if name not in self._keys:
            return True
        if whole:
            del self._keys[name]
        return whole

    def add(self, topic: str, key: bytes, value: bytes, reason: str, headers: Headers) -> None:
        """A record that Kafka does not take. Raises `SinkError` when there are too many."""
        if (topic, _text(key)) not in self._keys:
            log.error("dead_letter", topic=topic, key=_text(key)[:200], reason=reason)
        self._keys[topic, _text(key)] = None
        if len(self._keys) > MOST:
            raise SinkError(
                f"more than {MOST} keys have dead letters: look into {self._topic}, mend the cause,"
                " then take a new snapshot",
                temporary=False,
            )
        self._send(topic, key, value, reason, headers)

    def follow(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """A later record of a dead key that does not mend it."""
        self._send(topic, key, value, "an earlier record of this key is a dead letter", headers)

    def unwritable(
        self, topic: str, codec: RowCodec, keyed: Row, reason: str, headers: Headers, *, gone: bool
    ) -> None:
        """A row that cannot be written as JSON; `gone` where it was deleted, which mends its key.

        Only a key can make a deletion unwritable, and then no record of it was ever delivered.
        """
        names = [codec.relation.columns[index].name for index in codec.relation.key]
        shown = dict(zip(names, map(_shown, codec.key_values(keyed)), strict=True))
        key = orjson.dumps(shown)
        if gone:
            self._keys.pop((topic, _text(key)), None)
            self._send(topic, key, b"", reason, headers)
        else:
            self.add(topic, key, b"", reason, headers)

    def event(self, topic: str, key: bytes, value: bytes, reason: str, headers: Headers) -> None:
        """An outbox's event that Kafka does not take; it is no part of a copy, so nothing waits."""
        log.error("dead_letter", topic=topic, key=_text(key)[:200], reason=reason)
        self._send(topic, key, value, reason, headers)

    def emptied(self, topic: str) -> None:
        """A truncate mends every key of a topic."""
        for name in [name for name in self._keys if name[0] == topic]:
            del self._keys[name]

    def _send(self, topic: str, key: bytes, value: bytes, reason: str, headers: Headers) -> None:
        self._counters.dead_letters += 1
        about = [("topic", topic.encode()), ("reason", reason.encode())]
        every = [*headers, *about]
        others = len(key) + sum(len(name) + len(each) for name, each in every) + _FRAME
        kept = max(0, min(_KEPT, self._largest - others))
        try:
            self._sink.produce(self._topic, key, value[:kept], every)
        except TooLargeError:  # the key itself, or an event's headers
            self._sink.produce(self._topic, key[:_SHORT], b"", about)


def _text(key: bytes) -> str:
    return key.decode("utf-8", "replace")


def _shown(value: object) -> object:
    if value is ABSENT:
        return None
    if isinstance(value, str):  # distinct keys must stay distinct
        return value.encode("utf-8", "backslashreplace").decode()
    return value
