"""A data stream in Elasticsearch: each record as one document, its source the line's own bytes.

A document's id is the record's, and it is written with `op_type: create`: whoever sends it again gets 409, and that is
as good. But ids are known to each backing index alone: after a rollover the same id would be taken once more
(IndexShard, and MetadataRolloverService makes a new one). So where it is not known whether a batch came through, the
whole stream is asked first. See docs/decisions/119-each-record-once.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.cluster.transport import Reply, Transport, quoted, refusal_of
from proxy.errors import ClusterUnreachable
from proxy.model import Credential
from proxy.ship.model import Record, Rejection, SinkFailure, Taken

# What Elasticsearch says of a document that does not fit the mapping, whatever else is right: 7.17 and 8.x/9.x.
MAPPING_FAULTS = frozenset(
    {"mapper_parsing_exception", "document_parsing_exception", "strict_dynamic_mapping_exception"}
)
# Of an answer, what is needed: a whole one is larger than the batch.
_ITEMS = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
# A search gives 10,000 hits at most (index.max_result_window), and an id may be there in two backing indices.
_ASKED_AT_ONCE = 4000


class StreamSink:
    """A data stream, or an alias with a write index. `transport` is this sink's own, and closed by it."""

    name = "elasticsearch"

    def __init__(self, transport: Transport, credential: Credential, stream: str) -> None:
        self._transport = transport
        self._credential = credential
        self._stream = stream
        self._seen = False
        # Whether some of what is sent next may be there already: a crash, or an answer that did not come.
        self._doubtful = True
        # The batch before: one that begins with a record of it is sent again, because a part of it was refused for
        # now, or because the cursor could not be moved.
        self._last: frozenset[str] = frozenset()
        # The highest number that was sent: what begins before it is the journal gone through again.
        self._newest = 0

    async def send(self, records: Sequence[Record]) -> Taken:
        """Write what is not there yet. A batch that is too large for a node is halved.

        Raises:
            SinkFailure: no node answered, or the whole batch was refused.
        """
        try:
            await self._look_for_stream()
            present: frozenset[str] = frozenset()
            ids = [record.id for record in records]
            again = 0 < self._newest >= records[0].seq
            if self._doubtful or again or ids[0] in self._last:
                present = await self._present(ids)
            self._doubtful, self._last, self._newest = True, frozenset(ids), max(one.seq for one in records)
            taken, clear = await self._write(records, present)
        except ClusterUnreachable as failure:
            raise SinkFailure(str(failure)) from failure
        # Where some were there, more may be; where the answer left something open, too.
        self._doubtful = bool(present) or not clear
        return taken

    async def _look_for_stream(self) -> None:
        """Without a stream, a write would make a plain index of that name, mapped by guesses, and kept for ever."""
        if self._seen:
            return
        reply = await self._call("GET", f"/_resolve/index/{quoted(self._stream)}")
        found = reply.content if reply.good and isinstance(reply.content, Mapping) else {}
        if not (found.get("data_streams") or found.get("aliases")):
            if not reply.good and reply.status != 404:
                raise SinkFailure(f"the data stream {self._stream} cannot be looked for: {_reason(reply)}")
            what = "is an index and no data stream" if found.get("indices") else "does not exist"
            raise SinkFailure(f"{self._stream} {what}; `startgate audit ship --install` makes the data stream")
        self._seen = True

    async def _present(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids the stream holds, in any of its backing indices."""
        # What was written a moment ago is found only after a refresh.
        reply = await self._call("POST", f"/{quoted(self._stream)}/_refresh", safe=True)
        if not reply.good or _shards_failed(reply):
            raise SinkFailure(f"what {self._stream} holds cannot be looked at: {_reason(reply)}")
        found: set[str] = set()
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            found |= await self._found(ids[start : start + _ASKED_AT_ONCE])
        return frozenset(found)

    async def _found(self, ids: Sequence[str]) -> set[str]:
        query = {"query": {"ids": {"values": list(ids)}}, "_source": False, "size": 2 * len(ids)}
        # Half an answer would pass for a whole one: what a shard that is away holds would be written again.
        path = f"/{quoted(self._stream)}/_search?allow_partial_search_results=false&filter_path=hits.hits._id"
        reply = await self._call("POST", path, msgspec.json.encode(query), safe=True)
        if not reply.good:
            raise SinkFailure(f"what {self._stream} holds cannot be looked at: {_reason(reply)}")
        return {str(hit["_id"]) for hit in reply.content.get("hits", {}).get("hits", [])}

    async def _write(self, records: Sequence[Record], present: frozenset[str]) -> tuple[Taken, bool]:
        """What became of the records, and whether nothing of them is left in doubt."""
        batch = records
        while True:
            missing = [record for record in batch if record.id not in present]
            if not missing:
                return Taken(len(batch)), True
            reply = await self._call("POST", f"/{quoted(self._stream)}/_bulk?{_ITEMS}", _bulk(missing))
            if reply.good:
                return settled(batch, present, _items(reply, len(missing)))
            if reply.status != 413:
                # A node that refuses a whole batch has looked at nothing in it.
                raise SinkFailure(f"{self._stream} takes nothing: {_reason(reply)}")
            if len(missing) == 1:
                rejection = Rejection(missing[0], f"it is too large for the node (status 413): {_reason(reply)}")
                return Taken(batch.index(missing[0]) + 1, (rejection,)), True
            batch = batch[: max(len(batch) // 2, 1)]

    async def _call(self, method: str, path: str, body: bytes | None = None, *, safe: bool = False) -> Reply:
        """By whatever node answers; where one breaks off in the middle, another is asked only if that is `safe`."""
        return await self._transport.call(method, path, self._credential, body=body, safe=safe)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()


def settled(
    records: Sequence[Record], present: frozenset[str], items: Sequence[tuple[int, str, str]]
) -> tuple[Taken, bool]:
    """What became of the records by the node's answer, and whether nothing of them is in doubt.

    `items` are status, kind and reason of an error, for each record that is not among `present`, in order. The records
    are settled up to the first that has to be sent again: those after it that came through are found there then.
    """
    answers = iter(items)
    # A document may be at fault only where the stream takes others: else it is the stream, and nothing must be passed.
    takes = bool(present) or any(_is_there(status) for status, _, _ in items)
    rejected: list[Rejection] = []
    clear = not any(status >= 500 for status, _, _ in items)
    for number, record in enumerate(records):
        if record.id in present:
            continue
        status, kind, reason = next(answers)
        if _is_there(status):
            continue
        text = f"{kind}: {reason}"
        if status == 400 and (takes or kind in MAPPING_FAULTS):
            rejected.append(Rejection(record, text))
            continue
        return Taken(number, tuple(rejected), f"record {record.id} is not taken: status {status}, {text}"), clear
    return Taken(len(records), tuple(rejected)), clear


def _is_there(status: int) -> bool:
    """Whether the document is in the stream: written now, or before (409, version_conflict_engine_exception)."""
    return 200 <= status < 300 or status == 409


def _bulk(records: Sequence[Record]) -> bytes:
    """The lines as they are: what a reader gets back is what was hashed."""
    return b"".join(
        msgspec.json.encode({"create": {"_id": record.id}}) + b"\n" + record.line + b"\n" for record in records
    )


class _Error(msgspec.Struct):
    type: str = ""
    reason: str = ""


class _Item(msgspec.Struct):
    status: int
    error: _Error = msgspec.field(default_factory=_Error)


def _items(reply: Reply, count: int) -> list[tuple[int, str, str]]:
    """Status, kind and reason of each item. Raises SinkFailure where they are not as many as were sent."""
    try:
        items = msgspec.convert(reply.content["items"], type=list[dict[str, _Item]])
        told = [(one.status, one.error.type, one.error.reason) for item in items for one in item.values()]
    except (KeyError, TypeError, msgspec.ValidationError) as failure:
        raise SinkFailure(f"the answer to a bulk request is none: {failure}") from failure
    if len(told) != count:
        raise SinkFailure(f"the answer to a bulk request of {count} tells of {len(told)}")
    return told


def _shards_failed(reply: Reply) -> bool:
    shards: Any = reply.content.get("_shards", {}) if isinstance(reply.content, Mapping) else {}
    return bool(shards.get("failed"))


def _reason(reply: Reply) -> str:
    return f"status {reply.status}, {refusal_of(reply).reason}"
