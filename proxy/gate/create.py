"""Makes the destination, and takes it away again where the start came to nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.flight import Case, Destination, Flight, Plan
from proxy.gate.ports import Cluster, Foretold
from proxy.model import Answer, Credential, Job, Stage
from proxy.rules import CreateAs, OnRefusedStart, Subject

# The job may still start (408), or another start of it is under way and may be about to use the index (409); a full
# cluster (429) may be asked again at once. See docs/decisions/022-when-the-destination-is-kept.md.
KEEP_AFTER = frozenset({408, 409, 429})


def reader(case: Case) -> Credential | None:
    """As whom the sources are read: the data subject where its credentials are at hand, else the service."""
    own = {
        Subject.CALLER: case.credentials.caller,
        Subject.SECONDARY: case.credentials.secondary,
        Subject.OWNER: case.credentials.service,
    }
    return own[case.subjects.data]


def maker(case: Case) -> Credential | None:
    """As whom a destination would be created, by the rules; None where that credential is not there."""
    return {
        CreateAs.AUTO: reader(case),
        CreateAs.CALLER: case.credentials.caller,
        CreateAs.SERVICE: case.credentials.service,
    }[case.rules.create_as]


def creator(case: Case, plan: Plan) -> Credential | None:
    """As whom the destination is created; None where it is not.

    Raises:
        Refusal: 403, the rules want a credential that is not there.
    """
    if plan.step is not Destination.CREATE:
        return None
    wanted = maker(case)
    if wanted is None:
        text = "the destination is to be created with the service credential, and none is configured"
        raise Refusal(403, "security_exception", text)
    return wanted


async def prepare(flight: Flight, case: Case, plan: Plan, creating: Credential | None, cluster: Cluster) -> None:
    """Create the destination if that is the plan, and at the same time make sure that the job is still the same.

    See docs/decisions/020-two-looks-at-the-job.md.

    Raises:
        Refusal: 409, the job was changed, or deleted and made anew, since it was judged.
        PassedOn, ClusterUnreachable: the cluster would not create the index, or gave no answer.
    """
    judged = case.known.job
    made, job = await asyncio.gather(
        _create(flight, judged, plan, creating, cluster),
        cluster.job(judged.id, case.credentials.caller),
        return_exceptions=True,
    )
    for problem in (made, job):
        if isinstance(problem, BaseException):
            raise problem
    if isinstance(job, Job) and job.config != judged.config:
        raise changed(judged)


def changed(job: Job) -> Refusal:
    """The job is not the one that was judged any more."""
    why = "its configuration was changed while it was being started"
    return Refusal(409, "status_exception", f"Cannot start data frame analytics [{job.id}] because {why}")


async def _create(flight: Flight, job: Job, plan: Plan, creating: Credential | None, cluster: Cluster) -> None:
    if creating is None or plan.body is None:
        return
    flight.created_as = creating.whose
    try:
        flight.created = await cluster.create(job.destination, plan.body, creating)
    except PassedOn as refusal:
        raise placed(refusal, plan) from None
    except ClusterUnreachable:
        flight.removal = "kept: no answer came to its creation, so it may exist or not"
        raise


async def foretold(case: Case, plan: Plan | Refusal, cluster: Cluster) -> Foretold | None:
    """What the cluster says beforehand of creating the destination; None where it is not created.

    Asked as whoever would create it, and as the service where that one may not know.
    """
    credential, service = maker(case), case.credentials.service
    if isinstance(plan, Refusal) or plan.step is not Destination.CREATE or plan.body is None or credential is None:
        return None
    name, laid = case.known.job.destination, bool(plan.overrides)
    said = await cluster.foretell(name, plan.body, credential, settings=laid)
    if said.unchecked and service is not None and service != credential:
        again = await cluster.foretell(name, plan.body, service, settings=laid)
        said = said if again.unchecked else again
    return said if said.problem is None else replace(said, problem=placed(said.problem, plan))


def placed(refusal: Refusal, plan: Plan) -> Refusal:
    """The refusal of a creation, with the places in rule files of the settings that it speaks of.

    Those are the ones that it names, by key or by value, else all.
    """
    if refusal.status != 400 or not plan.overrides or plan.body is None:
        return refusal
    settings = plan.body["settings"]
    named = [key for key in plan.overrides if any(f"[{one}]" in refusal.reason for one in (key, settings.get(key)))]
    places = ", ".join(f"{key}: {plan.overrides[key]}" for key in named or plan.overrides)
    reason = f"{refusal.reason} (set by the rules, {places})"
    if not isinstance(refusal, PassedOn):
        return Refusal(400, refusal.type, reason)
    error = refusal.content["error"]
    content = {**refusal.content, "error": {**error, "reason": reason} if isinstance(error, Mapping) else reason}
    return PassedOn(400, content, headers=refusal.headers)


async def idle(job_id: str, cluster: Cluster, credential: Credential) -> bool:
    """Whether a job is gone, or stands still and has not begun to copy: nobody needs its destination then.

    Where this credential may not know, somebody may.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    try:
        state = await cluster.job_state(job_id, credential)
    except Refusal as refusal:
        return refusal.status == 404
    return state.state in ("stopped", "") and state.stage is Stage.FIRST_TIME


async def clean_up(
    flight: Flight, case: Case, creating: Credential | None, answer: Answer | None, cluster: Cluster
) -> None:
    """Remove the destination if this start made it and the cluster then refused the start.

    `answer` is the cluster's, None where nothing was forwarded. What was done is noted in the flight; no error escapes.
    """
    if not flight.created or creating is None or flight.plan is None or flight.plan.body is None:
        return
    if answer is not None and (not 400 <= answer.status < 500 or answer.status in KEEP_AFTER):
        return
    if case.rules.on_refused_start is OnRefusedStart.KEEP:
        flight.removal = "kept: the rules say so"
        return
    made = flight.plan.body["mappings"]["_meta"]
    # Asked as the caller, who was shown the job: whoever creates the destination may have no right to see jobs.
    unused = partial(idle, case.known.job.id, cluster, case.credentials.caller)
    try:
        flight.removal = await cluster.remove_if_empty(case.known.job.destination, made, creating, unused)
    except (PassedOn, ClusterUnreachable) as failure:
        flight.removal = f"unknown: {failure}"
