"""Closes what a crash left open: intents without an outcome, started jobs that nobody follows any more, and
destinations whose removal was begun and not finished.

The cluster is asked with the service credential; without one, the record says that nobody could look. Where the cluster
cannot be asked now, or the journal not be written, what is open stays open, and is tried again until it is closed; new
starts go on meanwhile. See docs/decisions/123-open-until-the-cluster-tells.md.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, repeat
from typing import Any

from proxy.errors import ClusterUnreachable, JournalError, Refusal
from proxy.gate import record
from proxy.gate.create import idle
from proxy.gate.flight import Credentials
from proxy.gate.found import Found, JobIs, MadeBy, Started, at_rest, look, was_started
from proxy.gate.ports import AfterCrash, Clock, Journal
from proxy.journal.entry import NOT_LIFTED, Phase
from proxy.journal.read import Start
from proxy.model import Credential, Job

logger = logging.getLogger(__name__)

Follow = Callable[[Job, Credentials, str], None]

# Each look makes three calls at once: some 24 connections of the 128 that starts have to a node.
AT_ONCE = 8
# How long to wait before what could not be closed is tried again; then always as long as the last.
AGAIN_S = (0.25, 1.0, 5.0, 15.0, 30.0)
# A start that was sent just before the crash may take the cluster a while: it estimates the memory of the job first
# (`TransportStartDataFrameAnalyticsAction`). In this time a job that had not started is looked at again.
LATE_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class _NotYet(Exception):
    """This cannot be closed now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What it takes to close what is open.

    `lock` gives the lock of a job: none of its starts may be under way while it is looked at and its destination
    removed. `follow` has a job followed to its end. `since` gives the receipt of a start of a job that was granted
    since this process began, None where there was none: that one follows the job, and what is seen may be its doing.
    """

    cluster: AfterCrash
    journal: Journal
    clock: Clock
    service: Credential | None
    follow: Follow
    lock: Callable[[str], asyncio.Lock]
    since: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Late:
    """A start that was closed, and whose job has not been seen to start."""

    receipt: str
    before: Mapping[str, Any] = field(repr=False)
    job: Job


async def reconcile(past: Sequence[Start], world: Aftermath) -> None:
    """Close every open start of `past`, and go on following the jobs that were started and have no end yet.

    Returns when all are closed, however long the cluster is away. Raises nothing but cancellation; what is open then is
    found again at the next start-up.
    """
    waiting = _by_job(start for start in past if _concerns(start, world))
    opened = sum(start.open for group in waiting for start in group)
    if opened:
        logger.warning("%d starts were left open by an earlier process, and are looked into", opened)
    late: list[_Late] = []
    for pause_s in chain(AGAIN_S, repeat(AGAIN_S[-1])):
        waiting, why = await _round(waiting, world, late)
        if not waiting:
            break
        left = sum(start.open for group in waiting for start in group)
        logger.warning("%d starts stay open, and are looked into again in %g s: %s", left, pause_s, why)
        await asyncio.sleep(pause_s)
    if opened:
        logger.info("what an earlier process left open is closed")
    await _watch(late, world)


def _by_job(past: Iterable[Start]) -> list[list[Start]]:
    """The starts of each job, in their order: a later one of them says what became of those before."""
    groups: dict[str, list[Start]] = {}
    for start in past:
        groups.setdefault(_job_of(start).get("id", ""), []).append(start)
    return list(groups.values())


def _job_of(start: Start) -> Mapping[str, Any]:
    """The job as it was when the start was meant, as far as that is known."""
    record = start.records.get(Phase.INTENT) or start.latest
    job: Mapping[str, Any] = record["startgate"].get("job", {})
    return job


def _concerns(start: Start, world: Aftermath) -> bool:
    return start.open or (world.service is not None and (start.unended or start.blocked))


async def _round(waiting: list[list[Start]], world: Aftermath, late: list[_Late]) -> tuple[list[list[Start]], str]:
    """Try all once, a few at a time; what is left of them, and why in words.

    Where the cluster cannot be asked for one, the others are not tried: it would be the same for a thousand.
    """
    turns = iter(waiting)
    left: list[list[Start]] = []
    reasons: list[str] = []

    async def work() -> None:
        for group in turns:
            try:
                await _closed_in_order(group, world, late)
            except _NotYet as failure:
                left.append(group)
                reasons.append(str(failure))
            except (ClusterUnreachable, JournalError) as failure:
                left.extend((group, *turns))
                reasons.append(str(failure))
            except Exception as failure:  # one record that cannot be understood must not keep the others open
                logger.error("start %s cannot be closed", group[0].receipt, exc_info=failure)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return left, next(iter(reasons), "")


async def _closed_in_order(group: list[Start], world: Aftermath, late: list[_Late]) -> None:
    """Close the starts of one job, and take those that are closed out of the group.

    Raises:
        _NotYet: a start of the job is under way; ClusterUnreachable, JournalError: as they say.
    """
    lock = world.lock(_job_of(group[0]).get("id", ""))
    if lock.locked():
        # It may last an hour. Others are not to wait for it.
        raise _NotYet("a start of the same job is under way")
    async with lock:
        while group:
            after = next((one.receipt for one in group[1:] if (one.open or one.unended) and not _ran(one)), None)
            if group[0].open:
                await _close(group[0], world, late, after)
            elif world.service is not None:
                await _go_on(group[0], world, world.service, after)
            del group[0]


def _ran(start: Start) -> bool:
    """Whether the job ran already when the start was meant: it is followed on behalf of the start before then."""
    return not at_rest(_job_of(start).get("state", ""))


async def _close(start: Start, world: Aftermath, late: list[_Late], after: str | None) -> None:
    """Put the outcome of an open start on record. `after` is a later start of the same job, if there is one."""
    intent = start.records[Phase.INTENT]["startgate"]
    found, job = await look(intent, world.cluster, world.service, world.since(intent["job"]["id"]) or after)
    found = replace(found, removal=await _removed(start, world, found))
    outcome = record.reconciled(start.receipt, found, world.clock.now_ms(), job=intent["job"])
    await world.journal.append(outcome)
    # Where what follows fails, the next round finds it closed.
    start.records[Phase.OUTCOME] = outcome
    logger.info("start %s of %s: %s", start.receipt, intent["job"]["id"], found.words())
    if job is not None and found.started is Started.NOT_SEEN:
        late.append(_Late(receipt=start.receipt, before=intent["job"], job=job))
    elif world.service is not None:
        await _ended(start, found, job, world, world.service, after)


async def _go_on(start: Start, world: Aftermath, service: Credential, after: str | None) -> None:
    """With a start whose outcome is on record, but not how it ended."""
    outcome = start.records[Phase.OUTCOME]["startgate"]
    intent = start.records.get(Phase.INTENT, {}).get("startgate", outcome)
    found, job = await look(intent, world.cluster, service, None)
    removal = await _removed(start, world, found)
    if removal is None and start.blocked:
        removal = "no longer blocked"
    if removal is not None:
        if NOT_LIFTED not in removal:  # else the next process tries again
            await world.journal.append(record.cleared(start.receipt, outcome["job"], removal, world.clock.now_ms()))
    elif start.unended:
        await _ended(start, found, job, world, service, after)


async def _ended(
    start: Start, found: Found, job: Job | None, world: Aftermath, service: Credential, after: str | None
) -> None:
    """Have the job followed to its end; or put on record why nobody does, so that nobody looks for it again."""
    if job is None and found.job is JobIs.UNKNOWN:
        return  # who asks may be allowed to know by the next time
    if job is not None and not _ran(start):
        await _follow(start.receipt, job, world, service, after)
        return
    why = "the job ran before this start, and is followed for the one before" if job is not None else found.words()
    job_id = _job_of(start)["id"]
    await world.journal.append(record.end(start.receipt, job_id, None, why, world.clock.now_ms()))


async def _follow(receipt: str, job: Job, world: Aftermath, service: Credential, after: str | None = None) -> None:
    """Follow the job on behalf of a start; where another start follows it, this one has ended."""
    again = world.since(job.id) or after
    if again is not None:
        await world.journal.append(record.restarted(receipt, job.id, again, world.clock.now_ms()))
        return
    # Nobody but the service is left to ask: callers' credentials are not kept.
    world.follow(job, Credentials(caller=service, secondary=None, service=service), receipt)


async def _watch(late: list[_Late], world: Aftermath) -> None:
    """Look again at jobs that had not started, and follow each once it has, or when there is no more to wait for."""
    for pause_s in LATE_S:
        if not late:
            return
        await asyncio.sleep(pause_s)
        late = await _still_late(late, world, give_up=False)
    await _still_late(late, world, give_up=True)


async def _still_late(late: list[_Late], world: Aftermath, *, give_up: bool) -> list[_Late]:
    turns = iter(late)
    left: list[_Late] = []
    service = world.service
    if service is None:  # nobody has seen them stand still then
        return left

    async def work() -> None:
        for one in turns:
            if give_up or world.since(one.job.id) is not None or await _has_started(one, world, service):
                await _followed_late(one, world, service)
            else:
                left.append(one)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return left


async def _has_started(one: _Late, world: Aftermath, service: Credential) -> bool:
    try:
        state = await world.cluster.job_state(one.job.id, service)
    except ClusterUnreachable:
        return False
    except Refusal:
        return True  # whoever follows it says why that is not possible
    return was_started(one.before, state) is Started.YES


async def _followed_late(one: _Late, world: Aftermath, service: Credential) -> None:
    try:
        await _follow(one.receipt, one.job, world, service)
    except JournalError as failure:
        # Its outcome is there; the next process goes on with it.
        logger.error("start %s of %s: its end is not on record: %s", one.receipt, one.job.id, failure)


async def _removed(start: Start, world: Aftermath, found: Found) -> str | None:
    """Finish the removal of a destination that was blocked for it, or lift the block; what was done, in words.

    None where nothing was left so. Only a refused start's destination is ever blocked, so that no more has to be known
    of it than that it is still the same and as empty; and that no job is using it now. The job's turn is held.

    Raises:
        ClusterUnreachable: nobody can tell.
    """
    intent, service = start.records.get(Phase.INTENT, {}).get("startgate", {}), world.service
    made = intent.get("destination", {}).get("meta")
    if not made or service is None or found.destination in (MadeBy.NOBODY, MadeBy.OTHERS):
        return None
    name, job_id = intent["destination"]["index"], intent["job"]["id"]
    try:
        if not await world.cluster.left_blocked(name, made, service):
            return None
    except Refusal as refusal:
        return f"its destination {NOT_LIFTED}: {refusal.reason}" if start.blocked else None
    if await idle(job_id, world.cluster, service):
        waits = partial(idle, job_id, world.cluster, service)
        return await world.cluster.remove_if_empty(name, made, service, waits, left=True)
    return await world.cluster.allow_writes(name, service)
