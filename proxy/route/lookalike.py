"""Spellings that resemble a special call: some versions of Elasticsearch route them there, others nowhere.

They are refused rather than passed. 9.1 ends a path at its first `#`, 7.17 and 8.15 do not; and should anything between
here and the cluster (another proxy, a later version) normalise a path, no start must slip through.
"""

import re
from urllib.parse import unquote_to_bytes

_PARAMETERS = re.compile(rb"[;#?].*", re.DOTALL)
_PATH_END = re.compile(rb"[#?]")


def normal_forms(path: bytes) -> tuple[bytes, bytes]:
    """`path` as the most lenient readers would take it: one to whom `#` and `?` end the path, one to whom they end a
    segment only. Escapes are decoded twice, case is folded, backslashes are slashes, path parameters are cut off, and
    empty and dot segments are resolved (RFC 3986 §5.2.4)."""
    decoded = unquote_to_bytes(unquote_to_bytes(path)).lower().replace(b"\\", b"/")
    return _resolved(_PATH_END.split(decoded, maxsplit=1)[0]), _resolved(decoded)


def _resolved(decoded: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in decoded.split(b"/"):
        plain = _PARAMETERS.sub(b"", segment).strip()
        if plain == b"..":
            del kept[-1:]
        elif plain not in (b"", b"."):
            kept.append(plain)
    return b"/" + b"/".join(kept)
