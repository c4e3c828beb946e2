"""Saves checkpoints in a thread of its own, so that a slow disk does not hold the log up.

A checkpoint is durable when a disk says so, which takes it some ten milliseconds: once a second
that was the longest wait of all on a record's way. Saving is behind the records and before the
source's permission to forget, so nothing but that permission has to wait for it.
"""

from __future__ import annotations

import threading

from cdc.checkpoint import Checkpoint
from cdc.relay.ports import Checkpoints

ENDS_WITHIN = 30.0
"""Seconds that `close` waits for a save that is under way; the store's own limits are shorter."""


class Saver:
    """One checkpoint at a time; every method is called by the relay's thread."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._thread: threading.Thread | None = None
        self._saving: Checkpoint | None = None
        self._failure: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether a checkpoint was begun that `saved` has not given yet."""
        return self._thread is not None

    def begin(self, checkpoint: Checkpoint) -> None:
        """Save it in the background; not while another one is on its way."""
        if self._thread is not None:
            raise RuntimeError("a checkpoint is being saved already")
        self._saving = checkpoint
        self._thread = threading.Thread(
            target=self._save, args=(checkpoint.to_bytes(),), name="checkpoint", daemon=True
        )
        self._thread.start()

    def saved(self) -> Checkpoint | None:
        """The checkpoint that has become durable, once; raises what kept it from that."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread.join()
        self._thread = None
        if self._failure is not None:
            raise self._failure
        return self._saving

    def close(self) -> None:
        """Wait for the one that is on its way; bounded. What became of it does not matter."""
        if self._thread is not None:
            self._thread.join(ENDS_WITHIN)

    def _save(self, checkpoint: bytes) -> None:
        try:
            self._checkpoints.save(checkpoint)
        except Exception as error:  # noqa: BLE001 - handed to the relay's thread, which judges it
            self._failure = error
