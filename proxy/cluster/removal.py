"""The safe removal of a destination that was made for a start which came to nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any

from proxy.cluster.indices import index, is_made
from proxy.cluster.transport import Transport, quoted
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Idle, IndexState
from proxy.journal.entry import NOT_LIFTED
from proxy.model import Credential

IN_USE = "kept: a job is using it"


async def remove_if_empty(
    transport: Transport, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle
) -> str:
    """Remove an index that was made for a refused start, unless somebody has begun to use it.

    The order is what makes it safe: first no more writes, then everything written made visible, then counted, by
    search and by the index's statistics; the index that is deleted is the one that was counted. Where it is kept,
    writes are allowed again. `idle` is asked before the block and along with the count: the job may have been started
    through another gate meanwhile, and need the index although nothing is in it yet.

    Five calls one after the other, as what can be asked at the same time is.
    See docs/decisions/066-what-a-removal-waits-for.md.
    """
    try:
        return await _remove(transport, name, made, credential, idle)
    except Refusal as refusal:
        return f"kept: {refusal.reason}"
    except ClusterUnreachable as failure:
        return f"unknown: {failure}"


async def left_blocked(transport: Transport, name: str, made: Mapping[str, Any], credential: Credential) -> bool:
    """Whether the index of this name and `_meta` takes no writes: whoever was removing it did not come to the end.

    Raises:
        PassedOn, ClusterUnreachable: as `indices.index`.
    """
    there = await index(transport, name, credential)
    return there is not None and there.blocked and is_made(there, name, made)


async def allow_writes(transport: Transport, name: str, credential: Credential) -> str:
    """Lift the block of a removal that is not finished; what was done, in words. Raises nothing."""
    return IN_USE + await _lift_block(transport, f"/{quoted(name)}", credential)


async def _remove(transport: Transport, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle) -> str:
    before, unused = await asyncio.gather(index(transport, name, credential), idle())
    if before is None:
        return "removed already"
    if not is_made(before, name, made):
        return "kept: it is not the index that was made for this start"
    path = f"/{quoted(name)}"
    if not unused:
        # A block is of an earlier removal of this very index, by a process that is gone: no other has this `_meta`.
        return IN_USE + (await _lift_block(transport, path, credential) if before.blocked else "")
    try:
        await transport.ask("PUT", f"{path}/_block/write", credential)
        kept = await _delete_if_empty(transport, path, before, credential, idle)
    except Refusal as refusal:
        kept = f"kept: {refusal.reason}"
    except ClusterUnreachable as failure:
        kept = f"unknown: {failure}"
    return "removed" if kept is None else kept + await _lift_block(transport, path, credential)


async def _delete_if_empty(
    transport: Transport, path: str, made: IndexState, credential: Credential, idle: Idle
) -> str | None:
    """Delete the index if it holds nothing and is still the same, and nobody needs it; else why it is kept."""
    refreshed = await transport.ask("POST", f"{path}/_refresh", credential)
    counted, stats, now, unused = await asyncio.gather(
        transport.ask("GET", f"{path}/_count", credential),
        transport.ask("GET", f"{path}/_stats/docs", credential),
        index(transport, made.name, credential),
        idle(),
    )
    if not (_whole(refreshed) and _whole(counted)):
        return "kept: not all of its shards could be looked into"
    if counted.get("count") != 0:
        return f"kept: it holds {counted.get('count')} documents"
    # A count shows only what document-level security shows to who asks; the statistics tell of all there is.
    if _documents(stats) != 0:
        return f"kept: it holds {_documents(stats)} documents"
    if now is None or now.uuid != made.uuid:
        return "kept: another index has taken the name"
    if not unused:
        return IN_USE
    await transport.ask("DELETE", path, credential)
    return None


def _whole(content: Any) -> bool:  # noqa: ANN401 -- decoded JSON
    """Whether no shard failed: a count leaves out what it could not reach, and says so only here."""
    shards = content.get("_shards") if isinstance(content, Mapping) else None
    return isinstance(shards, Mapping) and shards.get("failed") == 0


def _documents(stats: Any) -> object:  # noqa: ANN401 -- decoded JSON
    """How many documents the statistics tell of; None where they do not."""
    try:
        return stats["_all"]["primaries"]["docs"]["count"]
    except (KeyError, TypeError):
        return None


async def _lift_block(transport: Transport, path: str, credential: Credential) -> str:
    """Allow writes again; what to add to the note where that failed."""
    try:
        await transport.ask("PUT", f"{path}/_settings", credential, body={"index.blocks.write": None})
    except (Refusal, ClusterUnreachable) as failure:
        return f"; its write block (index.blocks.write) {NOT_LIFTED}: {failure}"
    return ""
