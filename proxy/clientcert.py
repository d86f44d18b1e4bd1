"""What a client's certificate says of its holder: told by the edge, which has verified it, to the gate.

The edge speaks TLS and knows no rules; the gate knows the rules and sees no TLS. What passes between them is the
subject and the alternative names, as JSON in base64: a distinguished name may hold anything, line ends included.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A certificate may have a hundred kilobytes of names (OpenSSL's limit of a chain); a header may not.
TOLD_CHARS = 16 * 1024
TOO_LONG = "too-long"
# The alternative names that can name somebody (RFC 5280 §4.2.1.6), as Python's `ssl` words their kinds.
KINDS = ("DNS", "email", "URI")

# RFC 4514 §3, and what OpenSSL calls them at length.
SHORT = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
_TO_ESCAPE = re.compile(r'([,+"\\<>;])')

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`subject` holds the relative distinguished names in the certificate's order, each with its attributes by
    OpenSSL's long names (`commonName`); `names` are pairs of kind (see `KINDS`) and value."""

    subject: tuple[tuple[Pair, ...], ...] = ()
    names: tuple[Pair, ...] = ()


def told(peercert: Mapping[str, Any] | None) -> str:
    """What to tell the gate of `SSLSocket.getpeercert()`; empty where no certificate was verified: it is empty then."""
    if not peercert:
        return ""
    names = [pair for pair in peercert.get("subjectAltName", ()) if pair[0] in KINDS]
    content = json.dumps({"subject": peercert.get("subject", ()), "names": names}, separators=(",", ":"))
    text = base64.b64encode(content.encode()).decode()
    return text if len(text) <= TOLD_CHARS else TOO_LONG


def read(text: str) -> Certificate:
    """What the edge told.

    Raises:
        ValueError: the certificate has more names than can be told, or this is not of the edge's making.
    """
    if text == TOO_LONG:
        raise ValueError(f"its names are longer than {TOLD_CHARS} characters")
    try:
        content = json.loads(base64.b64decode(text, validate=True))
        return Certificate(
            subject=tuple(tuple((str(name), str(value)) for name, value in one) for one in content["subject"]),
            names=tuple((str(kind), str(value)) for kind, value in content["names"]),
        )
    except (binascii.Error, KeyError, TypeError, ValueError) as failure:
        raise ValueError("what the edge told of it is not understood") from failure


def dn_text(certificate: Certificate) -> str:
    """The subject as RFC 4514 writes it: `CN=ann,OU=data,O=Example`, the most special part first."""
    parts = ("+".join(f"{SHORT.get(name, name)}={_escaped(value)}" for name, value in part)
             for part in reversed(certificate.subject))  # fmt: skip
    return ",".join(parts)


def _escaped(value: str) -> str:
    """RFC 4514 §2.4."""
    text = _TO_ESCAPE.sub(r"\\\1", value).replace("\0", "\\00")
    if text.startswith((" ", "#")):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(value) > 1 else text
