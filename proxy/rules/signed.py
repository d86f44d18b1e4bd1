"""Whether break-glass entries are vouched for: an Ed25519 signature (RFC 8032) over what an entry says.

Signed is a canonical form, so that it does not matter how an entry is laid out in its file; whoever changes a value
needs a new signature. Keys and signatures are texts here: PEM, and base64 of 64 bytes.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from proxy.errors import Fault, nearest
from proxy.rules.compiled import BreakGlass

# An emergency that lasts longer than a day is a change of the rules, with the review that such a change gets.
LONGEST_MS = 24 * 3600 * 1000
# Of the text that says why.
REASON_CHARS = 1000
# Before what is signed, so that no signature made for something else is one of these (RFC 8032 §8.3).
_PURPOSE = b"startgate break-glass 1\n"


class NoKey(ValueError):
    """A text is not the PEM of an Ed25519 key; the message says what it is instead."""


def canonical(id: str, from_ms: int, until_ms: int, users: Sequence[str], jobs: Sequence[str], reason: str) -> bytes:
    """What is signed: the purpose, and one JSON array in UTF-8 without spaces. Times are milliseconds since 1970."""
    said = [id, from_ms, until_ms, list(users), list(jobs), reason]
    # Lone surrogates are in no UTF-8 file; escaped, they cannot make this fail.
    return _PURPOSE + json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()


def public_key(pem: str) -> Ed25519PublicKey:
    """The key in a PEM text (`BEGIN PUBLIC KEY`). Raises NoKey."""
    if "PRIVATE KEY" in pem:
        raise NoKey("holds a private key; whoever checks signatures must only have the public one")
    try:
        key = load_pem_public_key(pem.encode())
    except Exception as failure:  # the library raises its own errors and OpenSSL's
        raise NoKey("holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)") from failure
    if not isinstance(key, Ed25519PublicKey):
        raise NoKey("holds a key of another kind; only Ed25519 is taken (`startgate break-glass keygen` makes one)")
    return key


def private_key(pem: str) -> Ed25519PrivateKey:
    """The key in a PEM text (`BEGIN PRIVATE KEY`, not encrypted). Raises NoKey."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError as failure:
        raise NoKey("holds an encrypted key; decrypt it first (openssl pkey)") from failure
    except Exception as failure:  # the library raises its own errors and OpenSSL's
        raise NoKey("holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)") from failure
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKey("holds a key of another kind; only Ed25519 is taken (`startgate break-glass keygen` makes one)")
    return key


def signature(key: Ed25519PrivateKey, said: bytes) -> str:
    """The signature of `canonical` bytes, as rule files hold it."""
    return base64.b64encode(key.sign(said)).decode()


def unsigned(entries: Iterable[BreakGlass], keys: Mapping[str, str]) -> tuple[Fault, ...]:
    """What is wrong with the signatures and times of entries; `keys` are public keys (PEM) by name.

    Any fault keeps all rules from coming into force: an exception that nobody vouches for is no exception.
    """
    return tuple(
        Fault(entry.origin.file, f"break_glass `{entry.id}`: {wrong}", entry.origin.line, 1)
        for entry in entries
        if (wrong := _wrong(entry, keys))
    )


def _wrong(entry: BreakGlass, keys: Mapping[str, str]) -> str:
    if entry.until_ms <= entry.from_ms:
        return "`until` must be later than `from`"
    if entry.until_ms - entry.from_ms > LONGEST_MS:
        return f"it is for more than {LONGEST_MS // 3_600_000} hours; sign a shorter one, or change the rules"
    pem = keys.get(entry.signed_by)
    if pem is None:
        known = ", ".join(sorted(keys)) or "none"
        hint = nearest(entry.signed_by, keys)
        text = f"signed_by `{entry.signed_by}` names no key{hint}; the keys of break_glass.public_keys"
        return f"{text}, read when Startgate starts: {known}"
    try:
        key, signed = public_key(pem), base64.b64decode(entry.signature, validate=True)
    except (NoKey, binascii.Error) as failure:
        which = "the key" if isinstance(failure, NoKey) else "the signature is not base64:"
        return f"{which} {failure}"
    said = canonical(entry.id, entry.from_ms, entry.until_ms, entry.users, entry.jobs, entry.reason)
    try:
        key.verify(signed, said)
    except InvalidSignature:
        return (
            f"the signature is not one of `{entry.signed_by}` over these values; sign it again after any change "
            "(`startgate break-glass sign`)"
        )
    return ""
