"""Hashes as Elasticsearch writes them, and what is none."""

import base64

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.hashes import BcryptHash, Pbkdf2Hash, read_hash
from tests.identity.samples import BCRYPT4, PBKDF2, STRETCHED, WIDE, WORD, WRITTEN


@pytest.mark.parametrize(("text", "password"), WRITTEN.items(), ids=lambda value: value[:24])
def test_a_password_matches_what_elasticsearch_wrote(text: str, password: str) -> None:
    stored = read_hash(text)
    assert stored.text == text
    assert stored.matches(password.encode())
    assert not stored.matches(password[:-1].encode() + b"!") or len(password) > 72
    assert not stored.matches(b"")


def test_kinds_are_told_apart() -> None:
    assert isinstance(read_hash(BCRYPT4), BcryptHash)
    plain, stretched = read_hash(PBKDF2), read_hash(STRETCHED)
    assert isinstance(plain, Pbkdf2Hash)
    assert isinstance(stretched, Pbkdf2Hash)
    assert (plain.stretch, plain.iterations, len(plain.salt), len(plain.key)) == (False, 1000, 32, 32)
    assert stretched.stretch
    assert not Pbkdf2Hash(PBKDF2, plain.iterations, plain.salt, plain.key, stretch=True).matches(WORD.encode())


@pytest.mark.parametrize("kind", [b"2a", b"2b", b"2y"])
def test_other_writers_of_bcrypt_are_understood(kind: bytes) -> None:
    """htpasswd writes $2y$, current libraries $2b$."""
    text = bcrypt.hashpw(WIDE.encode(), bcrypt.gensalt(4)).replace(b"$2b$", b"$" + kind + b"$").decode()
    assert read_hash(text).matches(WIDE.encode())


def test_bcrypt_passes_over_what_is_beyond_72_bytes() -> None:
    stored = read_hash("$2a$04$/RSq.pWdZDAR8.kcvcjRBuVAHhIhJO8/.51xQdU386.zoSRPK5WWS")
    assert stored.matches(b"x" * 72)
    assert stored.matches(b"x" * 500)
    assert not stored.matches(b"x" * 71)


def test_a_hash_is_not_shown() -> None:
    assert BCRYPT4 not in repr(read_hash(BCRYPT4))
    shown = repr(read_hash(PBKDF2))
    assert PBKDF2 not in shown
    assert "salt" not in shown


def b64(length: int) -> str:
    return base64.b64encode(bytes(range(length))).decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no kind"),
        ("secret", "no kind"),
        ("{SSHA256}abc", "no kind"),
        ("{plain}abc", "no kind"),
        (BCRYPT4[:-1], "damaged"),
        (BCRYPT4 + "a", "damaged"),
        (BCRYPT4.replace("$2a$", "$2x$"), "damaged"),
        (BCRYPT4[:-1] + "!", "damaged"),
        (BCRYPT4.replace("$04$", "$03$"), "from 4 to 14, and is 3"),
        (BCRYPT4.replace("$04$", "$15$"), "from 4 to 14, and is 15"),
        (BCRYPT4.replace("$04$", "$31$"), "from 4 to 14, and is 31"),
        (PBKDF2.replace("}1000$", "}999$"), "from 1000 to 1000000, and are 999"),
        (PBKDF2.replace("}1000$", "}1000001$"), "from 1000 to 1000000"),
        (PBKDF2.replace("}1000$", "}99999999999$"), "damaged"),
        (PBKDF2.replace("}1000$", "}$"), "damaged"),
        (PBKDF2.replace("}1000$", "}-1000$"), "damaged"),
        (PBKDF2.replace("{PBKDF2}", "{PBKDF2_OTHER}"), "damaged"),
        (PBKDF2[:-1], "must be base64"),
        (f"{{PBKDF2}}1000${b64(7)}${b64(32)}", "at least 8 bytes, and has 7"),
        (f"{{PBKDF2}}1000${b64(8)}${b64(20)}", "16, 32, … up to 512 bytes, and has 20"),
        (f"{{PBKDF2}}1000${b64(8)}$====", "must be base64"),
        (f"{{PBKDF2}}1000${b64(8)}${base64.b64encode(bytes(528)).decode()}", "and has 528"),
        (PBKDF2 + "$", "damaged"),
    ],
)
def test_what_is_no_hash_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as told:
        read_hash(text)
    assert len(text) < 30 or text not in str(told.value)


@pytest.mark.parametrize(("salt", "key"), [(8, 16), (8, 64), (100, 32), (32, 512)])
def test_other_lengths_of_salt_and_key_are_read(salt: int, key: int) -> None:
    made = base64.b64encode(bytes(key)).decode()
    assert isinstance(read_hash(f"{{PBKDF2}}1000${b64(salt)}${made}"), Pbkdf2Hash)


@given(st.text())
def test_any_text_is_a_hash_or_a_fault(text: str) -> None:
    """Never anything else: an operator may have written it."""
    try:
        read_hash(text)
    except ValueError:
        return
