"""Whether the data stream holds what was shipped of the journal, and is the journal's own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.errors import JournalError
from proxy.settings import GateSettings
from proxy.ship import compare, cursor, rejected, sinks, source
from proxy.ship.compare import Held, Span
from proxy.ship.model import SinkFailure
from proxy.ship.stream import StreamSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What of the journal must be in the stream: numbers `first` to `last` of `journal`, `last` 0 where nothing must.

    `rejected` are the numbers that the cluster would not take, which are kept beside the journal.
    """

    journal: str
    first: int
    last: int
    rejected: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found; `findings` is empty where all is well."""

    own: Own
    held: Held
    findings: tuple[str, ...]


async def check(settings: GateSettings) -> Checked:
    """Compare the stream with the journal.

    Raises:
        SinkFailure: there is no data stream in the settings, nothing was shipped, or the stream cannot be asked.
        JournalError: the journal cannot be read.
    """
    stream = settings.sinks.elasticsearch
    if stream is None:
        raise SinkFailure("journal.sinks.elasticsearch.data_stream is not set: there is nothing to compare with")
    folder = Path(settings.journal)
    own = await asyncio.to_thread(_own, folder)
    transport = sinks.transport(settings)
    try:
        credential = sinks.credential(settings, stream)
        held = await compare.held(transport, credential, stream.data_stream, own.journal, own.first, own.last)
    finally:
        await transport.close()
    digest = await asyncio.to_thread(_hash_at, folder, own.journal, held.seq)
    return Checked(own=own, held=held, findings=findings(own, held, digest))


def findings(own: Own, held: Held, digest: str) -> tuple[str, ...]:
    """What is wrong, a sentence each. `digest` is the journal's own hash of the stream's newest record, empty where the
    journal has no such record."""
    found = [f"{_span(span)} is not in the stream" for span in _without(held.missing, own.rejected)]
    found += [f"{_span(span)} is in the stream more than once" for span in held.double]
    if held.seq and not digest:
        found.append(f"the stream's newest record, number {held.seq}, is not in the journal: it was cut short")
    elif held.seq and digest != held.hash:
        found.append(f"record {held.seq} has the hash {held.hash} in the stream, and {digest} in the journal")
    return tuple(found)


def _own(folder: Path) -> Own:
    at = cursor.load(folder, StreamSink.name)
    if at is None or not at.seq:
        raise SinkFailure("nothing was shipped yet that has a place in the chain")
    first = next((record.seq for record in source.chained(folder) if record.after.journal == at.journal), 0)
    if not first:
        raise JournalError(f"the journal in {folder} is not the one that was shipped ({at.journal})")
    refused = rejected.numbers(folder, StreamSink.name)
    return Own(journal=at.journal, first=first, last=at.seq, rejected=refused)


def _hash_at(folder: Path, journal: str, seq: int) -> str:
    """The hash of a record in the journal; empty where it has none of this number."""
    for record in source.chained(folder):
        if record.seq == seq and record.after.journal == journal:
            return record.after.hash
    return ""


def _without(spans: Sequence[Span], numbers: frozenset[int]) -> list[Span]:
    """Spans with these numbers taken out of them."""
    left: list[Span] = []
    for low, high in spans:
        start = low
        for number in sorted(one for one in numbers if low <= one <= high):
            if number > start:
                left.append((start, number - 1))
            start = number + 1
        if start <= high:
            left.append((start, high))
    return left


def _span(span: Span) -> str:
    low, high = span
    return f"record {low}" if low == high else f"each record from {low} to {high}"
