"""Whether a data stream holds what the journal holds: counts, gaps, doubles, and the hash of the newest record.

The stream is asked for numbers only, in ranges that are halved into where they do not add up: a few calls, however
many records there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.cluster.transport import Transport, quoted, refusal_of
from proxy.errors import ClusterUnreachable
from proxy.model import Credential
from proxy.ship.model import SinkFailure

# Ranges of one question, below Elasticsearch's own bound (search.max_buckets, 65,536; range aggregations have none).
_RANGES = 500
# So many gaps are told; a stream with more has lost more than a list can tell.
FINDINGS = 100

_NUMBER = "startgate.chain.seq"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a stream holds of one journal between two numbers, both included.

    `missing` and `double` are spans of numbers, both ends included, `FINDINGS` of them at most; `seq` and `hash` are
    those of its newest record, 0 and empty where there is none.
    """

    count: int
    missing: tuple[Span, ...]
    double: tuple[Span, ...]
    seq: int
    hash: str


async def held(transport: Transport, credential: Credential, stream: str, journal: str, first: int, last: int) -> Held:
    """What the stream holds of the journal's records from `first` to `last`.

    Raises:
        SinkFailure: the stream cannot be asked.
    """
    asking = _Asking(transport, credential, stream, journal)
    try:
        await asking.refresh()
        seq, digest = await asking.newest()
        count, missing, double = await _searched(asking, first, last)
    except ClusterUnreachable as failure:
        raise SinkFailure(str(failure)) from failure
    return Held(count=count, missing=_joined(missing), double=_joined(double), seq=seq, hash=digest)


async def _searched(asking: "_Asking", first: int, last: int) -> tuple[int, list[Span], list[Span]]:
    """Count, and the spans where it is not one document for each number."""
    missing: list[Span] = []
    double: list[Span] = []
    total: int | None = None
    pending = [(first, last)] if first <= last else []
    while pending and len(missing) < FINDINGS and len(double) < FINDINGS:
        # Each of them holds a finding: more than are told need not be looked into.
        pending = pending[:FINDINGS]
        pieces = max(_RANGES // len(pending), 2)
        parts = [part for span in pending for part in _parts(span, pieces)]
        counted = await asking.counts(parts)
        total = sum(count for count, _ in counted) if total is None else total
        off = [
            (span, count)
            for span, (count, numbers) in zip(parts, counted, strict=True)
            if (count, numbers) != _expected(span)
        ]
        missing += [span for span, count in off if not count]
        double += [span for span, count in off if count and _single(span)]
        pending = [span for span, count in off if count and not _single(span)]
    return total or 0, missing, double


def _single(span: Span) -> bool:
    return span[0] == span[1]


def _expected(span: Span) -> tuple[int, float]:
    """How many numbers are in a span, and their sum: where one is missing and another is double, that alone tells."""
    low, high = span
    width = high - low + 1
    return width, float((low + high) * width // 2)


def _parts(span: Span, pieces: int) -> list[Span]:
    """A span in pieces of about one size."""
    low, high = span
    step = max(-(-(high - low + 1) // pieces), 1)
    return [(start, min(start + step - 1, high)) for start in range(low, high + 1, step)]


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch made one."""
    joined: list[Span] = []
    for low, high in sorted(spans):
        if joined and joined[-1][1] + 1 >= low:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined[:FINDINGS])


class _Asking:
    """Questions to a stream about one journal."""

    def __init__(self, transport: Transport, credential: Credential, stream: str, journal: str) -> None:
        self._transport = transport
        self._credential = credential
        self._stream = stream
        self._only = {"term": {"startgate.chain.journal": journal}}

    async def refresh(self) -> None:
        """Have all that was written be found."""
        await self._ask(f"/{quoted(self._stream)}/_refresh", None)

    async def newest(self) -> tuple[int, str]:
        """Number and hash of the newest record; 0 and empty where there is none."""
        query = {
            "query": {"bool": {"filter": [self._only]}},
            "sort": [{_NUMBER: "desc"}],
            "_source": ["startgate.chain"],
            "size": 1,
        }
        content = await self._search(query)
        for hit in content.get("hits", {}).get("hits", []):
            place = hit["_source"]["startgate"]["chain"]
            return int(place["seq"]), str(place["hash"])
        return 0, ""

    async def counts(self, spans: Sequence[Span]) -> list[tuple[int, float]]:
        """How many documents have a number in each span, and the sum of their numbers."""
        ranges = [{"key": str(number), "from": low, "to": high + 1} for number, (low, high) in enumerate(spans)]
        query = {
            "query": {"bool": {"filter": [self._only]}},
            "size": 0,
            "track_total_hits": False,
            "aggs": {
                "spans": {
                    "range": {"field": _NUMBER, "ranges": ranges, "keyed": True},
                    "aggs": {"numbers": {"sum": {"field": _NUMBER}}},
                }
            },
        }
        buckets = (await self._search(query))["aggregations"]["spans"]["buckets"]
        told = [buckets[str(number)] for number in range(len(spans))]
        return [(int(one["doc_count"]), float(one["numbers"]["value"])) for one in told]

    async def _search(self, query: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- decoded JSON
        # A shard that is away would look like records that are missing.
        return await self._ask(f"/{quoted(self._stream)}/_search?allow_partial_search_results=false", query)

    async def _ask(self, path: str, body: object) -> Any:  # noqa: ANN401 -- decoded JSON
        reply = await self._transport.call("POST", path, self._credential, body=body, safe=True)
        if not reply.good:
            text = f"status {reply.status}, {refusal_of(reply).reason}"
            raise SinkFailure(f"what {self._stream} holds cannot be looked at: {text}")
        return reply.content
