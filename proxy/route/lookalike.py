"""Spellings that resemble a start: some versions of Elasticsearch route them there, others nowhere.

They are refused rather than passed. 9.1 ends a path at its first `#`, 7.17 and 8.15 do not; and should anything between
here and the cluster (another proxy, a later version) normalise a path, no start must slip through. Whoever normalises
may do a part of it only, and in any order, so each segment counts as everything that somebody could make of it.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

_PARAMETERS = re.compile(rb"[;#?].*", re.DOTALL)
_MATRIX = re.compile(rb";[^/]*")
_PATH_END = re.compile(rb"[#?]")
# To some these stand for nothing, to others for an id.
_EMPTY = frozenset((b"", b".", b".."))


def resembles(path: bytes, pattern: Sequence[bytes | None]) -> bool:
    """Whether some lenient reader could take `path` for the call whose segments are `pattern` (None: any segment).

    Escapes are decoded twice, case is folded, backslashes are slashes, path parameters are cut off; empty and dot
    segments are resolved (RFC 3986 §5.2.4), left out or taken for ids; a `#` or `?` ends the path or only a segment; an
    encoded slash and a backslash part two segments or do not.
    Takes time in proportion to the length of `path`.
    """
    # Who resolves, or cuts off parameters, before decoding finds other segments than who does it afterwards.
    stages = (path, unquote_to_bytes(path))
    ended = [_PATH_END.split(stage, maxsplit=1)[0] for stage in stages]
    forms = {path, *normal_forms(path), *(_resolved(stage) for stage in (*stages, *ended))}
    forms |= {_MATRIX.sub(b"", stage) for stage in stages}
    return any(_leads_to(_decoded(form).split(b"/"), pattern) for form in forms)


def _leads_to(segments: list[bytes], pattern: Sequence[bytes | None]) -> bool:
    """Reads `segments` with all meanings at once: `reached` holds how far into `pattern` each of them has come."""
    reached = {0}
    for segment in segments:
        plain = _PARAMETERS.sub(b"", segment).strip()
        onwards = {at + 1 for at in reached if at < len(pattern) and pattern[at] in (None, plain)}
        # What stands for any segment may go on: to who splits before decoding, an encoded slash is a part of it, as to
        # who knows no backslash. Elasticsearch is both.
        onwards |= {at for at in reached if plain in _EMPTY or (at < len(pattern) and pattern[at] is None)}
        reached = onwards
        if len(pattern) in reached and _PATH_END.search(segment):
            return True
    return len(pattern) in reached


def normal_forms(path: bytes) -> tuple[bytes, bytes]:
    """`path` as the most lenient readers would take it: one to whom `#` and `?` end the path, one to whom they end a
    segment only. Escapes are decoded twice, case is folded, backslashes are slashes, path parameters are cut off, and
    empty and dot segments are resolved (RFC 3986 §5.2.4)."""
    decoded = _decoded(path)
    return _resolved(_PATH_END.split(decoded, maxsplit=1)[0]), _resolved(decoded)


def _decoded(path: bytes) -> bytes:
    return unquote_to_bytes(unquote_to_bytes(path)).lower().replace(b"\\", b"/")


def _resolved(path: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        plain = _PARAMETERS.sub(b"", segment).strip()
        if plain == b"..":
            del kept[-1:]
        elif plain not in (b"", b"."):
            kept.append(plain)
    return b"/" + b"/".join(kept)
