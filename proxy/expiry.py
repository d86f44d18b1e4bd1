"""Certificates in use that end soon: told in the log at the start, when they are replaced, and once a day.

Only the dates are read from the files (X.509, RFC 5280), by hand: a library for it would cost each process that tells
of them more memory than a thousand connections.
"""

import asyncio
import base64
import binascii
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy.settings import ClusterTls, ListenTls

logger = logging.getLogger(__name__)

DAY_S: Final = 24 * 3600.0
# New files are looked at within this time; a look costs a read of each.
LOOK_S: Final = 3600.0

# How long before its end a file is told of. Renewal by ACME begins thirty days before; a CRL is written anew every
# day or week, and one that is over shuts out everybody.
_WITHIN_S: Final = {"certificate": 30 * DAY_S, "authorities": 30 * DAY_S, "crl": DAY_S}
_CALLED: Final = {"certificate": "the certificate", "authorities": "the last authority", "crl": "the CRL"}

_PEM = re.compile(rb"-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE|X509 CRL)-----(.*?)-----END \1-----", re.DOTALL)
# DER (X.690 §8): what is read here.
_INTEGER, _UTC_TIME, _TIME, _VERSION = 0x02, 0x17, 0x18, 0xA0
_FORMS: Final = {_UTC_TIME: "%y%m%d%H%M%SZ", _TIME: "%Y%m%d%H%M%SZ"}


@dataclass(frozen=True, slots=True)
class Dated:
    """A PEM file whose end is of interest. `kind` is `certificate` (a chain: over with the first that ends),
    `authorities` (over with the last: old ones may stay beside new ones) or `crl`."""

    path: str
    kind: str


def dated_files(listens: Sequence[ListenTls], *others: ClusterTls) -> tuple[Dated, ...]:
    """The files of listening addresses and of connections to others, each once."""
    found: list[Dated] = []
    for tls in listens:
        found += [Dated(path, "certificate") for path, _ in ((tls.certificate, tls.key), *tls.more)]
        found += [Dated(path, "authorities") for path in (tls.client_ca,) if path is not None]
        found += [Dated(path, "crl") for path in (tls.client_crl,) if path is not None]
    for other in others:
        found += [Dated(path, "certificate") for path in (other.certificate,) if path is not None]
        found += [Dated(path, "authorities") for path in (other.ca,) if path is not None]
    return tuple(dict.fromkeys(found))


def end_of(one: Dated) -> float | None:
    """When a file is over, in seconds since 1970. None for one that cannot be read, or that has no end: whoever uses it
    says what is wrong with it."""
    try:
        ends = [_end(kind == b"X509 CRL", base64.b64decode(text)) for kind, text in _PEM.findall(_bytes(one))]
    except (OSError, ValueError, IndexError, binascii.Error):
        return None
    known = [end for end in ends if end is not None]
    if not known:
        return None
    return max(known) if one.kind == "authorities" else min(known)


def warnings(ends: Mapping[Dated, float], now: float) -> list[str]:
    """What is to be said of those files that are over at `now` (seconds since 1970), or soon will be."""
    return [_warning(one, end, now) for one, end in ends.items() if end - now < _WITHIN_S[one.kind]]


async def keep_warning(files: Sequence[Dated], look_s: float = LOOK_S) -> None:
    """Tells of `files` for ever: now, whenever one has another end than before, and once a day."""
    told: Mapping[Dated, float] = {}
    told_at = -DAY_S
    while True:
        # In a thread: a network file system that is away would hold up everything else.
        ends = await asyncio.to_thread(_ends, files)
        if ends != told or time.monotonic() - told_at >= DAY_S:
            told, told_at = ends, time.monotonic()
            for text in warnings(ends, time.time()):
                logger.warning("%s", text)
        await asyncio.sleep(look_s)


def _ends(files: Sequence[Dated]) -> dict[Dated, float]:
    found = {one: end_of(one) for one in files}
    return {one: end for one, end in found.items() if end is not None}


def _warning(one: Dated, end: float, now: float) -> str:
    at = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if end <= now:
        return f"{one.path}: {_CALLED[one.kind]} has ended at {at}"
    left = end - now
    after = f"{left / DAY_S:.0f} days" if left >= 2 * DAY_S else f"{left / 3600:.0f} hours"
    return f"{one.path}: {_CALLED[one.kind]} ends in {after}, at {at}"


def _bytes(one: Dated) -> bytes:
    return Path(one.path).read_bytes()


def _end(is_crl: bool, der: bytes) -> float | None:
    """Of a certificate its notAfter (RFC 5280 §4.1.2.5), of a CRL its nextUpdate (§5.1.2.5), which may be missing."""
    _, at, _ = _element(der, 0)
    _, at, end = _element(der, at)
    tag, start, stop = _element(der, at)
    if tag == (_INTEGER if is_crl else _VERSION):
        at = stop
    # Of a certificate: serial number, signature, issuer. Of a CRL: signature, issuer, thisUpdate.
    for _ in range(3):
        _, start, at = _element(der, at)
    if is_crl:
        return _when(der, at) if at < end else None
    _, start, _ = _element(der, at)
    _, _, at = _element(der, start)
    return _when(der, at)


def _when(der: bytes, at: int) -> float | None:
    tag, start, stop = _element(der, at)
    form = _FORMS.get(tag)
    if form is None:
        return None
    found = datetime.strptime(der[start:stop].decode("ascii"), form).replace(tzinfo=UTC)
    # RFC 5280 §4.1.2.5.1: two digits are 1950 to 2049; strptime takes them for 1969 to 2068.
    if tag == _UTC_TIME and found.year >= 2050:
        found = found.replace(year=found.year - 100)
    return found.timestamp()


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, beginning and end of the content of the element at `at` (X.690 §8.1). Raises IndexError or ValueError."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise ValueError("an element is longer than what holds it")
    return tag, start, start + length
