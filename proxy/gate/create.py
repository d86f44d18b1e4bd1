"""Makes the destination, and takes it away again where the start came to nothing."""

import asyncio

from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.flight import Case, Destination, Flight, Plan
from proxy.gate.ports import Cluster
from proxy.model import Answer, Credential, Job
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
    except ClusterUnreachable:
        flight.removal = "kept: no answer came to its creation, so it may exist or not"
        raise


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
    try:
        flight.removal = await cluster.remove_if_empty(case.known.job.destination, made, creating)
    except (PassedOn, ClusterUnreachable) as failure:
        flight.removal = f"unknown: {failure}"
