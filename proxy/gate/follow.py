"""Follows a started job to its real end: a start that was answered with 200 can still fail minutes later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from proxy.errors import ClusterUnreachable, JournalError, Refusal
from proxy.gate import record
from proxy.gate.authorise import judge_again
from proxy.gate.flight import Credentials, Judged
from proxy.gate.identify import TRACE_HEADERS
from proxy.gate.owed import Owed
from proxy.gate.ports import Clock, Cluster, Followable, Journal
from proxy.model import Credential, Identity, Job, JobState
from proxy.rules import Verdict, refusal_reason
from proxy.settings import GateLimits
from proxy.tasks import spawn
from proxy.tracing.current import step, within

T = TypeVar("T")
logger = logging.getLogger(__name__)

# A node that restarts, or is too busy to say, must not let a job run on that was not judged.
LOOK_AGAIN_S = (0.25, 1.0, 5.0, 15.0)
FIRST_PAUSE_S = 0.25
PAUSE_GROWTH = 1.5
# Who is due within this part of their pause goes along with who is due now.
TOGETHER = 0.5
# Jobs in one call: an answer of some 2 KiB each, which Elasticsearch gathers from the nodes of all of them.
AT_ONCE = 200
# States in which a job does nothing any more by itself.
STILL = frozenset({"stopped", "failed"})


@dataclass(slots=True, eq=False, kw_only=True)
class Followed:
    """A started job that is followed, on behalf of the start with this receipt.

    `credential` is with whose it is asked about. `begun_ms` and `begun_s` are when it began to be followed, the former
    None where its start was made by another process. `who` are caller and secondary. `found` is what was wrong with it
    after its start, `state` its last one. `lacking`: its end could not be recorded, which was said.
    """

    job_id: str
    create_time: int
    receipt: str
    credential: Credential
    begun_ms: int | None
    begun_s: float
    who: tuple[Identity | None, ...] = ()
    found: str = ""
    pause_s: float = FIRST_PAUSE_S
    due_s: float = 0.0
    state: JobState | None = None
    lacking: bool = False


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


class Followers:
    """The jobs that are followed in the background to their end.

    However many they are, one task asks about them, in one call for all jobs of one credential whose names fit into a
    request line. How soon a job is asked about again grows from FIRST_PAUSE_S to `follow_up_poll_s`; one that would be
    asked about soon is asked about now, so that jobs that run for long come to be asked about together. Of a followed
    job some 2 KiB are held. `owed` are outcomes of starts that could not be recorded; they are tried again as ends are.
    """

    def __init__(self, cluster: Followable, journal: Journal, clock: Clock, limits: GateLimits) -> None:
        self._cluster = cluster
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self.owed = Owed(journal)
        self._looks: dict[str, tuple[Followed, asyncio.Task[None]]] = {}
        self._followed: dict[str, Followed] = {}
        self._polling: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    def follow(self, job: Job, credentials: Credentials, receipt: str, judged: Judged | None = None) -> None:
        """Follow a started job to its end. `judged` is what its start was judged over, None where that is lost.

        A job that could be started again had stopped: whoever followed its start before learns that from this one.
        Stopping it, where that must be, takes `manage_ml`: the caller has shown to hold it, the service need not.
        """
        self._supersede(job, receipt)
        one = _followed(job, credentials, receipt, judged, self._clock, self._limits.follow_up_poll_s)
        task = spawn(self._look(one, job, credentials.caller, judged), name=f"look at {job.id}")
        self._looks[job.id] = (one, task)
        task.add_done_callback(lambda _: self._looked(one))

    def _supersede(self, job: Job, receipt: str) -> None:
        looking, before = self._looks.pop(job.id, None), self._followed.pop(job.id, None)
        if looking is not None:
            before = looking[0]
            looking[1].cancel()
        if before is not None:
            anew = before.create_time != job.create_time
            ended = record.restarted(before.receipt, job.id, receipt, self._clock.now_ms(), made_anew=anew)
            spawn(self._append(before, ended), name=f"end of {before.receipt}")

    async def _look(self, one: Followed, job: Job, caller: Credential, judged: Judged | None) -> None:
        looks = [stop_if_changed(job, caller, self._cluster)]
        if judged is not None:
            looks.append(stop_if_denied(judged, caller, self._cluster))
        del judged  # a situation may name thousands of indices, and jobs run for hours
        with step("look again"):
            found = [text for text in await asyncio.gather(*looks) if text is not None]
        for text in found:
            logger.error("start %s of %s: %s", one.receipt, one.job_id, text)
        one.found = "; ".join(found)

    def _looked(self, one: Followed) -> None:
        """Go on with a job that was looked at, unless a later start of it took its place."""
        if self._looks.get(one.job_id, (None,))[0] is not one:
            return
        del self._looks[one.job_id]
        one.due_s = self._clock.ticks_s() + one.pause_s
        self._followed[one.job_id] = one
        self._more.set()
        if self._polling is None or self._polling.done():
            # It asks about all jobs: what it does belongs to no single start.
            with within(None):
                self._polling = spawn(self._poll(), name="follow jobs")

    async def _poll(self) -> None:
        """Until nobody is left."""
        while self._followed:
            await self._until_due()
            for credential, some in _by_credential(self._due()):
                await self._ask(credential, some)

    async def _until_due(self) -> None:
        """Wait until a job is to be asked about; one that comes in between may be so sooner."""
        self._more.clear()
        wait_s = min(one.due_s for one in self._followed.values()) - self._clock.ticks_s()
        if wait_s > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), wait_s)

    def _due(self) -> list[Followed]:
        now_s = self._clock.ticks_s()
        if not any(one.due_s <= now_s for one in self._followed.values()):
            return []
        return [one for one in self._followed.values() if one.due_s - now_s <= one.pause_s * TOGETHER]

    async def _ask(self, credential: Credential, some: list[Followed]) -> None:
        """Ask about jobs, at most AT_ONCE in a call, and have the ends of those recorded that stand still."""
        for at in range(0, len(some), AT_ONCE):
            asked = some[at : at + AT_ONCE]
            states: Mapping[str, JobState] | None = None
            refused = ""
            try:
                states = await self._cluster.job_states([one.job_id for one in asked], credential)
            except Refusal as refusal:
                refused = f"the job cannot be followed any more: {refusal.reason}"
            except ClusterUnreachable:
                pass  # a node that restarts does not end a job
            except Exception as failure:  # nor does an answer that nobody thought of, or all others would go unfollowed
                logger.error("an answer about followed jobs was not foreseen", exc_info=failure)
            for one in asked:
                await self._told_of_each(one, states, refused)

    async def _told_of_each(self, one: Followed, states: Mapping[str, JobState] | None, refused: str) -> None:
        # A start that came meanwhile may have taken its place.
        if self._followed.get(one.job_id) is not one:
            return
        try:
            await self._told(one, states, refused)
        except Exception as failure:
            logger.error("start %s of %s cannot be followed", one.receipt, one.job_id, exc_info=failure)

    async def _told(self, one: Followed, states: Mapping[str, JobState] | None, refused: str) -> None:
        now_s = self._clock.ticks_s()
        one.pause_s = min(one.pause_s * PAUSE_GROWTH, self._limits.follow_up_poll_s)
        one.due_s = now_s + one.pause_s
        state = None if states is None else states.get(one.job_id)
        if state is not None:
            one.state = state
        if refused:
            await self._end(one, None, refused)
        elif states is not None and state is None:
            await self._end(one, None, "the job is gone: it was deleted")
        elif state is not None and state.state in STILL:
            await self._ended(one, state)
        elif now_s - one.begun_s >= self._limits.follow_up_s:
            await self._end(one, one.state, f"not followed any longer than {self._limits.follow_up_s:g} s")

    async def _ended(self, one: Followed, state: JobState) -> None:
        """A job stands still; states do not tell whether it is the one that was started, or was made anew meanwhile."""
        try:
            job = await self._cluster.job(one.job_id, one.credential)
        except (Refusal, ClusterUnreachable):
            job = None  # its state is all that can be told
        if job is not None and job.create_time != one.create_time:
            await self._end(one, None, "the job was deleted, and made anew since", made_anew=True)
        else:
            await self._end(one, state, state.failure_reason or f"the job {state.state}")

    async def _end(self, one: Followed, state: JobState | None, why: str, *, made_anew: bool = False) -> None:
        if self._followed.get(one.job_id) is not one:
            return
        del self._followed[one.job_id]
        ran_s = self._clock.ticks_s() - one.begun_s
        run = record.Run(begun_ms=one.begun_ms, ran_ms=round(ran_s * 1000), who=one.who, made_anew=made_anew)
        ended = record.end(one.receipt, one.job_id, state, one.found or why, self._clock.now_ms(), run)
        if not await self._append(one, ended) and one.job_id not in self._followed and one.job_id not in self._looks:
            # A disk is full for a while, and gates run for months: the job is asked about again.
            self._followed[one.job_id] = one

    async def _append(self, one: Followed, ended: Mapping[str, Any]) -> bool:
        """Whether the end is on record now."""
        try:
            await self._journal.append(ended)
        except JournalError as error:
            if not one.lacking:
                logger.error("start %s of %s: its end is not on record: %s", one.receipt, one.job_id, error)
            one.lacking = True
            return False
        return True

    async def close(self) -> None:
        """Follow no longer; the next process goes on from the journal (`reconcile`)."""
        tasks = [task for _, task in self._looks.values()]
        tasks += [self._polling] if self._polling is not None else []
        self._looks.clear()
        self._followed.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.owed.close()


def _followed(
    job: Job, credentials: Credentials, receipt: str, judged: Judged | None, clock: Clock, poll_s: float
) -> Followed:
    asking = credentials.service or credentials.caller
    return Followed(
        job_id=job.id,
        create_time=job.create_time,
        receipt=receipt,
        # Without the trace of one start: so all that are asked about as the same user are asked about at once.
        credential=Credential(
            whose=asking.whose, headers=tuple(pair for pair in asking.headers if pair[0] not in TRACE_HEADERS)
        ),
        # A start that another process made began when nobody here knows.
        begun_ms=None if judged is None else clock.now_ms(),
        begun_s=clock.ticks_s(),
        who=() if judged is None else (judged.situation.caller, judged.situation.secondary),
        pause_s=min(FIRST_PAUSE_S, poll_s),
    )


def _by_credential(some: list[Followed]) -> list[tuple[Credential, list[Followed]]]:
    groups: dict[Credential, list[Followed]] = {}
    for one in some:
        groups.setdefault(one.credential, []).append(one)
    return list(groups.items())
