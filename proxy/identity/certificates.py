"""From a verified client certificate to a user name, by the one rule that the configuration names."""

import re

from proxy.clientcert import SHORT, Certificate, dn_text
from proxy.identity.names import wrong_name
from proxy.settings import CertificateNames

# The rules besides a map: the subject's common name, its whole distinguished name, or an alternative name.
RULES = {"cn": "", "dn": "", "email": "email", "dns": "DNS", "uri": "URI"}
# One escaped or plain character, as far as the next comma or plus that stands for itself.
_PIECE = re.compile(r"((?:\\.|[^\\,+])*)([,+]|$)", re.DOTALL)
# RFC 4514 §3: bytes of UTF-8 as pairs of hexadecimal digits, or one character.
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)

Name = tuple[frozenset[tuple[str, str]], ...]


def username_of(certificate: Certificate, rule: CertificateNames) -> str | None:
    """The user whom the certificate names; None where it names nobody by this rule.

    Raises:
        ValueError: it names several, or what it names cannot be a user's name.
    """
    if rule.users:
        by_name = {read_dn(written): user for written, user in rule.users}
        return by_name.get(_normal(certificate))
    found = _values(certificate, rule.username)
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"it holds several values of [{rule.username}], and which one counts would be a guess")
    if problem := wrong_name(found[0]):
        raise ValueError(f"its [{rule.username}] {problem}")
    return found[0]


def _values(certificate: Certificate, username: str) -> list[str]:
    if username == "dn":
        return [dn_text(certificate)] if certificate.subject else []
    if username == "cn":
        return [value for part in certificate.subject for name, value in part if name == "commonName"]
    return [value for kind, value in certificate.names if kind == RULES[username]]


def read_dn(text: str) -> Name:
    """A distinguished name as a person writes it, for comparing: blanks around commas and the case of attribute names
    mean nothing, that of values does.

    Raises:
        ValueError: it is no list of `attribute=value`.
    """
    parts: list[frozenset[tuple[str, str]]] = []
    attributes: list[tuple[str, str]] = []
    at, end = 0, ","
    while end:
        found = _PIECE.match(text, at)
        if found is None:
            raise ValueError("it ends with a backslash")
        attributes.append(_attribute(found[1]))
        end, at = found[2], found.end()
        if end != "+":
            parts.append(frozenset(attributes))
            attributes = []
    return tuple(parts)


def _attribute(piece: str) -> tuple[str, str]:
    name, equals, value = piece.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise ValueError(f"{piece.strip()!r} is not attribute=value")
    stripped = value.strip()
    if (len(stripped) - len(stripped.rstrip("\\"))) % 2:
        stripped += " "  # an escaped blank at the end belongs to the value
    return SHORT.get(name.strip(), name.strip()).upper(), _ESCAPED.sub(_unescaped, stripped)


def _unescaped(found: re.Match[str]) -> str:
    return bytes.fromhex(found[1].replace("\\", "")).decode() if found[1] else found[2]


def _normal(certificate: Certificate) -> Name:
    return tuple(
        frozenset((SHORT.get(name, name).upper(), value) for name, value in part)
        for part in reversed(certificate.subject)
    )
