"""Which data frame analytics jobs are under way, as the cluster says: started through whatever replica, or none."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.cluster.jobs import BASE, job_of
from proxy.cluster.transport import Transport, in_pieces, quoted
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.model import Credential
from proxy.rules import RunningJob
from proxy.rules.cel.memory import bytes_of

# The most that Elasticsearch lists at once (`PageParams.MAX_FROM_SIZE_SUM`).
LISTED = 10_000
# States in which a job takes no memory of a node: `failed` ones keep their task, but their process has ended.
IDLE = frozenset({"stopped", "failed"})


async def running(transport: Transport, credential: Credential) -> tuple[RunningJob, ...]:
    """All jobs under way, in order of id, those that are being started or stopped included.

    States and configurations are asked for at the same time, so that it takes one round trip; a job that was made in
    between takes one more.

    Raises:
        Refusal: there are more jobs than can be listed; PassedOn: the cluster would not tell;
        ClusterUnreachable: no usable answer.
    """
    query = f"?size={LISTED}"
    stats, configs = await asyncio.gather(
        transport.ask("GET", f"{BASE}/_stats{query}", credential), transport.ask("GET", f"{BASE}{query}", credential)
    )
    try:
        under_way = [one["id"] for one in _all(stats) if one["state"] not in IDLE]
        found = {one["id"]: one for one in _all(configs)}
        for piece in in_pieces([id for id in under_way if id not in found]):
            found |= {one["id"]: one for one in await _by_id(transport, piece, credential)}
        # Gone meanwhile: to be deleted, a job must have stopped.
        return tuple(_job(found[id]) for id in sorted(under_way) if id in found)
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET {BASE}/_stats: the answer lacks {failure}") from failure


def _all(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = content["data_frame_analytics"]
    if int(content["count"]) > len(listed):
        raise Refusal(403, "security_exception", f"there are more than {LISTED} jobs, which cannot be listed at once")
    return listed


async def _by_id(transport: Transport, ids: Sequence[str], credential: Credential) -> Sequence[Mapping[str, Any]]:
    if not ids:
        return ()
    try:
        return _all(await transport.ask("GET", f"{BASE}/{quoted(','.join(ids))}?size={LISTED}", credential))
    except PassedOn as refusal:
        if refusal.status == 404:
            return ()
        raise


def _job(config: Mapping[str, Any]) -> RunningJob:
    job = job_of(config)
    return RunningJob(
        id=job.id,
        analysis=job.analysis,
        sources=job.sources,
        destination=job.destination,
        model_memory_limit_bytes=bytes_of(config["model_memory_limit"]),
        owner_roles=job.owner.roles,
    )
