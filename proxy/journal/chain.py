"""The chain that makes a journal tamper-evident: every record says which one came before it.

Rules of this file: a line of the journal is canonical JSON, so that what is on disk and what is hashed are one form;
a record's place stands in `startgate.chain`; the hash is SHA-256 (FIPS 180-4) over the line without `chain.hash` and
without the newline, and so covers the place, and with `prev` everything before it. Nothing here reads or writes.

Canonical JSON: UTF-8, no blanks, the keys of every object sorted by code point, none twice. Whoever has a record as a
value, from a file or from Elasticsearch, gets the same bytes by `canonical`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

# What the first record of a journal has as the hash of the one before.
GENESIS = "0" * 64
# Where the place is put in; no text that a client chose can look like this, because its quotation marks are escaped.
_SLOT = {"slot": True}
_SLOT_BYTES = b'"chain":{"slot":true}'
_OPENING = b'"chain":{'
_HASH = re.compile(rb'"chain":\{"hash":"([0-9a-f]{64})",')

_encoder = msgspec.json.Encoder(order="sorted")


class Fault(StrEnum):
    """What is wrong with a line at its place."""

    UNREADABLE = "is no JSON object of this journal's form"
    UNCHAINED = "has no place in the chain"
    JOURNAL = "belongs to another journal"
    SEQUENCE = "has another sequence number than the one that is due"
    PREVIOUS = "does not follow the record before it"
    HASH = "is not what was written: its hash is another"


@dataclass(frozen=True, slots=True)
class Link:
    """The place that the next record takes: its journal, its sequence number (from 1), the hash before it."""

    journal: str
    seq: int
    prev: str


class Chain(msgspec.Struct, frozen=True, gc=False):
    """The place that a record has, as it stands in `startgate.chain`."""

    hash: str
    journal: str
    prev: str
    seq: int

    @property
    def next(self) -> Link:
        """The place after this one."""
        return Link(self.journal, self.seq + 1, self.hash)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A record that is encoded and waits for its place: the line's bytes before and after that."""

    before: bytes
    after: bytes


class _Ours(msgspec.Struct, gc=False):
    chain: Chain | None = None


class _Line(msgspec.Struct, gc=False):
    startgate: _Ours


_decoder = msgspec.json.Decoder(_Line)


def genesis(journal: str) -> Link:
    """The place of the first record of a new journal."""
    return Link(journal, 1, GENESIS)


def canonical(record: Mapping[str, Any]) -> bytes:
    """The record as canonical JSON, without a newline.

    Raises:
        TypeError, ValueError: it holds what JSON cannot hold (a lone surrogate is a UnicodeEncodeError).
    """
    return _encoder.encode(record)


def prepare(record: Mapping[str, Any]) -> Unsealed:
    """Encode a record, place left open. A place that it already has is dropped.

    Raises:
        TypeError, ValueError: as `canonical`, or `startgate` is no object.
    """
    ours = record.get("startgate", {})
    if not isinstance(ours, Mapping):
        raise TypeError("`startgate` of a record is an object")
    before, *after = canonical({**record, "startgate": {**ours, "chain": _SLOT}}).split(_SLOT_BYTES)
    if len(after) != 1 or _OPENING in before:
        raise ValueError("a record must not hold the mark of its own place")
    return Unsealed(before, after[0])


def put(unsealed: Unsealed, link: Link) -> tuple[bytes, Link]:
    """The line of a prepared record at its place, newline included, and the place after it."""
    # Written by hand, in the order of the keys: encoding the record again would cost as much as all else.
    rest = f'"journal":"{link.journal}","prev":"{link.prev}","seq":{link.seq}}}'.encode()
    digest = hashlib.sha256(unsealed.before)
    digest.update(_OPENING + rest + unsealed.after)
    own = digest.hexdigest()
    line = b"".join((unsealed.before, b'"chain":{"hash":"', own.encode(), b'",', rest, unsealed.after, b"\n"))
    return line, Link(link.journal, link.seq + 1, own)


def seal(record: Mapping[str, Any], link: Link) -> tuple[bytes, Link]:
    """The record's line at its place, newline included, and the place after it.

    Raises:
        TypeError, ValueError: as `prepare`.
    """
    return put(prepare(record), link)


def place(line: bytes) -> Chain | None:
    """The place that a line says it has, unchecked; None where it has none (an older version wrote it).

    Raises:
        ValueError: it is no JSON object with `startgate`, or its place is malformed.
    """
    try:
        return _decoder.decode(line).startgate.chain
    except msgspec.MsgspecError as failure:
        raise ValueError(str(failure)) from failure


def line_hash(line: bytes) -> str | None:
    """The hash that a line's own bytes give (with or without newline); None where it has no place for a hash."""
    found = _HASH.search(line)
    if found is None:
        return None
    start, end = found.start() + len(_OPENING), found.end()
    digest = hashlib.sha256(line[:start])
    digest.update(line[end:].removesuffix(b"\n"))
    return digest.hexdigest()


def record_hash(record: Mapping[str, Any]) -> str:
    """The hash that a record as a value gives, wherever it came from, such as an Elasticsearch document.

    Raises:
        TypeError, ValueError: as `canonical`; KeyError: it has no place.
    """
    ours = record["startgate"]
    chain = {name: value for name, value in ours["chain"].items() if name != "hash"}
    return hashlib.sha256(canonical({**record, "startgate": {**ours, "chain": chain}})).hexdigest()


def check(line: bytes, due: Link | None) -> tuple[Chain | None, Fault | None]:
    """Whether a line stands at the place that is due, and what its place is where it has one.

    `due` None: any place will do, as for the first line of a file whose predecessors were retired; its own hash is
    checked all the same. Where several things are wrong, the first of `JOURNAL`, `HASH`, `SEQUENCE`, `PREVIOUS` is
    told: a record that was changed is not taken for one that is out of order.
    """
    try:
        chain = place(line)
    except ValueError:
        return None, Fault.UNREADABLE
    if chain is None:
        return None, Fault.UNCHAINED
    # The hash before the place: what was changed is to be called changed, not out of order.
    if due is not None and chain.journal != due.journal:
        return chain, Fault.JOURNAL
    if line_hash(line) != chain.hash:
        return chain, Fault.HASH
    if due is not None and chain.seq != due.seq:
        return chain, Fault.SEQUENCE
    if due is not None and chain.prev != due.prev:
        return chain, Fault.PREVIOUS
    return chain, None
