"""What a stream's slot and publication are called: letters, digits and `_`, at most 63 bytes."""

from __future__ import annotations

import hashlib
import re

from cdc.config.model import Stream

_LONGEST = 63


def slot_name(stream: Stream) -> str:
    """The replication slot: one for each stream, so that streams do not disturb one another."""
    return _name(stream.name)


def publication_name(stream: Stream) -> str:
    """The publication."""
    return _name(stream.name)


def _name(stream: str) -> str:
    plain = re.sub(r"[^a-z0-9_]", "_", stream.lower())
    name = f"strangler_{plain}"
    if plain == stream and len(name) <= _LONGEST:
        return name
    # Another name may look the same once it is plain: the digest keeps them apart.
    digest = hashlib.blake2b(stream.encode(), digest_size=4).hexdigest()
    return f"{name[: _LONGEST - 9]}_{digest}"
