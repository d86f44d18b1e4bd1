"""Follows a started job to its real end: a start that was answered with 200 can still fail minutes later."""

import asyncio

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Clock, Cluster
from proxy.model import Credential, Job, JobState

FIRST_PAUSE_S = 0.25
PAUSE_GROWTH = 1.5


async def stop_if_changed(job: Job, credential: Credential, cluster: Cluster) -> str | None:
    """Look once more, now that the job runs, whether it is the one that was judged; stop it where it is not.

    A running job cannot be deleted, so what is found now is what was started. Says what was done, None if all is well.
    """
    try:
        now = await cluster.job(job.id, credential)
        if now.config == job.config:
            return None
        await cluster.stop(job.id, credential)
    except Refusal as refusal:
        return f"the job could not be looked at after its start: {refusal.reason}"
    except ClusterUnreachable as failure:
        return f"the job could not be looked at after its start: {failure}"
    return "the job was changed while it was being started, and has been stopped"


async def until_end(
    job_id: str, credential: Credential, cluster: Cluster, clock: Clock, *, poll_s: float, limit_s: float
) -> tuple[JobState | None, str]:
    """Poll until the job stands still or is gone: its last state, None where that is not known, and why in words."""
    begun, pause = clock.ticks_s(), min(FIRST_PAUSE_S, poll_s)
    state: JobState | None = None
    while clock.ticks_s() - begun < limit_s:
        await asyncio.sleep(pause)
        pause = min(pause * PAUSE_GROWTH, poll_s)
        try:
            state = await cluster.job_state(job_id, credential)
        except Refusal as refusal:
            return None, f"the job cannot be followed any more: {refusal.reason}"
        except ClusterUnreachable:
            continue  # a node that restarts does not end a job
        if state.state in ("stopped", "failed"):
            return state, state.failure_reason or f"the job {state.state}"
    return state, f"not followed any longer than {limit_s:g} s"
