"""Index names that a plain `*` in a role does not cover: system indices (`RestrictedIndices`, `SystemIndices`).

A grant reaches them only with `allow_restricted_indices`. The list joins what the features of 7.17 to 9.x declare.
A name that is in here but not in some version's own list is treated as restricted: grants without the flag then don't
reach it, which is the safe side; and a question about a pattern leaves it out, as the cluster would.
"""

import re

from proxy.privileges.patterns import Language, language

_DIGITS = "0123456789"

RESTRICTED: tuple[str, ...] = (
    ".security",
    ".security-tokens",
    ".security-profile",
    *(f".security-{digit}*" for digit in _DIGITS),
    *(f".security-tokens-{digit}*" for digit in _DIGITS),
    *(f".security-profile-{digit}*" for digit in _DIGITS),
    ".async-search*",
    ".kibana",
    ".kibana_*",
    ".reporting-*",
    ".apm-agent-configuration*",
    ".apm-custom-link*",
    ".enrich-*",
    ".fleet-actions*",
    ".ds-.fleet-actions-results*",
    ".fleet-agents*",
    ".fleet-artifacts*",
    ".fleet-enrollment-api-keys*",
    *(f".fleet-policies-{digit}*" for digit in _DIGITS),
    ".fleet-policies-leader*",
    ".fleet-secrets*",
    ".fleet-servers*",
    ".geoip_databases*",
    ".logstash*",
    ".ml-config*",
    ".ml-inference*",
    ".ml-meta*",
    ".snapshot-blob-cache*",
    ".tasks*",
    ".transform-internal-*",
    ".data-frame-internal-*",
    ".watches*",
    ".triggered_watches*",
    ".synonyms*",
    ".connector-secrets*",
    ".secrets-inference*",
    ".inference*",
    ".query-rules*",
    ".search-app*",
)
# How names begin that one of the patterns stands for, and where in a pattern that ends.
_BEGINNINGS = tuple(name.removesuffix("*") for name in RESTRICTED if name.endswith("*"))
_WILDCARD = re.compile(r"[*?\\]")


def restricted_language() -> Language:
    """All restricted names."""
    return language(RESTRICTED)


def is_restricted(name: str) -> bool:
    """Whether the index, alias or data stream of this name is restricted."""
    return restricted_language().matches(name)


def reaches_restricted(expression: str) -> bool:
    """Whether a pattern for names that begin with a dot may stand for restricted ones.

    Other patterns do not reach for them: restricted indices are hidden, and a wildcard stands for hidden ones only
    where it begins with a dot itself (`IndexNameExpressionResolver`). It is told by how both begin, at once: a job may
    have thousands of patterns. What begins alike counts as a yes.
    """
    if not expression.startswith(".") or not any(sign in expression for sign in "*?"):
        return False
    begins = _WILDCARD.split(expression, maxsplit=1)[0]
    return any(name.startswith(begins) for name in RESTRICTED) or begins.startswith(_BEGINNINGS)
