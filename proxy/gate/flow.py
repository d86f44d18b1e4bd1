"""The straight line of a start, from what arrived to what is answered. Every step is one call.

Rules of this file:
1. No effect before its intent is durable. The effects are: create, forward, remove, stop.
2. Every path ends in an outcome record, and no client is answered before it is durable, but for the 503 that says that
   it is not: then it is owed. Of attempts that are refused before anybody is known, and that one peer repeats, only how
   many there were is recorded.
3. Sequential round trips to the cluster: who and which job (1); privileges and facts (2); create and look again (3);
   forward (4). Whatever can be asked at the same time is.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from proxy.destination.distinct import is_large
from proxy.errors import JournalError, JournalLate, Refusal, StartgateError
from proxy.gate import record
from proxy.gate.answer import RECEIPT_HEADER, refused, told, warned
from proxy.gate.authorise import Authorised, beside_the_verdict
from proxy.gate.create import clean_up, creator, foretold, prepare, reader
from proxy.gate.flight import Case, Destination, Flight, Judged, Plan
from proxy.gate.identify import forwarded
from proxy.gate.judged import World, explained, permitted
from proxy.gate.plan import check_expressions, make_plan, untouched
from proxy.gate.ports import Clock, Cluster, Facts
from proxy.gate.preview import document, findings
from proxy.gate.request import Arrived, Wanted, parameters_of, read_request
from proxy.model import Answer
from proxy.notes import UNCERTAIN
from proxy.rules import Rules, explanation, settings_for
from proxy.settings import GateLimits
from proxy.tracing.current import step

__all__ = ["EVERY_START", "World", "start", "turn_away"]

logger = logging.getLogger(__name__)

# One plan is written at a time, by a thread of its own: those of asyncio's pool are not to be kept from anybody else.
_PLANS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plan")
# Likewise plans over many sources, or big ones. See docs/decisions/056-big-plans-have-a-thread.md.
_LARGE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large")


# The name of the turn that all starts share where a guard looks at what is running; no job can have it.
EVERY_START = "*"


async def start(arrived: Arrived, rules: Rules, world: World, lock: Callable[[str], asyncio.Lock]) -> Answer:
    """Run one start: judged, prepared, forwarded, recorded. `lock` gives the lock of a job: one flight at a time.

    Raises nothing but cancellation: whatever happens is an answer.
    """
    flight = _flight(arrived, rules, world.clock)
    parameters: dict[str, str] = {}
    try:
        parameters = parameters_of(arrived.target)
        wanted = read_request(arrived, parameters)
        flight.job_id = wanted.job_id
        if arrived.plan_only:
            answer = await _previewed(flight, wanted, parameters, rules, world)
        elif arrived.explain_only:
            answer = await _explained(flight, wanted, parameters, rules, world)
        else:
            answer = await _in_turn(flight, wanted, rules, world, lock)
    except Exception as failure:  # noqa: BLE001 -- every path ends in a record; what is told and logged, `_failed` says
        answer = refused(_failed(flight, failure), parameters, arrived.header("accept"), arrived.receipt)
    return await _recorded(flight, warned(answer, flight.verdict), parameters, world)


async def turn_away(arrived: Arrived, refusal: Refusal, rules: Rules, world: World) -> Answer:
    """Refuse, on record, a start that was not even read."""
    flight = _flight(arrived, rules, world.clock)
    answer = refused(_failed(flight, refusal), {}, arrived.header("accept"), arrived.receipt)
    return await _recorded(flight, answer, {}, world)


def _flight(arrived: Arrived, rules: Rules, clock: Clock) -> Flight:
    return Flight(arrived=arrived, revision=rules.revision, begun_ms=clock.now_ms(), begun_s=clock.ticks_s())


async def _recorded(flight: Flight, answer: Answer, parameters: dict[str, str], world: World) -> Answer:
    flight.mark("answered", world.clock.ticks_s())
    world.answered(flight, answer)
    if _is_nobodys(flight) and world.repeated(flight.arrived.peer.rpartition(":")[0]):
        # There is no record for a receipt to name. See docs/decisions/118-repeated-401s-are-folded.md.
        return replace(answer, headers=tuple(pair for pair in answer.headers if pair[0] != RECEIPT_HEADER))
    outcome = _outcome(flight, answer, world.clock.now_ms())
    try:
        with step("record outcome"):
            await world.journal.append(outcome)
    except JournalError as failure:
        refusal = _failed(flight, failure)
        if flight.intended or flight.may_be_intended:
            world.owes(flight.arrived.receipt, record.told_otherwise(outcome, refusal.status, str(failure)))
        return refused(refusal, parameters, flight.arrived.header("accept"), flight.arrived.receipt)
    return answer


def _is_nobodys(flight: Flight) -> bool:
    """Whether a start ended before it was known whose it is: without credentials, or as none that is understood. Any
    number of these can be sent by anybody."""
    return flight.caller is None and not flight.vouched and not flight.intended


def _outcome(flight: Flight, answer: Answer, now_ms: int) -> dict[str, Any]:
    try:
        return record.outcome(flight, answer, now_ms)
    except Exception as failure:  # whatever it is that cannot be told: that there was a start can
        logger.error("start %s: its record is not complete", flight.arrived.receipt, exc_info=failure)
        return record.bare_outcome(flight, answer, now_ms)


def _failed(flight: Flight, failure: Exception) -> Refusal:
    """How a failure is told to the client. Inner detail is not for it: that goes to the record, and to the log."""
    flight.problem = str(failure) or type(failure).__name__
    if isinstance(failure, Refusal):
        return failure
    known = isinstance(failure, StartgateError)
    where = (flight.arrived.receipt, flight.job_id)
    logger.error("start %s of %s: %s", *where, flight.problem, exc_info=None if known else failure)
    if isinstance(failure, JournalError):
        text = "no start without an audit record, and the journal cannot be written; the gate's log says why"
        if flight.cluster_answer is not None:
            answered = f"the start was forwarded and answered with {flight.cluster_answer.status}"
            text = f"{answered}, but the journal cannot be written and its outcome is not on record"
        return Refusal(503, "startgate_journal_exception", text)
    if known:
        return Refusal(503, "startgate_cluster_exception", "the cluster gave no usable answer; the gate's log says why")
    return Refusal(500, "startgate_exception", "the gate failed at this start; its log says why")


async def _in_turn(
    flight: Flight, wanted: Wanted, rules: Rules, world: World, lock: Callable[[str], asyncio.Lock]
) -> Answer:
    """One flight of a job at a time; where a guard looks at what is running, one flight of all.

    Only who may start the job waits for it, else anybody could hold up those who may.

    Raises:
        Refusal: 409, the flight before takes longer than this one would wait for the cluster: it may take an hour.
    """
    turns = [lock(wanted.job_id), *([lock(EVERY_START)] if rules.needs_running else [])]
    if any(turn.locked() for turn in turns):
        await _judged(flight, wanted, rules, world)
    async with AsyncExitStack() as held:
        with step("wait"):
            await _take(turns, held, wanted, world.limits)
        # Judged by itself, and anew: the flight before may have changed everything.
        case, plan = await _judged(flight, wanted, rules, world)
        return await _act(flight, case, plan, wanted, world)


async def _take(turns: list[asyncio.Lock], held: AsyncExitStack, wanted: Wanted, limits: GateLimits) -> None:
    try:
        async with asyncio.timeout(_patience_s(wanted, limits)):
            for turn in turns:
                await held.enter_async_context(turn)
    except TimeoutError:
        why = "another start of it is still under way"
        if len(turns) > 1:
            why = "other starts are still under way, and a guard on running jobs lets them through one by one"
        text = f"Cannot start data frame analytics [{wanted.job_id}] because {why}"
        raise Refusal(409, "status_exception", text) from None


def _patience_s(wanted: Wanted, limits: GateLimits) -> float:
    """How long a start may take: its own timeout and a little more."""
    if wanted.timeout_s is None:
        return limits.forward_limit_s
    return min(limits.forward_limit_s, wanted.timeout_s + limits.forward_grace_s)


async def _judged(flight: Flight, wanted: Wanted, rules: Rules, world: World) -> tuple[Case, Plan]:
    """Two round trips: who asks for which job; may they, and what would be done. Raises what the start comes to."""
    case, authorised, facts = await permitted(flight, wanted, rules, world)
    plan = flight.plan = await _in_peace(case, authorised, facts, flight.begun_ms)
    flight.mark("planned", world.clock.ticks_s())
    await _refuse_doomed(case, plan, world.cluster)
    return case, plan


async def _refuse_doomed(case: Case, plan: Plan, cluster: Cluster) -> None:
    """Refuse a start that the cluster would grant although its job can only fail.

    Only a destination that is empty dooms it: of another the cluster itself says at once that it must be empty. That
    takes a round trip more, on the way to a refusal.
    """
    credential = reader(case)
    if plan.problem is None or plan.step is not Destination.EXISTING or credential is None:
        return
    if await cluster.documents(case.known.job.destination, credential) == 0:
        raise plan.problem


async def _previewed(flight: Flight, wanted: Wanted, parameters: dict[str, str], rules: Rules, world: World) -> Answer:
    """The plan alone, for whoever may start the job. Nothing waits for it, and it has no effect to be recorded first.

    Raises:
        Refusal: who asks may not start the job; ClusterUnreachable: what would happen cannot be told.
    """
    case, authorised, facts = await permitted(flight, wanted, rules, world)
    planned: Plan | Refusal
    try:
        planned = flight.plan = await _in_peace(case, authorised, facts, flight.begun_ms)
    except Refusal as refusal:
        planned, flight.problem = refusal, refusal.reason
    if isinstance(facts, StartgateError) and not isinstance(facts, Refusal):
        raise facts
    read, failed = (facts, None) if not isinstance(facts, Refusal) else (None, facts)
    if failed is planned:
        failed = None
    with step("foretell"):
        found_in, said = await asyncio.gather(
            _found_in(case, planned, world.cluster), foretold(case, planned, world.cluster)
        )
    # A document about thousands of sources takes a while to write, for which other starts must not wait.
    found = (case, authorised.verdict, planned, read, authorised.grants, found_in, flight.begun_ms, failed)

    def answer() -> Answer:
        content = document(case, findings(*found, foretold=said), flight.arrived.receipt)
        return told(content, parameters, flight.arrived.header("accept"), flight.arrived.receipt)

    return await asyncio.get_running_loop().run_in_executor(_PLANS, answer)


async def _explained(flight: Flight, wanted: Wanted, parameters: dict[str, str], rules: Rules, world: World) -> Answer:
    """The verdict with all that it was made of, for whoever is shown the job. Nothing waits for it."""
    case, authorised = await explained(flight, wanted, rules, world)
    owner = await beside_the_verdict(case, world.cluster)
    content = explanation(rules, authorised.situation, case.subjects, authorised.verdict, owner)
    arrived = flight.arrived
    return told(content | {"receipt": arrived.receipt}, parameters, arrived.header("accept"), arrived.receipt)


async def _found_in(case: Case, planned: Plan | Refusal, cluster: Cluster) -> int | None:
    """How many documents are in a destination that would be used as it is; None where that cannot be told."""
    credential = reader(case)
    if isinstance(planned, Refusal) or planned.step is not Destination.EXISTING or credential is None:
        return None
    try:
        return await cluster.documents(case.known.job.destination, credential)
    except Refusal:
        return None


async def _in_peace(case: Case, authorised: Authorised, facts: Facts | StartgateError | None, now_ms: int) -> Plan:
    """The plan, made where no other start has to wait for it."""
    with step("plan"):
        if isinstance(facts, Facts) and is_large(facts.sources):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_LARGE, _planned, case, authorised, facts, now_ms)
        return _planned(case, authorised, facts, now_ms)


def _planned(case: Case, authorised: Authorised, facts: Facts | StartgateError | None, now_ms: int) -> Plan:
    plan = untouched(case.known)
    if plan is not None:
        return plan
    if isinstance(facts, StartgateError):
        check_expressions(case.known.job)  # the cluster's own refusal of such an expression says less
        raise facts
    if facts is None:
        raise Refusal(403, "security_exception", "the sources cannot be read: no service credential is configured")
    laid = settings_for(case.rules, case.known.job.destination)
    return make_plan(case.known, facts, authorised.grants, now_ms, laid)


async def _act(flight: Flight, case: Case, plan: Plan, wanted: Wanted, world: World) -> Answer:
    creating = creator(case, plan)
    _announce(flight)
    try:
        with step("record intent"):
            await world.journal.append(record.intent(flight, world.clock.now_ms()))
    except JournalLate:
        flight.may_be_intended = True
        raise
    flight.intended = True
    flight.mark("intended", world.clock.ticks_s())
    try:
        with step("prepare"):
            await prepare(flight, case, plan, creating, world.cluster)
    except StartgateError:
        with step("clean up"):
            await clean_up(flight, case, creating, None, world.cluster)
        raise
    flight.mark("prepared", world.clock.ticks_s())
    try:
        with step("forward"):
            answer = flight.cluster_answer = await _forward(flight.arrived, case, wanted, world)
    except Exception:
        _follow(flight, case, None, world)
        raise
    flight.mark("forwarded", world.clock.ticks_s())
    if answer.status >= 400:
        with step("clean up"):
            await clean_up(flight, case, creating, answer, world.cluster)
    _follow(flight, case, answer.status, world)
    headers = (*answer.headers, (RECEIPT_HEADER, flight.arrived.receipt))
    return Answer(status=answer.status, headers=headers, body=answer.body)


def _announce(flight: Flight) -> None:
    """An exception is loud each time that it lets a start pass."""
    exception = flight.verdict.exception if flight.verdict is not None else None
    if exception is not None:
        who = flight.caller.username if flight.caller is not None else ""
        logger.error(
            "start %s of %s by %s passes by the break-glass exception %s, signed by %s: %s",
            *(flight.arrived.receipt, flight.job_id, who, exception.id, exception.signed_by, exception.reason),
        )


def _follow(flight: Flight, case: Case, status: int | None, world: World) -> None:
    """Have the job followed if it was started, or may have been: `status` is the cluster's, None where there is none.

    Whoever asks for a timeout of a millisecond is answered with 408, and the job starts all the same; it must not go
    unwatched for that. A job that ran before is another start's to follow.
    """
    uncertain = (status is None or status in UNCERTAIN) and case.known.state.state == "stopped"
    if uncertain or (status is not None and 200 <= status < 300):
        world.started(case.known.job, case.credentials, flight.arrived.receipt, _made_of(flight, case))


def _made_of(flight: Flight, case: Case) -> Judged | None:
    if flight.situation is None:
        return None
    return Judged(rules=case.rules, situation=flight.situation, reading=reader(case))


async def _forward(arrived: Arrived, case: Case, wanted: Wanted, world: World) -> Answer:
    headers = forwarded(arrived, case.credentials, world.own)
    return await world.cluster.forward(arrived.target, headers, arrived.body, _patience_s(wanted, world.limits))
