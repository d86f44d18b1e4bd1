"""Certificates that end soon: the dates that another library reads, and who is told when."""

import asyncio
import base64
import contextlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from proxy.expiry import DAY_S, Dated, dated_files, end_of, keep_warning, warnings
from proxy.settings import ClusterTls, ListenTls
from proxy.tasks import spawn

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
BEGIN = datetime(1950, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def certificate(end: datetime, *, names: int = 0) -> bytes:
    """A certificate (PEM) that is over at `end`; with `names` it is a long one."""
    made = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 7, BEGIN, end)
    if names:
        dns = [x509.DNSName(f"node-{number}.example.org") for number in range(names)]
        made = made.add_extension(x509.SubjectAlternativeName(dns), critical=False)
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def crl(end: datetime) -> bytes:
    """A CRL (PEM) that is to be renewed at `end`."""
    made = x509.CertificateRevocationListBuilder(NAME, BEGIN, end)
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def written(folder: Path, *parts: bytes, kind: str = "certificate") -> Dated:
    """A file of these."""
    path = folder / f"{kind}.pem"
    path.write_bytes(b"\n".join(parts))
    return Dated(str(path), kind)


@pytest.mark.parametrize(
    "end",
    [
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC),
        # RFC 5280 §4.1.2.5: the last that has a year of two digits, and the first of four.
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1951, 1, 1, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("names", [0, 3, 50, 3000])
def test_ends_are_read(tmp_path: Path, end: datetime, names: int) -> None:
    assert end_of(written(tmp_path, certificate(end, names=names))) == end.timestamp()
    assert end_of(written(tmp_path, crl(end), kind="crl")) == end.timestamp()


def test_certificates_as_others_make_them(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", not_after=datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC))
    one = written(tmp_path, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    assert end_of(one) == datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp()


def test_a_chain_is_over_with_its_first_and_authorities_with_their_last(tmp_path: Path) -> None:
    soon, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    key = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    parts = (b"a comment", certificate(late), key, certificate(soon))
    assert end_of(written(tmp_path, *parts)) == soon.timestamp()
    assert end_of(written(tmp_path, *parts, kind="authorities")) == late.timestamp()


def test_what_has_no_end_has_none(tmp_path: Path) -> None:
    assert end_of(Dated(str(tmp_path / "nowhere.pem"), "certificate")) is None
    assert end_of(written(tmp_path, b"")) is None
    assert end_of(written(tmp_path, b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")) is None
    assert end_of(written(tmp_path, b"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n")) is None


GOOD = x509.load_pem_x509_certificate(certificate(datetime(2030, 1, 1, tzinfo=UTC))).public_bytes(
    serialization.Encoding.DER
)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_broken_ones_have_an_end_or_none_and_never_anything_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: int
) -> None:
    der = (GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])[:cut]
    text = in_pem(der)
    found = end_of(written(tmp_path_factory.getbasetemp(), text))
    assert found is None or isinstance(found, float)


def in_pem(der: bytes) -> bytes:
    """In PEM form."""
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("kind", "left_s", "text"),
    [
        ("certificate", 30 * DAY_S, None),
        ("certificate", 30 * DAY_S - 1, "f.pem: the certificate ends in 30 days, at 2026-01-30T23:59:59Z"),
        ("authorities", 30 * DAY_S - 1, "f.pem: the last authority ends in 30 days, at 2026-01-30T23:59:59Z"),
        ("certificate", 2 * DAY_S, "f.pem: the certificate ends in 2 days, at 2026-01-03T00:00:00Z"),
        ("certificate", 7200, "f.pem: the certificate ends in 2 hours, at 2026-01-01T02:00:00Z"),
        ("certificate", 0, "f.pem: the certificate has ended at 2026-01-01T00:00:00Z"),
        ("certificate", -DAY_S, "f.pem: the certificate has ended at 2025-12-31T00:00:00Z"),
        ("crl", DAY_S, None),
        ("crl", DAY_S - 3600, "f.pem: the CRL ends in 23 hours, at 2026-01-01T23:00:00Z"),
    ],
)
def test_who_is_told_of_what(kind: str, left_s: float, text: str | None) -> None:
    assert warnings({Dated("f.pem", kind): NOW + left_s}, NOW) == ([] if text is None else [text])


def test_every_file_in_use_is_looked_at_once() -> None:
    listens = [
        ListenTls(certificate="a", key="k", more=(("b", "k"),), client_ca="ca", client_crl="crl"),
        ListenTls(certificate="a", key="k"),
    ]
    found = dated_files(listens, ClusterTls(), ClusterTls(ca="es", certificate="own", key="k"))
    assert [(one.path, one.kind) for one in found] == [
        ("a", "certificate"),
        ("b", "certificate"),
        ("ca", "authorities"),
        ("crl", "crl"),
        ("own", "certificate"),
        ("es", "authorities"),
    ]


async def test_it_is_told_at_once_and_again_when_the_file_is_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "proxy.expiry")
    soon = datetime.now(UTC) + timedelta(days=5)
    one = written(tmp_path, certificate(soon))
    telling = spawn(keep_warning([one], look_s=0.01), name="telling")

    async def lines(count: int) -> None:
        async with asyncio.timeout(10):
            while len(caplog.messages) < count:  # noqa: ASYNC110 -- a thread reads
                await asyncio.sleep(0.01)

    await lines(1)
    written(tmp_path, certificate(soon + timedelta(days=1)))
    await lines(2)
    await asyncio.sleep(0.1)
    assert len(caplog.messages) == 2, "once a day"
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await telling
