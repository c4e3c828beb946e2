"""A certificate authority for tests, and what it signs. Nobody else trusts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key, as Kafka's clients and Java take them."""

    certificate: str
    key: str
    both: str


class Authority:
    """A certificate authority of one's own, and what it has signed."""

    def __init__(self, path: Path, name: str = "ca") -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._ca = path, trustme.CA()
        self.file = str(path / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def identity(self, name: str, *hosts: str, expired: bool = False) -> Identity:
        """A new certificate for these hosts; one that ran out years ago where it is `expired`."""
        until = LONG_AGO if expired else None
        leaf = self._ca.issue_cert(*hosts, common_name=name, not_after=until)
        chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
        # Java reads no key in OpenSSL's own format.
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        made = Identity(
            *(str(self._path / f"{name}-{part}.pem") for part in ("cert", "key", "both"))
        )
        for file, data in ((made.certificate, chain), (made.key, key), (made.both, key + chain)):
            Path(file).write_bytes(data)
        return made
