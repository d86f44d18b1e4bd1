"""Certificates: those that clients and nodes are shown, and those that nodes show."""

import asyncio
import ipaddress
import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.doctor.reach import reach
from proxy.errors import ConfigError
from proxy.expiry import Dated, dated_files, end_of, warnings
from proxy.settings import AdminPort, ClusterTls, Listen, ListenTls
from proxy.tls import cluster_context, listener_context

ANY: Final = ("0.0.0.0", "::", "")  # noqa: S104 -- nothing is bound here
NODE_SOON_S: Final = 30 * 24 * 3600.0


def own(listens: Sequence[Listen], admin: AdminPort | None, cluster: ClusterTls) -> list[Finding]:
    """The files of listening addresses, and what is shown to nodes. Where there are several faults, all are told."""
    served = [(one.host, one.tls) for one in (*listens, *([admin] if admin is not None else ())) if one.tls is not None]
    files = dated_files([tls for _, tls in served], cluster)
    if not files:
        return [ok("certificates", "none: nothing is served with TLS, and nothing shown to nodes")]
    found = [*_faults(served), *_ends(files)]
    for host, tls in served:
        for path in (tls.certificate, *(pair[0] for pair in tls.more)):
            found += _judged(path, host, alone=not tls.more)
    return found or [ok("certificates", f"{len(files)} files, in order for thirty days at least")]


def _faults(served: Sequence[tuple[str, ListenTls]]) -> Iterator[Finding]:
    for _, tls in served:
        try:
            listener_context(tls)
        except ConfigError as error:
            for fault in error.faults:
                yield fail("certificates", str(fault), "the key must belong to the certificate; both in PEM form")


def _ends(files: Sequence[Dated]) -> Iterator[Finding]:
    now = time.time()
    for one in files:
        end = end_of(one)
        for text in warnings({one: end} if end is not None else {}, now):
            over = end is not None and end <= now
            advice = "renew it; `startgate serve` takes changed files by itself, and on SIGHUP"
            yield fail("certificates", text, advice) if over else warn("certificates", text, advice)


def _judged(path: str, host: str, *, alone: bool) -> Iterator[Finding]:
    """What is wrong with a chain that is shown at `host`; `alone`: it is the only one there."""
    try:
        chain = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError):
        # Told already, by whoever reads it to use it.
        return
    leaf = chain[0]
    if leaf.not_valid_before_utc > datetime.now(UTC):
        seen = f"{path} begins only at {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield fail("certificates", seen, "is this machine's clock right?")
    for issued, issuer in itertools.pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            seen = f"{path}: {issued.subject.rfc4514_string()} was not issued by what follows it in the file"
            yield fail("certificates", seen, "the certificate first, then each time the one that issued the one before")
    names = _names(leaf)
    if not names:
        yield warn("certificates", f"{path} names no host (subjectAltName)", "clients look nowhere else: RFC 9525 §2")
    elif alone and host not in ANY and not _covers(names, host):
        seen = f"{path} is for {', '.join(names)}, and not for {host}"
        yield warn("certificates", seen, "clients must call it by one of those names, or refuse it")


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*held.get_values_for_type(x509.DNSName), *(str(one) for one in held.get_values_for_type(x509.IPAddress))]


def _covers(names: Sequence[str], host: str) -> bool:
    try:
        return str(ipaddress.ip_address(host)) in names
    except ValueError:
        wild = "*." + host.lower().partition(".")[2]
        return any(name.lower() in (host.lower(), wild) for name in names)


async def of_nodes(nodes: Sequence[str], tls: ClusterTls) -> list[Finding]:
    """How long the certificates are good that the nodes show."""
    secure = [node for node in nodes if node.startswith("https:")]
    if not secure:
        return [ok("node-certificates", "none: no node speaks https", "the cluster's traffic is not encrypted")]
    context = cluster_context(tls)
    found: list[Finding] = []
    shown = await asyncio.gather(
        *(reach(urlsplit(one).hostname or "", urlsplit(one).port or 0, context) for one in secure)
    )
    for node, told in zip(secure, shown, strict=True):
        if told.certificate is None:
            found.append(skip("node-certificates", f"{node}: {told.why or 'it shows none'}"))
        else:
            found += _node(node, x509.load_der_x509_certificate(told.certificate))
    weak = {"certificate": "any name will do", "unsafe_none": "anybody may pose as the cluster"}.get(tls.verify)
    if weak is not None:
        found.append(warn("node-certificates", f"cluster.tls.verify: {tls.verify}: {weak}", "cluster.tls.verify: full"))
    return found or [ok("node-certificates", f"{len(secure)} of {len(secure)} are good for thirty days at least")]


def _node(node: str, leaf: x509.Certificate) -> Iterator[Finding]:
    left = leaf.not_valid_after_utc.timestamp() - time.time()
    if left < NODE_SOON_S:
        seen = f"that of {node} ends at {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        yield warn("node-certificates", seen, "renew it on the node")
