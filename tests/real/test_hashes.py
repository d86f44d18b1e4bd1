"""Password hashes: what Elasticsearch's own `Hasher` writes is understood here, and what is understood here, there."""

import bcrypt
import pytest

from proxy.identity.hashes import read_hash
from tests.identity.samples import WRITTEN
from tests.real.model import Model

pytestmark = pytest.mark.real

WRITERS = ["bcrypt", "bcrypt4", "bcrypt5", "pbkdf2", "pbkdf2_1000", "pbkdf2_50000", "pbkdf2_stretch_1000"]
PASSWORDS = ["a", "s3cr3t-word", "pä ss:€ 𝄞", "x" * 72, "x" * 73, "y" * 300]


@pytest.mark.parametrize("writer", WRITERS)
def test_what_elasticsearch_writes_is_understood(model: Model, writer: str) -> None:
    for password in PASSWORDS:
        text = model.ask("hash", writer, password)
        for other in PASSWORDS:
            # What both say of one another's passwords, bcrypt's end at 72 bytes included.
            agreed = model.ask("verify", other, text) == "true"
            assert read_hash(text).matches(other.encode()) is agreed
            assert agreed or other != password


@pytest.mark.parametrize("kind", [b"2a", b"2b", b"2y"])
def test_other_writers_of_bcrypt_are_understood_by_both(model: Model, kind: bytes) -> None:
    for password in PASSWORDS[:4]:
        made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4))
        text = made.replace(b"$2b$", b"$" + kind + b"$").decode()
        assert read_hash(text).matches(password.encode())
        assert model.ask("verify", password, text) == "true"


def test_the_samples_are_elasticsearchs(model: Model) -> None:
    for text, password in WRITTEN.items():
        assert model.ask("verify", password, text) == "true"
