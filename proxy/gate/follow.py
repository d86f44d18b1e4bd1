"""Follows a started job to its real end: a start that was answered with 200 can still fail minutes later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from proxy.errors import ClusterUnreachable, JournalError, Refusal
from proxy.gate import record
from proxy.gate.authorise import judge_again
from proxy.gate.flight import Credentials, Judged
from proxy.gate.ports import Clock, Cluster, Journal
from proxy.model import Credential, Job, JobState
from proxy.rules import Verdict, refusal_reason
from proxy.settings import GateLimits
from proxy.tasks import spawn

T = TypeVar("T")
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
    try:
        now = await patiently(lambda: cluster.job(job.id, credential))
    except (Refusal, ClusterUnreachable) as failure:
        return f"the job could not be looked at after its start: {failure}"
    if now.config == job.config:
        return None
    return f"the job was changed while it was being started, and {await _stopped(job.id, credential, cluster)}"


async def stop_if_denied(judged: Judged, credential: Credential, cluster: Cluster) -> str | None:
    """Look once more, now that the job runs, what its names stand for; stop it where the same rules deny that.

    An alias may have been pointed elsewhere meanwhile, which changes nothing in the job. Says what was done, None if
    all is well. See docs/decisions/020-two-looks-at-the-job.md.
    """
    failed = "what the names of the job stand for could not be looked at after its start"
    try:
        verdict, untold = await patiently(lambda: judge_again(judged, cluster))
    except (Refusal, ClusterUnreachable) as failure:
        return f"{failed}: {failure}"
    if verdict is not None and not verdict.allowed:
        # Once denied it is stopped: to look again would let it run on where the alias has been put back.
        done = await _stopped(judged.situation.job.id, credential, cluster)
        return f"what its names stand for was changed while it was being started, and {done}: {_why(judged, verdict)}"
    return f"{failed}: {'; '.join(untold)}" if untold else None


def _why(judged: Judged, verdict: Verdict) -> str:
    one = judged.situation
    return refusal_reason(verdict, one.job, one.caller, one.secondary, one.job.owner)


async def _stopped(job_id: str, credential: Credential, cluster: Cluster) -> str:
    """Stop a job; what came of it, in words."""
    try:
        await patiently(lambda: cluster.stop(job_id, credential))
    except (Refusal, ClusterUnreachable) as failure:
        return f"could not be stopped ({failure})"
    return "has been stopped"


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """An answer, also of a cluster that is away for a moment.

    Raises:
        Refusal: what the cluster said; ClusterUnreachable: it was away for longer.
    """
    for pause_s in LOOK_AGAIN_S:
        try:
            return await ask()
        except ClusterUnreachable:
            await asyncio.sleep(pause_s)
    return await ask()


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

    def follow(self, job: Job, credentials: Credentials, receipt: str, judged: Judged | None = None) -> None:
        """Follow a started job to its end. `judged` is what its start was judged over, None where that is lost.

        A job that could be started again had stopped: whoever followed its start before learns that from this one.
        Stopping it, where that must be, takes `manage_ml`: the caller has shown to hold it, the service need not.
        """
        before = self._tasks.pop(job.id, None)
        if before is not None and before[1].cancel():
            ended = record.restarted(before[0], job.id, receipt, self._clock.now_ms())
            spawn(self._append(before[0], job.id, ended), name=f"end of {before[0]}")
        task = spawn(self._follow(job, credentials, receipt, judged), name=f"follow {job.id}")
        self._tasks[job.id] = (receipt, task)
        task.add_done_callback(lambda _: self._forget(job.id, receipt))

    def _forget(self, job_id: str, receipt: str) -> None:
        if self._tasks.get(job_id, ("",))[0] == receipt:
            del self._tasks[job_id]

    async def _follow(self, job: Job, credentials: Credentials, receipt: str, judged: Judged | None) -> None:
        looks = [stop_if_changed(job, credentials.caller, self._cluster)]
        if judged is not None:
            looks.append(stop_if_denied(judged, credentials.caller, self._cluster))
        del judged  # a situation may name thousands of indices, and jobs run for hours
        found = [one for one in await asyncio.gather(*looks) if one is not None]
        for one in found:
            logger.error("start %s of %s: %s", receipt, job.id, one)
        state, why = await until_end(
            job.id,
            credentials.service or credentials.caller,
            self._cluster,
            self._clock,
            poll_s=self._limits.follow_up_poll_s,
            limit_s=self._limits.follow_up_s,
        )
        ended = record.end(receipt, job.id, state, "; ".join(found) or why, self._clock.now_ms())
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
