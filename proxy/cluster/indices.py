"""Sources and destination: what they are, and the destination's creation."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from proxy.cluster.definitions import Definitions, settings
from proxy.cluster.entries import Distinct, Entries
from proxy.cluster.expressions import Piece, pieces
from proxy.cluster.transport import Transport, quoted, refusal_of
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Facts, IndexState
from proxy.model import Credential, SourceIndex

# DestinationIndex.createDestinationIndex asks for just these.
COPIED_SETTINGS = "index.number_of_shards,index.number_of_replicas,index.analysis.*,index.similarity.*,index.mapping.*"
# Only an index that is closed has it, as "true".
CLOSED = "index.verified_before_close"
# Every index has one.
UUID = "index.uuid"
# A job may name ten thousand sources, which makes a thousand calls: one start must not take all connections for them.
CALLS_AT_ONCE = 16

# So many indices are put together before others get their turn.
INDICES_AT_ONCE = 1000
NOTHING: Mapping[str, Any] = {}

Reading = Callable[[Transport, str, Credential, Distinct], Awaitable[Mapping[str, Any]]]


async def facts(transport: Transport, sources: Sequence[str], destination: str, credential: Credential) -> Facts:
    """Read sources and destination at the same time, each as Elasticsearch itself would resolve it.

    Sources with the same mapping, or the same settings, share one object for it.

    Raises:
        Refusal: 400 `validation_exception` for a source that is missing, `index_closed_exception` for one that is
            closed; `illegal_argument_exception` at a limit, or for an expression that cannot be asked about.
        PassedOn: any other refusal of the cluster.
        ClusterUnreachable: no usable answer.
    """
    _check_words(sources)
    parts = pieces(sources)
    turns = asyncio.Semaphore(CALLS_AT_ONCE)

    async def each(read: Reading, decode: Callable[[bytes], Any]) -> Mapping[str, Any]:
        distinct = Distinct(decode, transport.limits.source_distinct_bytes)
        return await _together(parts, turns, lambda expression: read(transport, expression, credential, distinct))

    mapping_of, settings_of, found = await asyncio.gather(
        each(_mappings, Definitions().mapping), each(_settings, settings), index(transport, destination, credential)
    )
    # A wildcard stands for open indices alone, so that a closed one was named, or an alias of it.
    if any(settings_of.get(name, NOTHING).get(CLOSED) == "true" for name in mapping_of):
        raise Refusal(400, "index_closed_exception", "closed")
    names = sorted(mapping_of.keys() | settings_of.keys())
    read: list[SourceIndex] = []
    for first in range(0, len(names), INDICES_AT_ONCE):
        read += [
            SourceIndex(name=name, settings=settings_of.get(name, NOTHING), mappings=mapping_of.get(name, NOTHING))
            for name in names[first : first + INDICES_AT_ONCE]
        ]
        await asyncio.sleep(0)
    return Facts(sources=tuple(read), destination=found)


async def names(transport: Transport, sources: Sequence[str], credential: Credential) -> frozenset[str]:
    """The concrete indices that a search of a list of expressions would read, by the calls' own rules; closed ones that
    are named are among them.

    Raises:
        PassedOn: a source is missing, or the cluster refuses otherwise.
        ClusterUnreachable: no usable answer.
    """

    async def ask(expression: str) -> Mapping[str, Any]:
        query = "flat_settings=true&allow_no_indices=true&expand_wildcards=open"
        path = f"/{expression}/_settings/{UUID}?{query}"
        content = await transport.ask("GET", path, credential)
        return _indices(content)

    return frozenset(await _together(pieces(sources), asyncio.Semaphore(CALLS_AT_ONCE), ask))


async def _together(
    parts: Sequence[Piece], turns: asyncio.Semaphore, ask: Callable[[str], Awaitable[Mapping[str, Any]]]
) -> dict[str, Any]:
    """What the pieces of a list stand for, all asked for at the same time, as far as there are turns."""

    async def in_turn(request: Sequence[str]) -> Mapping[str, Any]:
        async with turns:
            return await ask(quoted(",".join(request)))

    answers = iter(await asyncio.gather(*(in_turn(request) for part in parts for request in part.requests)))
    found: dict[str, Any] = {}
    for part in parts:
        first, *others = [next(answers) for _ in part.requests]
        found |= {name: value for name, value in first.items() if all(name in other for other in others)}
    return found


def _check_words(sources: Sequence[str]) -> None:
    """An expression with a comma is one name to Elasticsearch's jobs, which no index can have, and two in a request
    line; an empty one stands for all indices there.

    Raises:
        Refusal: 400, an expression cannot stand in a request line.
    """
    for source in sources or [""]:
        if not source or "," in source:
            text = f"the source expression [{source}] names no index: list indices one by one, without commas"
            raise Refusal(400, "illegal_argument_exception", text)


async def _mappings(
    transport: Transport, expression: str, credential: Credential, distinct: Distinct
) -> Mapping[str, Any]:
    """Strictly: an explicit name that is missing fails, a wildcard may match nothing (strictExpandOpen)."""
    sink = Entries(distinct, transport.limits.source_answer_bytes)
    reply = await transport.call("GET", f"/{expression}/_mapping?allow_no_indices=true", credential, sink=sink)
    if reply.good:
        return sink.found
    refusal = refusal_of(reply)
    if refusal.type == "index_not_found_exception":
        text = f"Validation Failed: 1: {refusal.reason};"
        raise Refusal(400, "validation_exception", text)
    raise refusal


async def _settings(
    transport: Transport, expression: str, credential: Credential, distinct: Distinct
) -> Mapping[str, Any]:
    """Leniently (lenientExpandOpen): explicit settings only, flat."""
    query = "flat_settings=true&ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open"
    sink = Entries(distinct, transport.limits.source_answer_bytes)
    reply = await transport.call(
        "GET", f"/{expression}/_settings/{COPIED_SETTINGS},{CLOSED}?{query}", credential, sink=sink
    )
    if not reply.good:
        raise refusal_of(reply)
    return sink.found


def _indices(content: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON
    if not isinstance(content, Mapping):
        raise ClusterUnreachable("an answer about indices is not an object")
    return content


async def index(transport: Transport, name: str, credential: Credential) -> IndexState | None:
    """One index, or the one behind an alias that is written to; None where there is none.

    Where an alias stands for several indices and none of them is its write index, the first by name stands for all:
    something is there, and what the cluster thinks of it as a destination is for the cluster to say.

    Raises:
        PassedOn, ClusterUnreachable: as `facts`.
    """
    reply = await transport.call("GET", f"/{quoted(name)}?flat_settings=true", credential)
    if reply.status == 404:
        return None
    if not reply.good:
        raise refusal_of(reply)
    try:
        concrete, body = min(reply.content.items(), key=lambda found: (not _is_write_index(found[1], name), found[0]))
        settings_, mappings = body["settings"], body.get("mappings", {})
        uuid, blocked = settings_["index.uuid"], settings_.get("index.blocks.write") == "true"
        in_data_stream = concrete != name and body.get("data_stream") == name
        return IndexState(
            name=concrete,
            uuid=uuid,
            mappings=_indices(mappings),
            shards=int(settings_.get("index.number_of_shards", 0)),
            blocked=blocked,
            no_write_index=concrete != name and not in_data_stream and not _is_written(body, name, len(reply.content)),
            in_data_stream=in_data_stream,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET /{name}: the answer lacks {failure}") from failure


def _is_written(body: Mapping[str, Any], alias: str, among: int) -> bool:
    """Whether it is what is written to behind an alias of so many indices (`IndexAbstraction.Alias`): the one that is
    said to be, or the only one where nothing is said."""
    said = body.get("aliases", {}).get(alias, {}).get("is_write_index")
    return said is True or (said is None and among == 1)


def _is_write_index(body: Mapping[str, Any], alias: str) -> bool:
    return body.get("aliases", {}).get(alias, {}).get("is_write_index") is True


async def documents(transport: Transport, name: str, credential: Credential) -> int:
    """How many documents an index shows to a credential.

    Raises:
        PassedOn, ClusterUnreachable: as `facts`.
    """
    content = await transport.ask("GET", f"/{quoted(name)}/_count", credential)
    try:
        return int(content["count"])
    except (KeyError, TypeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET /{name}/_count: the answer lacks {failure}") from failure


async def create(transport: Transport, name: str, body: Mapping[str, Any], credential: Credential) -> bool:
    """Create an index; False where one of that name was there first.

    What is there already is this one only where the request went out more than once (`Reply.sent`), which then shows in
    its `_meta`. That alone would not do: two gates that start one job in the same millisecond write the same.
    See docs/decisions/053-whose-an-index-is.md.

    Raises:
        PassedOn: any other refusal.
        ClusterUnreachable: no usable answer; the index may exist now.
    """
    reply = await transport.call("PUT", f"/{quoted(name)}", credential, body=msgspec.json.encode(body))
    if reply.good:
        return True
    refusal = refusal_of(reply)
    if refusal.type != "resource_already_exists_exception":
        raise refusal
    if reply.sent == 1:
        return False
    there = await index(transport, name, credential)
    return there is not None and there.is_made(name, body["mappings"]["_meta"])
