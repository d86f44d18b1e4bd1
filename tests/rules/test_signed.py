"""Signatures of break-glass entries: what is vouched for counts, and nothing else."""

import base64
import dataclasses
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.compiled import BreakGlass, Origin
from proxy.rules.signed import LONGEST_MS, NoKey, canonical, private_key, public_key, signature, unsigned

SECRET = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
NOON = 1_800_000_000_000
HOUR = 3_600_000


def public_pem(key: Any = SECRET) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_pem(key: Any = SECRET, encryption: Any = None) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return pem.decode()


KEYS = {"ops": public_pem(), "night": public_pem(OTHER)}


def entry(*, key: Ed25519PrivateKey = SECRET, **changes: Any) -> BreakGlass:
    """An entry that is signed as it stands."""
    plain = BreakGlass(
        id="INC-7",
        from_ms=NOON,
        until_ms=NOON + HOUR,
        users=("anna",),
        jobs=("flights*",),
        reason="the role mapping is broken",
        signed_by="ops",
        signature="",
        origin=Origin("rules.yml", 7),
    )
    made = dataclasses.replace(plain, **changes)
    said = canonical(made.id, made.from_ms, made.until_ms, made.users, made.jobs, made.reason)
    return made if "signature" in changes else dataclasses.replace(made, signature=signature(key, said))


def wrong(one: BreakGlass, keys: dict[str, str] | None = None) -> str:
    """The only fault of an entry, as it is told; empty where there is none."""
    faults = unsigned([one], KEYS if keys is None else keys)
    assert len(faults) <= 1
    return str(faults[0]) if faults else ""


def test_what_is_signed_counts() -> None:
    assert wrong(entry()) == ""
    assert wrong(entry(key=OTHER, signed_by="night")) == ""
    assert LONGEST_MS == 24 * HOUR
    assert wrong(entry(until_ms=NOON + LONGEST_MS)) == ""
    assert unsigned([], {}) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "INC-8"},
        {"from_ms": NOON - 1},
        {"until_ms": NOON + HOUR + 1},
        {"users": ("anna", "ben")},
        {"users": ("*",)},
        {"users": ("flights*",), "jobs": ("anna",)},
        {"jobs": ()},
        {"reason": "the role mapping is broken "},
        {"signed_by": "night"},
        {"signature": ""},
        {"signature": base64.b64encode(b"x" * 64).decode()},
    ],
    ids=str,
)
def test_whatever_is_changed_needs_a_new_signature(change: dict[str, Any]) -> None:
    assert "sign it again" in wrong(dataclasses.replace(entry(), **change))


def test_faults_say_where_what_and_what_is_allowed() -> None:
    assert wrong(entry(signed_by="opps")) == (
        "rules.yml:7:1: break_glass `INC-7`: signed_by `opps` names no key (did you mean 'ops'?); "
        "the keys of break_glass.public_keys, read when Startgate starts: night, ops"
    )
    assert wrong(entry(), {}).endswith("read when Startgate starts: none")
    assert "for more than 24 hours" in wrong(entry(until_ms=NOON + LONGEST_MS + 1))
    assert "`until` must be later" in wrong(entry(until_ms=NOON))
    assert "not base64" in wrong(entry(signature="%"))
    assert "the key holds no public key" in wrong(entry(), {"ops": "nonsense"})


def test_every_entry_is_looked_at() -> None:
    good, bad = entry(), entry(signature="AAAA")
    assert len(unsigned([bad, good, bad], KEYS)) == 2


def test_time_decides_whether_it_counts() -> None:
    one = entry()
    assert [one.in_force(NOON + at) for at in (-1, 0, HOUR - 1, HOUR)] == [False, True, True, False]


def test_keys_of_other_kinds_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(NoKey, match="another kind"):
        public_key(public_pem(curve))
    with pytest.raises(NoKey, match="another kind"):
        private_key(private_pem(curve))
    with pytest.raises(NoKey, match="encrypted"):
        private_key(private_pem(encryption=BestAvailableEncryption(b"word")))
    with pytest.raises(NoKey, match="no private key"):
        private_key(public_pem())
    with pytest.raises(NoKey, match="holds a private key"):
        public_key(private_pem())
    assert private_key(private_pem()).public_key() == public_key(public_pem())


TEXTS = st.lists(st.text(), max_size=3).map(tuple)
SAID = st.tuples(st.text(), st.integers(), st.integers(), TEXTS, TEXTS, st.text())


@given(SAID, SAID)
def test_different_values_never_have_one_canonical_form(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (canonical(*one) == canonical(*other)) == (one == other)


def test_the_canonical_form_is_fixed() -> None:
    """Signatures that were made with an earlier version must still count."""
    said = canonical("ä", 1, 2, ["a", "b"], ["*"], 'say "no"')
    assert said == b'startgate break-glass 1\n["\\u00e4",1,2,["a","b"],["*"],"say \\"no\\""]'
