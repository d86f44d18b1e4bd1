"""One connection."""

import socket
import ssl
from pathlib import Path

import trustme

from proxy.doctor.reach import reach
from tests.doctor.cluster import Patient, serving


async def test_somebody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        told = await reach("127.0.0.1", one.getsockname()[1])
    assert (told.why, told.certificate) == ("", None)


async def test_nobody_is_there() -> None:
    assert (await reach("127.0.0.1", 9)).why
    assert (await reach("no.such.name.invalid", 1)).why


async def test_the_certificate_is_told_and_checked(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(Patient(), context) as patient:
        port = int(patient.url.rpartition(":")[2])
        trusting, suspicious = ssl.create_default_context(), ssl.create_default_context()
        authority.configure_trust(trusting)
        stranger.configure_trust(suspicious)
        assert (await reach("127.0.0.1", port, trusting)).certificate
        assert "the certificate is not accepted" in (await reach("127.0.0.1", port, suspicious)).why
