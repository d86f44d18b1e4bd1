"""Is this start allowed: ask for what the rules need to know, of whom they say, all at once; and judge."""

import asyncio
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from proxy.destination.era import parse_version
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.flight import Case, Credentials, HiddenJob, Judged
from proxy.gate.ports import Cluster, Grants
from proxy.model import Credential, Identity, Job, Owner
from proxy.privileges import Asked, Held, Undecidable, Version, check, check_limited
from proxy.rules import (
    Authority,
    Request,
    Rules,
    RunningJob,
    Situation,
    SourceName,
    Subject,
    Target,
    Unknown,
    Verdict,
    asked_of,
    held_by_role_files,
    judge,
    roles_of,
    unauthorized_start,
)

T = TypeVar("T")

# Comparing patterns may take a second or two, for which other starts and their records must not wait.
_JUDGE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")
# A job over so many expressions has thousands of steps.
MANY_SOURCES = 100
_NO_READER = Unknown("the sources cannot be read: no service credential is configured (docs/service-credential.md)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised:
    """The verdict, what it was made of, and what bounds the copy: None where the cluster itself does, since the sources
    are read with the data subject's own credentials."""

    verdict: Verdict
    situation: Situation = field(repr=False)
    grants: Grants | None


async def authorise(
    case: Case, request: Request, reading: Credential | None, now_ms: int, cluster: Cluster
) -> Authorised:
    """Ask all that the rules need at the same time, and judge it. Deny by default.

    `reading` is as whom the sources are read, None where nobody can; `now_ms` is the time that counts.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    known, rules = case.known, case.rules
    asked = asked_of(rules, known.job, case.subjects)
    of_cluster = {} if rules.authority is Authority.ROLES else asked
    held, owner, (sources, target), running = await asyncio.gather(
        _held_by_those_who_ask(of_cluster, case.credentials, cluster),
        _owner(case, cluster) if Subject.OWNER in of_cluster else _nothing(),
        _resolution(case, reading, cluster),
        _running(case, cluster) if rules.needs_running else _nothing(),
    )
    situation = Situation(
        caller=known.caller,
        secondary=known.secondary,
        job=known.job,
        request=request,
        now_ms=now_ms,
        held=held,
        sources=sources,
        target=target,
        running=running,
        cluster_version=_version(known.version),
    )
    if owner is None and not _takes_long(rules, known.job):
        return _judged(case, situation, None, asked)
    return await asyncio.get_running_loop().run_in_executor(_JUDGE, _judged, case, situation, owner, asked)


async def judge_again(judged: Judged, cluster: Cluster) -> tuple[Verdict | None, tuple[str, ...]]:
    """The verdict over what the names of the job stand for now, and what the cluster did not tell of it, in words.

    All else is as it was: rules, time, privileges, running jobs. None where nothing differs, or nothing depends on it.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    before, rules = judged.situation, judged.rules
    if judged.reading is None or not rules.needs_resolution:
        return None, ()
    sources, target = await cluster.resolution(before.job.sources, before.job.destination, judged.reading)
    untold = [fact.text for fact in (sources, target) if isinstance(fact, Unknown)]
    now = replace(
        before,
        sources=before.sources if isinstance(sources, Unknown) else sources,
        target=before.target if isinstance(target, Unknown) or _made_since(before, target) else target,
    )
    if now == before:
        return None, tuple(untold)
    verdict = await asyncio.get_running_loop().run_in_executor(_JUDGE, judge, rules, now)
    return verdict, tuple(untold)


def _made_since(before: Situation, now: Target) -> bool:
    """Whether it is the start itself that made the destination: a guard on what exists means the time before."""
    return before.target == Target() and now.name == before.job.destination


def _takes_long(rules: Rules, job: Job) -> bool:
    comparing = rules.authority is not Authority.CLUSTER or rules.flows is not None or bool(rules.guards)
    return comparing or len(job.sources) > MANY_SOURCES


def _judged(
    case: Case, situation: Situation, owner: Grants | Unknown | None, asked: Mapping[Subject, Asked]
) -> Authorised:
    if owner is not None:
        held = {**situation.held, Subject.OWNER: _held_by_owner(owner, asked[Subject.OWNER], situation.cluster_version)}
        situation = replace(situation, held=held)
    return Authorised(verdict=judge(case.rules, situation), situation=situation, grants=_bounds(case, owner))


def _bounds(case: Case, owner: Grants | Unknown | None) -> Grants | None:
    """What of the sources may be seen by whoever they are copied for, where whoever reads them may see more."""
    if case.rules.authority is Authority.ROLES:
        try:
            roles = roles_of(case.rules, _who(case, case.subjects.data))
        except Undecidable:
            roles = ()
        return Grants(roles=() if isinstance(roles, Unknown) else roles)
    if case.subjects.data is not Subject.OWNER:
        return None
    # An exception may let a start pass whose owner is not known: it shows nothing that is not for everybody.
    return owner if isinstance(owner, Grants) else Grants(roles=())


def _who(case: Case, subject: Subject) -> Identity | Owner | None:
    known = case.known
    return {
        Subject.CALLER: known.caller,
        Subject.SECONDARY: known.secondary,
        Subject.OWNER: known.job.owner,
    }[subject]


async def _nothing() -> None:
    return None


async def _resolution(
    case: Case, reading: Credential | None, cluster: Cluster
) -> tuple[tuple[SourceName, ...] | Unknown | None, Target | Unknown | None]:
    if not case.rules.needs_resolution:
        return None, None
    if reading is None:
        return _NO_READER, _NO_READER
    return await cluster.resolution(case.known.job.sources, case.known.job.destination, reading)


async def _running(case: Case, cluster: Cluster) -> tuple[RunningJob, ...] | Unknown:
    """Asked as the service where it can be: a caller who may not list jobs is to be judged by them all the same."""
    return await _told(cluster.running(case.credentials.service or case.credentials.caller))


async def _told(question: Awaitable[T]) -> T | Unknown:
    try:
        return await question
    except Refusal as refusal:
        return Unknown(refusal.reason)


async def _held_by_those_who_ask(
    asked: Mapping[Subject, Asked], credentials: Credentials, cluster: Cluster
) -> dict[Subject, Held | Unknown]:
    """Caller and secondary speak for themselves, with their own credentials."""
    own = {Subject.CALLER: credentials.caller, Subject.SECONDARY: credentials.secondary}
    asking = {
        subject: cluster.held(what, credential)
        for subject, what in asked.items()
        if (credential := own.get(subject)) is not None
    }
    held = await asyncio.gather(*asking.values(), return_exceptions=True)
    answers: dict[Subject, Held | Unknown] = {}
    for subject, answer in zip(asking, held, strict=True):
        if isinstance(answer, PassedOn):
            answers[subject] = Unknown(f"the cluster did not tell the privileges of the {subject}: {answer.reason}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            answers[subject] = answer
    return answers


async def _owner(case: Case, cluster: Cluster) -> Grants | Unknown:
    return await _told(cluster.grants(case.known.job.owner))


async def beside_the_verdict(case: Case, cluster: Cluster) -> Held | Unknown | None:
    """What the job's owner holds of what its indices take, for whoever wants to see it, although this start does not
    ask the owner: one that somebody sends through a trusted intermediary would. None where it is asked anyway. What
    cannot be found out keeps nobody from the rest."""
    if Subject.OWNER in case.subjects.asked:
        return None
    as_owner = replace(case.subjects, data=Subject.OWNER, asked=(Subject.OWNER,))
    asked = asked_of(case.rules, case.known.job, as_owner)[Subject.OWNER]
    version = _version(case.known.version)
    run = asyncio.get_running_loop().run_in_executor
    if case.rules.authority is Authority.ROLES:
        owner = case.known.job.owner
        return await run(_JUDGE, lambda: held_by_role_files(case.rules, owner, asked, version=version))
    try:
        grants = await _owner(case, cluster)
    except ClusterUnreachable as failure:
        return Unknown(str(failure))
    return await run(_JUDGE, _held_by_owner, grants, asked, version)


def _version(number: str | None) -> Version | None:
    """Major and minor of the cluster's version; None where it is not known, which is judged as the stricter version."""
    try:
        return None if number is None else parse_version(number)[:2]
    except ValueError:
        return None


def _held_by_owner(grants: Grants | Unknown, asked: Asked, version: Version | None) -> Held | Unknown:
    if isinstance(grants, Unknown):
        return grants
    try:
        if grants.limited_by is None:
            return check(grants.roles, asked, version=version)
        return check_limited(grants.roles, grants.limited_by, asked, version=version)
    except Undecidable as failure:
        return Unknown(f"the owner's roles cannot be judged exactly: {failure}")


async def hidden_job(found: HiddenJob, caller: Credential, rules: Rules, cluster: Cluster) -> Refusal:
    """What to tell a caller whom the cluster did not show the job: that starting is not theirs, or what it said.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    asked = Asked(cluster=tuple(requirement.privilege for requirement in rules.cluster))
    answers = [held_by_role_files(rules, found.caller, asked)] if rules.authority is not Authority.CLUSTER else []
    try:
        if rules.authority is not Authority.ROLES:
            answers.append(await cluster.held(asked, caller))
    except PassedOn as refusal:
        return refusal
    # An answer that leaves something out is no yes.
    held = [answer.cluster if isinstance(answer, Held) else {} for answer in answers]
    if all(answer.get(privilege) is True for answer in held for privilege in asked.cluster):
        return found.refusal
    return Refusal(403, "security_exception", unauthorized_start(found.caller))
