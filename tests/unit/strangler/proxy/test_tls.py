import asyncio
import ssl
from pathlib import Path

import pytest
import structlog
import trustme
from cryptography import x509

from strangler.config.model import Tls
from strangler.proxy.tls import (
    CertificateError,
    CertificatePair,
    CertificateWatch,
    ListenerTls,
    read_pair,
)

RSA, ECDSA = trustme.KeyType.RSA, trustme.KeyType.ECDSA


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def issue(authority: trustme.CA, kind: trustme.KeyType = ECDSA) -> CertificatePair:
    leaf = authority.issue_cert("shop.test", key_type=kind)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return CertificatePair(chain, leaf.private_key_pem.bytes())


def write(folder: Path, pair: CertificatePair) -> Tls:
    for name, text in (("cert.pem", pair.certificate), ("key.pem", pair.key)):
        (folder / f"{name}.new").write_bytes(text)
        (folder / f"{name}.new").rename(folder / name)
    return Tls(str(folder / "cert.pem"), str(folder / "key.pem"))


def serial(pair: CertificatePair) -> int:
    return x509.load_pem_x509_certificate(pair.certificate).serial_number


async def served(tls: ListenerTls, authority: trustme.CA, name: str | None) -> int:
    """The serial number of the certificate that a client is shown."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    client = ssl.create_default_context()
    authority.configure_trust(client)
    client.check_hostname = name is not None
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=tls.context)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client, server_hostname=name or ""
    )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    server.close()
    return x509.load_der_x509_certificate(shown).serial_number


@pytest.mark.parametrize("name", ["shop.test", None])
@pytest.mark.parametrize(("before", "after"), [(ECDSA, ECDSA), (RSA, ECDSA), (ECDSA, RSA)])
async def test_handshakes_after_a_reload_get_the_new_certificate(
    authority: trustme.CA, before: trustme.KeyType, after: trustme.KeyType, name: str | None
) -> None:
    old, new = issue(authority, before), issue(authority, after)
    tls = ListenerTls(old)
    assert await served(tls, authority, name) == serial(old)
    tls.reload(new)
    assert await served(tls, authority, name) == serial(new)


async def test_a_pair_that_does_not_fit_changes_nothing(authority: trustme.CA) -> None:
    old, other = issue(authority), issue(authority)
    tls = ListenerTls(old)
    with pytest.raises(CertificateError, match="do not fit"):
        tls.reload(CertificatePair(old.certificate, other.key))
    assert await served(tls, authority, "shop.test") == serial(old)


def test_a_missing_file_is_named(tmp_path: Path, authority: trustme.CA) -> None:
    tls = write(tmp_path, issue(authority))
    Path(tls.key).unlink()
    with pytest.raises(CertificateError, match=r"key\.pem: No such file"):
        read_pair(tls)


async def test_a_changed_pair_is_reported_once(tmp_path: Path, authority: trustme.CA) -> None:
    reported: list[CertificatePair] = []
    watch = CertificateWatch(write(tmp_path, issue(authority)), reported.append)
    await watch.look()
    new = issue(authority)
    write(tmp_path, new)
    await watch.look()
    await watch.look()
    assert reported == [new]


async def test_a_half_changed_pair_waits_for_its_other_half(
    tmp_path: Path, authority: trustme.CA
) -> None:
    old, new = issue(authority), issue(authority)
    reported: list[CertificatePair] = []
    watch = CertificateWatch(write(tmp_path, old), reported.append)
    write(tmp_path, CertificatePair(new.certificate, old.key))
    with structlog.testing.capture_logs() as logs:
        await watch.look()
    assert [entry["event"] for entry in logs] == ["certificate_refused"]
    assert reported == []
    write(tmp_path, new)
    await watch.look()
    assert reported == [new]


async def test_a_turned_link_is_a_change(tmp_path: Path, authority: trustme.CA) -> None:
    pairs = [issue(authority), issue(authority)]
    for name, pair in zip(("first", "second"), pairs, strict=True):
        (tmp_path / name).mkdir()
        write(tmp_path / name, pair)
    (tmp_path / "current").symlink_to("first")
    reported: list[CertificatePair] = []
    current = tmp_path / "current"
    watch = CertificateWatch(
        Tls(str(current / "cert.pem"), str(current / "key.pem")), reported.append
    )
    (tmp_path / "next").symlink_to("second")
    (tmp_path / "next").replace(current)
    await watch.look()
    assert reported == [pairs[1]]
