"""Spellings that resemble a special call though Elasticsearch, as it is, routes them nowhere.

They are refused rather than passed: a cluster answers them with an error anyway, and should anything between here and
the cluster (another proxy, a later version) normalise a path, no start must slip through.
"""

import re
from urllib.parse import unquote_to_bytes

_PARAMETERS = re.compile(rb"[;#?].*", re.DOTALL)


def normal_form(path: bytes) -> bytes:
    """`path` as the most lenient reader would take it: escapes decoded twice, case folded, backslashes as slashes,
    path parameters and fragments cut off each segment, empty and dot segments resolved (RFC 3986 §5.2.4)."""
    decoded = unquote_to_bytes(unquote_to_bytes(path)).lower().replace(b"\\", b"/")
    kept: list[bytes] = []
    for segment in decoded.split(b"/"):
        plain = _PARAMETERS.sub(b"", segment).strip()
        if plain == b"..":
            del kept[-1:]
        elif plain not in (b"", b"."):
            kept.append(plain)
    return b"/" + b"/".join(kept)
