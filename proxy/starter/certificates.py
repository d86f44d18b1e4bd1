"""Certificates for a test: an authority that signs one certificate and is then forgotten."""

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy.starter.model import Made, secret, text

AUTHORITY: Final = "tls/for-a-test-ca.crt"
CERTIFICATE: Final = "tls/for-a-test.crt"
KEY: Final = "tls/for-a-test.key"
# Long enough to try everything out, too short to be forgotten in production.
LASTS: Final = timedelta(days=90)
# A machine whose clock is behind may try it, too.
BEFORE: Final = timedelta(hours=1)
ANY: Final = ("0.0.0.0", "::", "")  # noqa: S104 -- nothing is bound here


def certificates(host: str, machine: str, now: datetime) -> list[Made]:
    """Authority, certificate and key. They are for `host`, for this machine by its name, and for loopback. The
    authority's own key is kept nowhere: nobody can sign anything else with it."""
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _authority(authority_key, now)
    names = list(dict.fromkeys(_names(host, machine)))
    leaf = (
        _begun(f"Startgate for a test at {machine}"[:64], authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [
        text(AUTHORITY, authority.public_bytes(Encoding.PEM).decode()),
        text(CERTIFICATE, leaf.public_bytes(Encoding.PEM).decode()),
        # Not kept where one is there: it must be that of the certificate.
        Made(path=KEY, content=private, mode=secret(KEY, "").mode),
    ]


def _authority(key: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Startgate CA for a test, not for production")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _begun("Startgate CA for a test, not for production", name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _begun(called: str, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + LASTS)
    )


def _names(host: str, machine: str) -> Iterator[x509.GeneralName]:
    for name in (host, "localhost", machine, "127.0.0.1", "::1"):
        if name in ANY:
            continue
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)
