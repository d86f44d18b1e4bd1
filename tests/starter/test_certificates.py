"""Certificates for a test: OpenSSL takes them, and they are for the names that they are for."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from proxy.starter.certificates import AUTHORITY, CERTIFICATE, KEY, certificates
from tests.starter.made import put


async def shake(folder: Path, name: str) -> None:
    """A handshake of a client that trusts the authority and asks for the name."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=folder / AUTHORITY)
    # What newer Pythons ask for by default: no certificate may be odd.
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        writer.close()
    finally:
        server.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "gate.example.org", "box"])
async def test_clients_take_them(tmp_path: Path, name: str) -> None:
    await shake(put(tmp_path, certificates("gate.example.org", "box", datetime.now(UTC))), name)


async def test_other_names_are_refused(tmp_path: Path) -> None:
    folder = put(tmp_path, certificates("0.0.0.0", "box", datetime.now(UTC)))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        await shake(folder, "es.example.org")


async def test_they_end(tmp_path: Path) -> None:
    folder = put(tmp_path, certificates("box", "box", datetime.now(UTC) - timedelta(days=91)))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await shake(folder, "box")


def test_they_say_what_they_are_and_the_authority_signs_nothing_more() -> None:
    made = {one.path: one for one in certificates("127.0.0.1", "box", datetime.now(UTC))}
    assert made[KEY].mode == 0o600
    assert b"PRIVATE KEY" in made[KEY].content
    assert sum(b"PRIVATE KEY" in one.content for one in made.values()) == 1, "the authority's own is kept nowhere"
    for path in (AUTHORITY, CERTIFICATE):
        assert "for-a-test" in path
        assert "for a test" in x509.load_pem_x509_certificate(made[path].content).subject.rfc4514_string()
