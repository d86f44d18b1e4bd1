"""Closes what a crash left open: intents without an outcome, and started jobs that nobody follows any more.

The cluster is asked with the service credential; without one, the record says that nobody could look.
"""

from collections.abc import Callable, Sequence
from typing import Any

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate import record
from proxy.gate.flight import Credentials
from proxy.gate.ports import Clock, Cluster, Journal
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from proxy.model import Credential, Job

Follow = Callable[[Job, Credentials, str], None]


async def reconcile(
    past: Sequence[Start], cluster: Cluster, journal: Journal, clock: Clock, service: Credential | None, follow: Follow
) -> None:
    """Close every open start of `past`, and go on following the jobs that were started and have no end yet.

    Raises:
        JournalError: a record could not be written; what is open stays open and is found again at the next start-up.
    """
    for start in past:
        if start.open:
            intent = start.records[Phase.INTENT]["startgate"]
            found, job = await _look(intent, cluster, service)
            outcome = record.reconciled(start.receipt, found, clock.now_ms(), job=intent["job"])
            await journal.append(outcome)
            if job is not None and service is not None:
                follow(job, _as(service), start.receipt)
        elif service is not None and start.unended:
            _, job = await _look(start.records[Phase.OUTCOME]["startgate"], cluster, service)
            if job is not None:
                follow(job, _as(service), start.receipt)


def _as(service: Credential) -> Credentials:
    """Nobody but the service is left to ask: callers' credentials are not kept."""
    return Credentials(caller=service, secondary=None, service=service)


async def _look(recorded: dict[str, Any], cluster: Cluster, service: Credential | None) -> tuple[str, Job | None]:
    """What the cluster knows now, in words; and the job, if it is still the one that was started."""
    if service is None:
        return "interrupted; without a service credential nobody could look what became of it", None
    job_id = recorded["job"]["id"]
    try:
        job = await cluster.job(job_id, service)
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
