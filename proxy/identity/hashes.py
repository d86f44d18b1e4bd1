"""Password hashes as Elasticsearch's `Hasher` writes them into a `users` file: bcrypt and PBKDF2.

Comparing costs what the hash says it shall: a cost beyond Elasticsearch's own is refused when the file is read, else
one line of a file could occupy a thread for hours.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Protocol

import bcrypt

# Hasher.getAvailableAlgoStoredPasswordHash: bcrypt4 to bcrypt14, pbkdf2_1000 to pbkdf2_1000000.
BCRYPT_COSTS = range(4, 15)
PBKDF2_ITERATIONS = range(1_000, 1_000_001)
# bcrypt's key has 18 words of 32 bits; Elasticsearch's BCrypt passes over what is beyond them, as all did for long.
BCRYPT_BYTES = 72
# Hasher.PBKDF2_MIN_SALT_LENGTH_IN_BYTES, HMAC_SHA512_BLOCK_SIZE_IN_BITS; the key that it writes itself has 32 bytes.
SALT_BYTES = 8
KEY_STEP_BYTES = 16
KEY_BYTES = 512

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_PBKDF2 = re.compile(r"\{(PBKDF2|PBKDF2_STRETCH)\}(\d{1,9})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")


class StoredHash(Protocol):
    """A hash of any kind; `text` is how it stands in the file."""

    @property
    def text(self) -> str:
        """The line's second half."""

    def matches(self, password: bytes) -> bool:
        """Whether `password` (UTF-8) is the one that was hashed."""


@dataclass(frozen=True, slots=True)
class BcryptHash:
    """`$2a$10$…`: OpenBSD's bcrypt."""

    text: str = field(repr=False)

    def matches(self, password: bytes) -> bool:
        """Whether `password` (UTF-8) is the one that was hashed. Takes its time, and holds no lock of Python's."""
        return bcrypt.checkpw(password[:BCRYPT_BYTES], self.text.encode())


@dataclass(frozen=True, slots=True)
class Pbkdf2Hash:
    """`{PBKDF2}10000$salt$key`: HMAC-SHA512; with `stretch` over the SHA-512 of the password in hexadecimal."""

    text: str = field(repr=False)
    iterations: int
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)
    stretch: bool

    def matches(self, password: bytes) -> bool:
        """Whether `password` (UTF-8) is the one that was hashed. Takes its time, and holds no lock of Python's."""
        # Over a long password each round of HMAC costs no more than over a short one; Elasticsearch stretches short
        # ones to the 14 bytes that FIPS 140 asks for.
        hashed = hashlib.sha512(password).hexdigest().encode() if self.stretch else password
        made = hashlib.pbkdf2_hmac("sha512", hashed, self.salt, self.iterations, len(self.key))
        return hmac.compare_digest(made, self.key)


def read_hash(text: str) -> StoredHash:
    """A hash as it stands in a file.

    Raises:
        ValueError: it is none of the kinds, damaged, or costs more than Elasticsearch's own; never with the hash in it.
    """
    if bcrypted := _BCRYPT.fullmatch(text):
        if int(bcrypted[1]) not in BCRYPT_COSTS:
            low, high = BCRYPT_COSTS[0], BCRYPT_COSTS[-1]
            raise ValueError(f"the cost of a bcrypt hash must be from {low} to {high}, and is {int(bcrypted[1])}")
        return BcryptHash(text)
    if derived := _PBKDF2.fullmatch(text):
        return _pbkdf2(text, derived)
    if text.startswith(("$2", "{PBKDF2")):
        raise ValueError("the hash is damaged: it is cut, or holds what its kind has not")
    raise ValueError("the hash is of no kind that is supported: bcrypt ($2a$, $2b$, $2y$), {PBKDF2}, {PBKDF2_STRETCH}")


def _pbkdf2(text: str, found: re.Match[str]) -> Pbkdf2Hash:
    iterations = int(found[2])
    if iterations not in PBKDF2_ITERATIONS:
        low, high = PBKDF2_ITERATIONS[0], PBKDF2_ITERATIONS[-1]
        raise ValueError(f"the iterations of a PBKDF2 hash must be from {low} to {high}, and are {iterations}")
    try:
        salt, key = base64.b64decode(found[3], validate=True), base64.b64decode(found[4], validate=True)
    except binascii.Error:
        raise ValueError("salt and key of a PBKDF2 hash must be base64") from None
    if len(salt) < SALT_BYTES:
        raise ValueError(f"the salt of a PBKDF2 hash must have at least {SALT_BYTES} bytes, and has {len(salt)}")
    if not key or len(key) % KEY_STEP_BYTES or len(key) > KEY_BYTES:
        raise ValueError(f"the key of a PBKDF2 hash must have 16, 32, … up to {KEY_BYTES} bytes, and has {len(key)}")
    return Pbkdf2Hash(text, iterations, salt, key, stretch=found[1] == "PBKDF2_STRETCH")
