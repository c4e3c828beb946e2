"""The listener's certificate: read, checked, and exchanged without closing a connection.

The supervisor watches the files and passes the texts on, not the paths: all workers change to the
same pair, and one that starts while the files are half written gets the last pair that fitted.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from strangler.config.model import Tls
from strangler.proxy.memory import anonymous_file

log = structlog.get_logger()


class CertificateError(Exception):
    """The files cannot be read, are not PEM, or do not belong together."""


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """PEM texts of a certificate with its chain and of its private key."""

    certificate: bytes
    key: bytes


def read_pair(tls: Tls) -> CertificatePair:
    """The pair in the files, known to fit. Raises CertificateError."""
    try:
        pair = CertificatePair(Path(tls.certificate).read_bytes(), Path(tls.key).read_bytes())
    except OSError as error:
        raise CertificateError(f"certificate file {error.filename}: {error.strerror}") from error
    server_context(pair)
    return pair


def server_context(pair: CertificatePair) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, HTTP/1.1 by ALPN. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    fd = anonymous_file("strangler-certificate")  # `ssl` reads from paths only
    try:
        os.pwrite(fd, pair.certificate + b"\n" + pair.key, 0)
        context.load_cert_chain(f"/dev/fd/{fd}", password="")
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(f"certificate and key do not fit: {error}") from error
    finally:
        os.close(fd)
    return context


class ListenerTls:
    """A worker's context: each handshake continues in the newest one.

    A new context rather than a second certificate in the old one, which would go on offering the
    old certificate wherever the two have keys of different kinds.
    """

    def __init__(self, pair: CertificatePair) -> None:
        self._newest = server_context(pair)
        self.context = server_context(pair)
        """For the listener; never changes."""
        self.context.sni_callback = self._renew

    def reload(self, pair: CertificatePair) -> None:
        """Use `pair` from the next handshake on. Raises CertificateError and changes nothing."""
        self._newest = server_context(pair)

    def _renew(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._newest


class CertificateWatch:
    """Looks at the files now and then and reports a new pair that fits."""

    def __init__(self, tls: Tls, report: Callable[[CertificatePair], None]) -> None:
        self._tls = tls
        self._report = report
        self._seen = _stamp(tls)

    def follow(self, tls: Tls) -> None:
        """Watch these files from now on."""
        self._tls = tls

    async def run(self, interval: float = 1.0) -> None:
        """Look every `interval` seconds until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.look()

    async def look(self) -> None:
        """Report the pair if the files changed and fit; say so if they changed and do not."""
        tls = self._tls
        stamp = await asyncio.to_thread(_stamp, tls)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            pair = await asyncio.to_thread(read_pair, tls)
        except CertificateError as error:
            log.warning("certificate_refused", error=str(error), certificate=tls.certificate)
        else:
            log.info("certificate_reloaded", certificate=tls.certificate)
            self._report(pair)


def _stamp(tls: Tls) -> tuple[tuple[str, int, int, int] | tuple[str], ...]:
    """What changes when a file is written, replaced, or a link on its path is turned."""
    return tuple(_file_stamp(path) for path in (tls.certificate, tls.key))


def _file_stamp(path: str) -> tuple[str, int, int, int] | tuple[str]:
    try:
        found = os.stat(path)  # noqa: PTH116 - three of its fields are wanted
    except OSError:
        return (path,)
    return (path, found.st_mtime_ns, found.st_size, found.st_ino)
