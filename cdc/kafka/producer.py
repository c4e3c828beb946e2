"""The settings of the sink's producer, and why each is what it is."""

from __future__ import annotations

from typing import Any, Final

from cdc.config.model import Limits

TRANSACTION_TIMEOUT: Final = 60.0
"""Seconds after which the broker ends a dead relay's transaction, which holds readers of committed
records up. The next relay of the stream ends it sooner."""
_LARGEST_BATCH: Final = 1_000_000
LINGER: Final = 3
"""Milliseconds that a record waits for others. A request costs client and broker some hundred
microseconds, whatever is in it: at 0.5 ms a quarter of the throughput went into small ones."""
LINGER_IN_TRANSACTION: Final = 20
"""Likewise. Nobody sees a record before its transaction's commit, and that waits for none."""


def producer_settings(limits: Limits, transactional_id: str | None) -> dict[str, Any]:
    """For an idempotent producer; a transactional one where there is an id."""
    common = {
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        # A topic that is not there is made by `topics`, with its settings, or not at all.
        "allow.auto.create.topics": False,
        "delivery.report.only.error": True,
        "message.max.bytes": limits.record,
        "batch.size": min(limits.record, _LARGEST_BATCH),
        "queue.buffering.max.kbytes": max(1, limits.memory // 1024),
        # A record in the queue weighs some hundred bytes more than its contents.
        "queue.buffering.max.messages": max(1000, limits.memory // 256),
        "compression.type": "lz4",
    }
    if transactional_id is None:
        # Rather no end than a record that is skipped: `settle` has the deadline.
        return common | {
            "enable.gapless.guarantee": True, "message.timeout.ms": 0, "linger.ms": LINGER,
        }  # fmt: skip
    return common | {
        "linger.ms": LINGER_IN_TRANSACTION,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": int(TRANSACTION_TIMEOUT * 1000),
    }
