"""Is this start allowed: ask for what is held, of whom the rules say, and judge."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from proxy.errors import PassedOn, Refusal
from proxy.gate.flight import Credentials, HiddenJob, Known
from proxy.gate.ports import Cluster, Grants
from proxy.model import Credential
from proxy.privileges import Asked, Held, Undecidable, check, check_limited
from proxy.rules import (
    Request,
    Rules,
    Situation,
    Subject,
    Subjects,
    Unknown,
    Verdict,
    asked_of,
    judge,
    unauthorized_start,
)

# Comparing patterns may take a second or two, for which other starts and their records must not wait.
_JUDGE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised:
    """The verdict, and the owner's grants where they were asked for: they also bound what may be copied."""

    verdict: Verdict
    grants: Grants | None


async def authorise(
    known: Known, subjects: Subjects, credentials: Credentials, rules: Rules, cluster: Cluster
) -> Authorised:
    """Ask every subject's privileges at the same time and judge them. Deny by default.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    asked = asked_of(rules, known.job, subjects)
    answers, grants = await asyncio.gather(
        _held_by_those_who_ask(asked, credentials, cluster), _owner(known, subjects, cluster)
    )
    if Subject.OWNER in asked:
        loop = asyncio.get_running_loop()
        answers[Subject.OWNER] = await loop.run_in_executor(_JUDGE, _held_by_owner, grants, asked[Subject.OWNER])
    situation = Situation(
        caller=known.caller, secondary=known.secondary, job=known.job, request=Request(), now_ms=0, held=answers
    )
    verdict = judge(rules, situation)
    return Authorised(verdict=verdict, grants=grants if isinstance(grants, Grants) else None)


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


async def _owner(known: Known, subjects: Subjects, cluster: Cluster) -> Grants | Unknown | None:
    if Subject.OWNER not in subjects.asked:
        return None
    try:
        return await cluster.grants(known.job.owner)
    except Refusal as refusal:
        return Unknown(refusal.reason)


def _held_by_owner(grants: Grants | Unknown | None, asked: Asked) -> Held | Unknown:
    if not isinstance(grants, Grants):
        return grants or Unknown("the owner was not asked for")
    try:
        if grants.limited_by is None:
            return check(grants.roles, asked)
        return check_limited(grants.roles, grants.limited_by, asked)
    except Undecidable as failure:
        return Unknown(f"the owner's roles cannot be judged exactly: {failure}")


async def hidden_job(found: HiddenJob, caller: Credential, rules: Rules, cluster: Cluster) -> Refusal:
    """What to tell a caller whom the cluster did not show the job: that starting is not theirs, or what it said.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    asked = Asked(cluster=tuple(requirement.privilege for requirement in rules.cluster))
    try:
        held = await cluster.held(asked, caller)
    except PassedOn as refusal:
        return refusal
    # An answer that leaves something out is no yes.
    if all(held.cluster.get(privilege) is True for privilege in asked.cluster):
        return found.refusal
    return Refusal(403, "security_exception", unauthorized_start(found.caller))
