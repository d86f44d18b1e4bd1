"""The first two round trips of a start: who asks for which job (1); may they, and what a plan needs (2).

Nothing here has an effect, so that whatever only wants to know goes the same way as a start: plans and explanations.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.errors import ClusterUnreachable, PassedOn, Refusal, StartgateError
from proxy.gate.authorise import Authorised, authorise, hidden_job
from proxy.gate.create import maker, reader
from proxy.gate.flight import Case, Credentials, Flight, HiddenJob, Judged, Known
from proxy.gate.identify import credentials_of, identify
from proxy.gate.observe_owners import Owners
from proxy.gate.plan import untouched
from proxy.gate.ports import Clock, Cluster, Facts, Given, Identities, Journal
from proxy.gate.preview import is_remade
from proxy.gate.request import Arrived, Wanted
from proxy.journal.entry import cut, cut_list
from proxy.model import Answer, Credential, Job
from proxy.rules import Request, Rules, refusal_reason, subjects_of
from proxy.settings import GateLimits
from proxy.tracing.current import step

# What guards see where a start waits as long as it takes.
NO_LIMIT_S = -1.0


def _never(_peer: str) -> bool:
    return False


def _nobody_owes(_receipt: str, _outcome: Mapping[str, Any]) -> None:
    pass


def _nobody_counts(_flight: Flight, _answer: Answer) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a start is run with. `started` is called once for each start that the cluster granted.

    It is given the job as it was judged, the credentials at hand, the receipt, and what it was judged over.
    `own` says who asks where the cluster does not. `owners` knows who made or last changed a job. `repeated` says of a
    peer's address that one more start of nobody who is known is only counted. `answered` is told of each start and what
    it is answered with. `owes` is given the receipt and the outcome of a start whose intent is on record, or may come
    there, and whose outcome could not be put there.
    """

    cluster: Cluster
    journal: Journal
    clock: Clock
    limits: GateLimits
    service: str | None
    started: Callable[[Job, Credentials, str, Judged | None], None]
    own: Identities | None = None
    owners: Owners = field(default_factory=Owners)
    repeated: Callable[[str], bool] = _never
    answered: Callable[[Flight, Answer], None] = _nobody_counts
    owes: Callable[[str, Mapping[str, Any]], None] = _nobody_owes


async def permitted(
    flight: Flight, wanted: Wanted, rules: Rules, world: World
) -> tuple[Case, Authorised, Facts | StartgateError | None]:
    """Who asks for which job, and that they may; and what a plan needs. Raises Refusal where they may not."""
    case = await _known(flight, wanted, rules, world)
    authorised, facts = await asyncio.gather(
        _authorised(flight, wanted, case, world),
        _facts(case, reader(case), world.cluster, remade=flight.arrived.plan_only and is_remade(case)),
    )
    if isinstance(facts, Facts):
        # Of a denied start as well: which data was asked for is what somebody will want to know.
        flight.sources = tuple(cut_list([one.name for one in facts.sources]))
    known, verdict = case.known, authorised.verdict
    if not verdict.allowed:
        text = refusal_reason(verdict, known.job, known.caller, known.secondary, known.job.owner)
        raise Refusal(403, "security_exception", text)
    return case, authorised, facts


async def explained(flight: Flight, wanted: Wanted, rules: Rules, world: World) -> tuple[Case, Authorised]:
    """The verdict, whatever it is, for whoever the cluster shows the job. Raises Refusal where it does not."""
    case = await _known(flight, wanted, rules, world)
    return case, await _authorised(flight, wanted, case, world)


async def _known(flight: Flight, wanted: Wanted, rules: Rules, world: World) -> Case:
    # What was found out before a wait does not count any more, and must not stand in the record.
    flight.known = flight.subjects = flight.verdict = flight.situation = flight.sources = flight.plan = None
    credentials = credentials_of(flight.arrived, world.service, own=world.own is not None)
    with step("identify"):
        known = await _identified(flight, wanted, credentials, rules, world)
    flight.mark("identified", world.clock.ticks_s())
    subjects = flight.subjects = subjects_of(rules, known.caller, known.secondary, known.job.owner)
    return Case(rules=rules, credentials=credentials, known=known, subjects=subjects)


async def _identified(flight: Flight, wanted: Wanted, credentials: Credentials, rules: Rules, world: World) -> Known:
    """Who may not start jobs at all is told that, and not whether the job exists."""
    try:
        found = await identify(wanted.job_id, flight.arrived, credentials, world.cluster, world.own)
    except PassedOn as refusal:
        # The cluster says 401 to whom it does not know, 403 to somebody who may not act for another.
        flight.vouched = refusal.status == 403
        raise
    flight.caller, flight.secondary = found.caller, found.secondary
    if isinstance(found, HiddenJob):
        raise await hidden_job(found, credentials.caller, rules, world.cluster)
    flight.known, flight.owner_seen = found, world.owners.seen(found.job)
    return found


async def _authorised(flight: Flight, wanted: Wanted, case: Case, world: World) -> Authorised:
    request = request_of(flight.arrived, wanted)
    with step("authorise"):
        authorised = await authorise(case, request, reader(case), world.clock.now_ms(), world.cluster)
    flight.verdict, flight.situation = authorised.verdict, authorised.situation
    flight.mark("judged", world.clock.ticks_s())
    return authorised


def request_of(arrived: Arrived, wanted: Wanted) -> Request:
    """What of a request may count, bounded as it is on record: what is judged again is what was judged."""
    return Request(
        peer=cut(arrived.peer),
        forwarded_for=tuple(cut_list(arrived.header_values("x-forwarded-for"))),
        user_agent=cut(arrived.header("user-agent") or ""),
        opaque_id=cut(arrived.header("x-opaque-id") or ""),
        timeout_s=NO_LIMIT_S if wanted.timeout_s is None else float(wanted.timeout_s),
    )


async def _facts(
    case: Case, credential: Credential | None, cluster: Cluster, *, remade: bool
) -> Facts | StartgateError | None:
    """Read at the same time as the privileges; what goes wrong here only counts once the start is allowed.

    `remade`: they are wanted although this start leaves the destination alone.
    """
    known = case.known
    if credential is None or (untouched(known) is not None and not remade):
        return None
    name = known.job.destination
    try:
        with step("read sources"):
            read, given = await asyncio.gather(
                cluster.facts(known.job.sources, name, credential), _given(name, maker(case), cluster)
            )
        return replace(read, given=given)
    except (Refusal, ClusterUnreachable) as failure:
        return failure


async def _given(name: str, credential: Credential | None, cluster: Cluster) -> Given | None:
    return None if credential is None else await cluster.given(name, credential)
