"""Follows a started job to its real end: a start that was answered with 200 can still fail minutes later."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from proxy.errors import ClusterUnreachable, JournalError, Refusal
from proxy.gate import record
from proxy.gate.flight import Credentials
from proxy.gate.ports import Clock, Cluster, Journal
from proxy.model import Credential, Job, JobState
from proxy.settings import GateLimits
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# A node that restarts, or is too busy to say, must not let a job run on that was not judged.
LOOK_AGAIN_S = (0.25, 1.0, 5.0, 15.0)
FIRST_PAUSE_S = 0.25
PAUSE_GROWTH = 1.5


async def stop_if_changed(job: Job, credential: Credential, cluster: Cluster) -> str | None:
    """Look once more, now that the job runs, whether it is the one that was judged; stop it where it is not.

    A running job cannot be deleted, so what is found now is what was started. Says what was done, None if all is well.
    See docs/decisions/020-two-looks-at-the-job.md.
    """
    for pause_s in (*LOOK_AGAIN_S, None):
        try:
            return await _stop_if_changed(job, credential, cluster)
        except Refusal as refusal:
            return f"the job could not be looked at after its start: {refusal.reason}"
        except ClusterUnreachable as failure:
            why = f"the job could not be looked at after its start: {failure}"
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    return why


async def _stop_if_changed(job: Job, credential: Credential, cluster: Cluster) -> str | None:
    now = await cluster.job(job.id, credential)
    if now.config == job.config:
        return None
    await cluster.stop(job.id, credential)
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


class Followers:
    """The jobs that are followed in the background, at most one follower a job."""

    def __init__(self, cluster: Cluster, journal: Journal, clock: Clock, limits: GateLimits) -> None:
        self._cluster = cluster
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._tasks: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def follow(self, job: Job, credentials: Credentials, receipt: str) -> None:
        """Follow a started job to its end.

        A job that could be started again had stopped: whoever followed its start before learns that from this one.
        Stopping it, where that must be, takes `manage_ml`: the caller has shown to hold it, the service need not.
        """
        before = self._tasks.pop(job.id, None)
        if before is not None and before[1].cancel():
            ended = record.restarted(before[0], job.id, receipt, self._clock.now_ms())
            spawn(self._append(before[0], job.id, ended), name=f"end of {before[0]}")
        task = spawn(self._follow(job, credentials, receipt), name=f"follow {job.id}")
        self._tasks[job.id] = (receipt, task)
        task.add_done_callback(lambda _: self._forget(job.id, receipt))

    def _forget(self, job_id: str, receipt: str) -> None:
        if self._tasks.get(job_id, ("",))[0] == receipt:
            del self._tasks[job_id]

    async def _follow(self, job: Job, credentials: Credentials, receipt: str) -> None:
        stopped = await stop_if_changed(job, credentials.caller, self._cluster)
        if stopped:
            logger.error("start %s of %s: %s", receipt, job.id, stopped)
        state, why = await until_end(
            job.id,
            credentials.service or credentials.caller,
            self._cluster,
            self._clock,
            poll_s=self._limits.follow_up_poll_s,
            limit_s=self._limits.follow_up_s,
        )
        ended = record.end(receipt, job.id, state, stopped or why, self._clock.now_ms())
        await self._append(receipt, job.id, ended)

    async def _append(self, receipt: str, job_id: str, ended: Mapping[str, Any]) -> None:
        try:
            await self._journal.append(ended)
        except JournalError as error:
            logger.error("start %s of %s: its end is not on record: %s", receipt, job_id, error)

    async def close(self) -> None:
        """Follow no longer; the next process goes on from the journal (`reconcile`)."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
