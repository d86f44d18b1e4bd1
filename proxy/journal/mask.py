"""Masks what a record says of persons: each value becomes a keyed hash (HMAC-SHA-256, RFC 2104), so that equal values
stay equal and nobody without the key can try names out. Sentences that quote a masked value quote the mask.

What is needed to go on from a record (job, destination, receipt, chain, verdict) is not masked. See
docs/decisions/116-what-can-be-masked.md.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from proxy.journal.allowed import leaves
from proxy.journal.fields import FIELDS, Kind
from proxy.settings import Masking

MARK = "masked:"
# 80 bits: among a million names two share a mask once in about 10^12 journals.
MASK_HEX = 20
# How a text ends that was cut (`entry.cut`).
_CUT = re.compile(r"…\[\d+ characters\]\Z")

# What may be masked → what is masked with it, since it holds the same. IP addresses are left out: a mask is none.
MASKABLE: Mapping[str, tuple[str, ...]] = {
    "user.name": (
        "startgate.caller.name",
        "startgate.secondary.name",
        "startgate.owner.seen.name",
        "startgate.admin.by",
        "startgate.admin.asked_user",
    ),
    "source.address": (
        *("source.ip", "client.address", "startgate.forwarded.for", "startgate.forwarded.header"),
        "startgate.front.address",
    ),
    "user_agent.original": (),
    "labels.x_opaque_id": (),
    "tls.client.subject": (),
    "startgate.caller.api_key.name": (
        *("startgate.secondary.api_key.name", "startgate.owner.api_key.name", "startgate.owner.seen.api_key.name"),
    ),
}
# Where a masked value may come from an earlier record, in which it was masked already.
_AGAIN = "startgate.owner.seen."
_MASKED = re.compile(rf"{MARK}[0-9a-f]{{{MASK_HEX}}}")
_WORDS = f"{MARK}the cluster's words may name somebody"
_PROSE = frozenset({Kind.TEXT, Kind.TEXTS})
# How Elasticsearch names users in its texts (AuthorizationDenialMessages): also those whom no field holds, such as
# whoever acts as another.
_NAMED = re.compile(r"(?i)(\b(?:user|username|run as|principal) \[)([^\]]*)(?=\])")


def is_mask(name: str) -> bool:
    """Whether a name looks like a mask. Nobody is to be taken for whom a mask stands for by being called so."""
    return _MASKED.fullmatch(name) is not None


class Mask:
    """Masks records by one `Masking`."""

    def __init__(self, masking: Masking) -> None:
        self._key = masking.key.encode()
        self._fields = frozenset(name for head in masking.fields for name in (head, *MASKABLE[head]))

    def masked(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record of `allowed`, masked. It is changed in place, as far as it is the caller's own copy."""
        if not self._fields:
            return record
        quoted: set[str] = set()
        for one, held in leaves(record):
            if one.name in self._fields:
                self._mask(one.name, held, quoted)
        _leave_out_words(record, self._fields)
        rewrite = _Rewriting({form: self.of(value) for value in sorted(quoted) for form in _forms(value)})
        for one, held in leaves(record):
            if one.kind in _PROSE:
                key = _last(one.name)
                held[key] = _each(held[key], lambda text: self._unnamed(rewrite(text)))
        _leave_out_situation(record)
        return record

    def _unnamed(self, text: str) -> str:
        if "user.name" not in self._fields:
            return text
        return _NAMED.sub(lambda found: found[1] + (found[2] if is_mask(found[2]) else self.of(found[2])), text)

    def _mask(self, name: str, held: dict[str, Any], quoted: set[str]) -> None:
        """Mask a field where it stands, and note what it held."""
        key = _last(name)
        value = held[key]
        if FIELDS[name].kind is Kind.ADDRESS:
            quoted.update(_texts(held.pop(key)))
            return
        if name.startswith(_AGAIN) and isinstance(value, str) and is_mask(value):
            return
        quoted.update(_texts(value))
        held[key] = _each(value, self.of)

    def of(self, value: str) -> str:
        """The mask of a value. What is empty tells nothing, and stays."""
        if not value:
            return value
        digest = hmac.new(self._key, value.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return f"{MARK}{digest[:MASK_HEX]}"


class _Rewriting:
    """Puts masks in the place of values in a sentence."""

    def __init__(self, masks: Mapping[str, str]) -> None:
        self._masks = masks
        # Longer ones first: a name may be the beginning of another.
        self._ordered = sorted(masks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, self._ordered))) if masks else None

    def __call__(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._masks[found[0]], self._at_the_cut(text))

    def _at_the_cut(self, text: str) -> str:
        """Where a text was cut, the beginning of a value may stand: it goes, too."""
        cut = _CUT.search(text)
        if cut is None:
            return text
        head = text[: cut.start()]
        begun = max((_overlap(head, value) for value in self._ordered), default=0)
        return f"{head[: len(head) - begun]}{cut[0]}"


def _overlap(head: str, value: str) -> int:
    """How many characters of the beginning of `value` `head` ends with; the whole is none of the cut's doing."""
    return next((size for size in range(min(len(value) - 1, len(head)), 0, -1) if head.endswith(value[:size])), 0)


def _pattern(value: str) -> str:
    """As a word of its own: `ann` is no part of `annual`. Names that are not of ASCII have no such borders."""
    escaped = re.escape(value)
    if not value.isascii():
        return escaped
    before = r"(?<![0-9A-Za-z_])" if re.match(r"\w", value) else ""
    after = r"(?![0-9A-Za-z_])" if re.search(r"\w\Z", value) else ""
    return before + escaped + after


def _forms(value: str) -> set[str]:
    """A value as sentences may quote it: as it is, within JSON, within a path."""
    return {value, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1], quote(value, errors="replace")}


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,) if value else ()
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list | tuple) else ()


def _each(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 -- a text, or a list of them
    if isinstance(value, list | tuple):
        return [_each(one, change) for one in value]
    return change(value) if isinstance(value, str) else value


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _leave_out_words(record: dict[str, Any], masked: frozenset[str]) -> None:
    """The cluster's words on how a job ended, or why it did not know somebody, may name a user. Where nobody here knows
    who that is, there is nothing to look for in them."""
    if "user.name" not in masked:
        return
    ours = record["startgate"]
    end, observed = ours.get("end", {}), ours.get("observed", {})
    if "caller" not in ours and "failure_reason" in end:
        end["failure_reason"] = record["event"]["reason"] = _WORDS
    # A refused `es-secondary-authorization` names the other of the two, so a caller who is known does not help.
    if "unknown_who" in observed:
        observed["unknown_who"] = _WORDS
    status = record.get("http", {}).get("response", {}).get("status_code")
    unknown = status == 401 or (status == 403 and "caller" not in ours)
    if unknown and "receipt" in ours and "reason" in record["event"]:
        record["event"]["reason"] = _WORDS


def _leave_out_situation(record: dict[str, Any]) -> None:
    """A situation holds all that is masked, and of a part nothing could be judged again."""
    ours = record["startgate"]
    if "situation" in ours:
        ours["situation"] = {"omitted": "it holds what journal.mask masks"}
