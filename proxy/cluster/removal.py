"""The safe removal of a destination that was made for a start which came to nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any

from proxy.cluster.indices import index
from proxy.cluster.transport import Transport, quoted, refusal_of
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Idle, IndexState
from proxy.journal.entry import NOT_LIFTED
from proxy.model import Credential

IN_USE = "kept: a job is using it"
BLOCKED = "index.blocks.write"
PARTLY = "kept: not all of its shards could be looked into"
OTHERS_BLOCK = "kept: somebody else has blocked it"
WRITES_LEFT = "kept: not all of its shards have finished the writes under way"
# The highest sequence number of a shard that has never been written to.
NEVER = -1
# States in which a copy of a shard has all that it should have (`ShardRoutingState`).
AT_WORK = ("STARTED", "RELOCATING")
# A shard's statistics are long, and an index may have a thousand of them.
LOOKED_AT = ",".join(
    f"indices.*.{path}"
    for path in ("uuid", "shards.*.routing.primary", "shards.*.routing.state", "shards.*.seq_no.max_seq_no")
)


async def remove_if_empty(
    transport: Transport,
    name: str,
    made: Mapping[str, Any],
    credential: Credential,
    idle: Idle,
    *,
    left: bool = False,
) -> str:
    """Remove an index that was made for a refused start, unless somebody has begun to use it.

    The order is what makes it safe: first no more writes, and those that were under way finished; then the sequence
    numbers of its shards, which tell whether anything was ever written; the index that is deleted is the one that they
    are of. Where it is kept, writes are allowed again. `idle` is asked before the block and along with the numbers: the
    job may have been started through another gate meanwhile, and need the index although nothing is in it yet.

    A block of somebody else is left alone, as nobody knows what it is for: it may be that of another removal, which has
    looked already, and deletes. `left`: it can only be that of an earlier process, and is lifted and put anew.

    Four calls one after the other, as what can be asked at the same time is.
    See docs/decisions/066-what-a-removal-waits-for.md.
    """
    try:
        return await _remove(transport, name, made, credential, idle, left=left)
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
    return there is not None and there.blocked and there.is_made(name, made)


async def allow_writes(transport: Transport, name: str, credential: Credential) -> str:
    """Lift the block of a removal that is not finished; what was done, in words. Raises nothing."""
    return IN_USE + await _lift_block(transport, f"/{quoted(name)}", credential)


async def _remove(
    transport: Transport, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle, *, left: bool
) -> str:
    before, unused = await asyncio.gather(index(transport, name, credential), idle())
    if before is None:
        return "removed already"
    if not before.is_made(name, made):
        return "kept: it is not the index that was made for this start"
    path = f"/{quoted(name)}"
    if not unused:
        return IN_USE + (await _lift_block(transport, path, credential) if before.blocked and left else "")
    if before.blocked and not left:
        return OTHERS_BLOCK
    try:
        kept = await _blocked_and_deleted(transport, path, before, credential, idle)
    except Refusal as refusal:
        kept = f"kept: {refusal.reason}"
    except ClusterUnreachable as failure:
        kept = f"unknown: {failure}"
    if kept in (None, OTHERS_BLOCK):
        return kept or "removed"
    return f"{kept}{await _lift_block(transport, path, credential)}"


async def _blocked_and_deleted(
    transport: Transport, path: str, made: IndexState, credential: Credential, idle: Idle
) -> str | None:
    """Put the block, and delete the index if that may be; else why it is kept."""
    if made.blocked:
        # A block that is there already is acknowledged by no shard (`MetadataIndexStateService.addIndexBlock`), and
        # whoever put it may not have waited for the writes that were under way.
        await transport.ask("PUT", f"{path}/_settings", credential, body={BLOCKED: None})
    try:
        content, sent = await _block(transport, path, credential)
        in_doubt = sent > 1 and _is_without(content.get("indices"), made.name)
    except ClusterUnreachable:
        in_doubt = True
    if in_doubt:
        # The connection was lost, and a request that went out may have put it all the same; then it is as above. Once:
        # a node that goes is no reason to keep the index, and a cluster that is gone is.
        await transport.ask("PUT", f"{path}/_settings", credential, body={BLOCKED: None})
        content, sent = await _block(transport, path, credential)
    if sent == 1 and _is_without(content.get("indices"), made.name):
        return OTHERS_BLOCK
    if content.get("shards_acknowledged") is not True:
        return WRITES_LEFT
    return await _delete_if_empty(transport, path, made, credential, idle)


async def _block(transport: Transport, path: str, credential: Credential) -> tuple[Mapping[str, Any], int]:
    """Put the block: what is answered, and how often it was sent. Raises PassedOn, ClusterUnreachable."""
    reply = await transport.call("PUT", f"{path}/_block/write", credential)
    if not reply.good:
        raise refusal_of(reply)
    return reply.content if isinstance(reply.content, Mapping) else {}, reply.sent


async def _delete_if_empty(
    transport: Transport, path: str, made: IndexState, credential: Credential, idle: Idle
) -> str | None:
    """Delete the index if nothing was ever written to it, it is still the same, and nobody needs it; else why it is
    kept."""
    stats, unused = await asyncio.gather(
        transport.ask("GET", f"{path}/_stats/docs?level=shards&filter_path={LOOKED_AT}", credential), idle()
    )
    found = _named(stats, made.name)
    if found and found.get("uuid") != made.uuid:
        return "kept: another index has taken the name"
    kept = _written(found.get("shards"), made.shards)
    if kept is None and not unused:
        kept = IN_USE
    if kept is None:
        await transport.ask("DELETE", path, credential)
    return kept


def _is_without(blocked: Any, name: str) -> bool:  # noqa: ANN401 -- decoded JSON
    """Whether it is not this call that put the block: where one was there, the index is not listed.

    `shards_acknowledged` beside the list says that every shard has let the writes end that were under way.
    """
    if not isinstance(blocked, list):
        return False
    return not any(isinstance(one, Mapping) and one.get("name") == name for one in blocked)


def _named(stats: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON
    """What the statistics say of one index: nothing where no shard of it is at work."""
    indices = stats.get("indices") if isinstance(stats, Mapping) else None
    found = indices.get(name) if isinstance(indices, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _written(shards: Any, number: int) -> str | None:  # noqa: ANN401 -- decoded JSON
    """Why it is not certain that nothing was ever written to `number` shards; None where it is.

    A count shows only what was refreshed, and to whom it may be shown. Each operation takes a sequence number, also a
    deletion; before the first the highest is -1 (`SequenceNumbers.NO_OPS_PERFORMED`). A copy that is still recovering
    says -1, too, whatever it will hold: it has to be a primary at work that says so, for each shard.
    """
    try:
        copies = [(shard, copy["routing"], copy["seq_no"]["max_seq_no"]) for shard in shards for copy in shards[shard]]
        working = {shard for shard, routing, _ in copies if routing["primary"] and routing["state"] in AT_WORK}
    except (KeyError, TypeError):
        return PARTLY
    if any(highest != NEVER for _, _, highest in copies):
        return "kept: it has been written to"
    return None if number and len(working) == number else PARTLY


async def _lift_block(transport: Transport, path: str, credential: Credential) -> str:
    """Allow writes again; what to add to the note where that failed."""
    try:
        await transport.ask("PUT", f"{path}/_settings", credential, body={BLOCKED: None})
    except (Refusal, ClusterUnreachable) as failure:
        return f"; its write block ({BLOCKED}) {NOT_LIFTED}: {failure}"
    return ""
