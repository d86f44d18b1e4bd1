"""Closes what a crash left open: intents without an outcome, started jobs that nobody follows any more, and
destinations whose removal was begun and not finished.

The cluster is asked with the service credential; without one, the record says that nobody could look.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate import record
from proxy.gate.create import idle
from proxy.gate.flight import Credentials
from proxy.gate.follow import patiently
from proxy.gate.ports import AfterCrash, Clock, Journal
from proxy.journal.entry import NOT_LIFTED, Phase
from proxy.journal.read import Start
from proxy.model import Credential, Job

Follow = Callable[[Job, Credentials, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What it takes to close what is open.

    `lock` gives the lock of a job: none of its starts may be under way while its destination is removed. `follow` has a
    job followed to its end.
    """

    cluster: AfterCrash
    journal: Journal
    clock: Clock
    service: Credential | None
    follow: Follow
    lock: Callable[[str], asyncio.Lock]


async def reconcile(past: Sequence[Start], world: Aftermath) -> None:
    """Close every open start of `past`, and go on following the jobs that were started and have no end yet.

    Raises:
        JournalError: a record could not be written; what is open stays open and is found again at the next start-up.
    """
    for start in past:
        if start.open:
            await _close(start, world)
        elif world.service is not None and (start.unended or start.blocked):
            await _go_on(start, world, world.service)


async def _close(start: Start, world: Aftermath) -> None:
    intent = start.records[Phase.INTENT]["startgate"]
    removal = done = None
    with suppress(Refusal, ClusterUnreachable):  # what follows says so, and the next process looks again
        removal = await _removed(start, world)
    found, job = await _look(intent, world)
    if removal is not None:
        found += f"; it was left blocked for its removal: {removal}"
        done = {"index": intent["destination"]["index"], "removal": removal}
    outcome = record.reconciled(start.receipt, found, world.clock.now_ms(), job=intent["job"], destination=done)
    await world.journal.append(outcome)
    if job is not None and world.service is not None:
        world.follow(job, _as(world.service), start.receipt)


async def _go_on(start: Start, world: Aftermath, service: Credential) -> None:
    """With a start whose outcome is on record, but not how it ended."""
    try:
        removal = await _removed(start, world) or ("no longer blocked" if start.blocked else None)
    except (Refusal, ClusterUnreachable) as failure:
        removal = f"its destination {NOT_LIFTED}: {failure}" if start.blocked else None
    if removal is not None:
        if NOT_LIFTED not in removal:  # else the next process tries again
            job = start.records[Phase.OUTCOME]["startgate"]["job"]
            await world.journal.append(record.cleared(start.receipt, job, removal, world.clock.now_ms()))
    elif start.unended:
        _, job_now = await _look(start.records[Phase.OUTCOME]["startgate"], world)
        if job_now is not None:
            world.follow(job_now, _as(service), start.receipt)


def _as(service: Credential) -> Credentials:
    """Nobody but the service is left to ask: callers' credentials are not kept."""
    return Credentials(caller=service, secondary=None, service=service)


async def _removed(start: Start, world: Aftermath) -> str | None:
    """Finish the removal of a destination that was blocked for it, or lift the block; what was done, in words.

    None where nothing was left so. Only a refused start's destination is ever blocked, so that no more has to be known
    of it than that it is still the same and as empty; and that no job is using it now.

    Raises:
        Refusal, ClusterUnreachable: nobody can tell.
    """
    intent, service = start.records.get(Phase.INTENT, {}).get("startgate", {}), world.service
    made = intent.get("destination", {}).get("meta")
    if not made or service is None:
        return None
    name, job_id = intent["destination"]["index"], intent["job"]["id"]
    if not await patiently(lambda: world.cluster.left_blocked(name, made, service)):
        return None
    async with world.lock(job_id):
        if await idle(job_id, world.cluster, service):
            waits = partial(idle, job_id, world.cluster, service)
            return await world.cluster.remove_if_empty(name, made, service, waits)
        return await world.cluster.allow_writes(name, service)


async def _look(recorded: Mapping[str, Any], world: Aftermath) -> tuple[str, Job | None]:
    """What the cluster knows now, in words; and the job, if it is still the one that was started."""
    cluster, service = world.cluster, world.service
    if service is None:
        return "interrupted; without a service credential nobody could look what became of it", None
    job_id = recorded["job"]["id"]
    try:
        job = await patiently(lambda: cluster.job(job_id, service))
        state = await cluster.job_state(job_id, service)
        index = await cluster.index(job.destination, service)
    except Refusal as refusal:
        return f"interrupted; the cluster says: {refusal.reason}", None
    except ClusterUnreachable as failure:
        return f"interrupted; the cluster could not be asked: {failure}", None
    if job.create_time != recorded["job"].get("create_time"):
        return "interrupted; the job was deleted and made anew since", None
    destination = "is missing" if index is None else "exists"
    job_is = f"the job is {state.state} ({state.stage.value})"
    return f"interrupted; {job_is}, its destination [{job.destination}] {destination}", job
