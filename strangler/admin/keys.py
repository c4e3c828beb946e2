"""The key that signs the gateway's cookies: the same on every replica, and for years."""

from __future__ import annotations

import base64
import hashlib
import secrets

from strangler.rollout.versions import VersionStore

_COOKIE_KEY = "cookie_key"


def cookie_key(store: VersionStore, secret: str | None) -> bytes:
    """32 bytes: from STRANGLER_SECRET where it is set, else made once and kept in the store."""
    if secret:
        return hashlib.blake2b(secret.encode(), digest_size=32, person=b"strangler-cookie").digest()
    proposed = base64.b64encode(secrets.token_bytes(32)).decode()
    return base64.b64decode(store.setting(_COOKIE_KEY, proposed))
