"""The one evaluator: rules and a situation in, a verdict out. Nothing else decides, whatever it is decided for:
enforcement, shadow, explanations, tests, replay.

Deny by default: a privilege that nobody says is held, a fact that is not known, a condition that cannot be told and a
comparison that cannot be decided all speak against a start. All that does is listed, not the first only.

In this order: who is who (`_identities`), privileges (`required`), flows (`matching`), guards (`conditions`), and only
where something speaks against the start the exceptions (`exceptional`).
"""

from collections.abc import Iterator

from proxy.model import Identity, OwnerKind
from proxy.rules.compiled import Rules, SubjectKind
from proxy.rules.conditions import judge_guards
from proxy.rules.exceptional import exception_for, exception_steps
from proxy.rules.matching import judge_flows
from proxy.rules.required import judge_requirements
from proxy.rules.situation import Situation
from proxy.rules.subjects import Subject, Subjects, subjects_of, trusting
from proxy.rules.verdict import Finding, Outcome, Step, StepKind, Verdict, Warned


def judge(rules: Rules, situation: Situation) -> Verdict:
    """The verdict of these rules over this situation. Raises nothing: what fails denies."""
    subjects = subjects_of(rules, situation.caller, situation.secondary, situation.job.owner)
    findings = [
        *_identities(rules, situation, subjects),
        *judge_requirements(rules, situation, subjects),
        *judge_flows(rules, situation),
        *judge_guards(rules, situation, subjects),
    ]
    # The caller may be asked twice over; what is not known about it need be said once.
    reasons = tuple(dict.fromkeys(found.reason for found in findings if found.reason is not None))
    steps = [found.step for found in findings]
    exception = exception_for(rules, situation) if reasons else None
    return Verdict(
        reasons=reasons,
        steps=(*steps, *exception_steps(rules, situation, exception, needed=bool(reasons))),
        warnings=_passed_over(findings, Outcome.WARNED),
        shadowed=_passed_over(findings, Outcome.SHADOW_DENIED),
        exception=exception,
    )


def _passed_over(findings: list[Finding], mode: Outcome) -> tuple[Warned, ...]:
    return tuple(found.warned for found in findings if found.warned is not None and found.mode is mode)


def _identities(rules: Rules, situation: Situation, subjects: Subjects) -> Iterator[Finding]:
    yield _identity(Subject.CALLER, situation.caller)
    if situation.secondary is not None:
        yield _identity(Subject.SECONDARY, situation.secondary)
    owner = situation.job.owner
    named = {
        OwnerKind.ROLES: f"has the roles [{','.join(sorted(owner.roles))}]",
        OwnerKind.API_KEY: f"is the API key id [{owner.api_key_id}]",
        OwnerKind.SERVICE_ACCOUNT: f"is the service account [{owner.service_account}]",
        OwnerKind.UNKNOWN: "is not known: the cluster does not tell whose credentials the job runs with",
    }[owner.kind]
    seen = {"kind": owner.kind.value, "roles": list(owner.roles)}
    yield _told(
        Step(
            kind=StepKind.IDENTITY,
            outcome=Outcome.PASSED,
            subject=Subject.OWNER,
            seen=seen,
            text=f"the owner of the job {named}",
        )
    )
    yield _told(_data(rules, situation, subjects))


def _identity(subject: Subject, who: Identity) -> Finding:
    key = "" if who.api_key_id is None else f" by the API key id [{who.api_key_id}]"
    run_as = ", run as by somebody else" if who.runs_as else ""
    seen = {
        "username": who.username,
        "roles": list(who.roles),
        "realm": who.realm,
        "authentication_type": who.authentication_type,
    }
    text = f"the {subject} is [{who.username}] of the realm [{who.lookup_realm or who.realm}]{key}{run_as}"
    return _told(Step(kind=StepKind.IDENTITY, outcome=Outcome.PASSED, subject=subject, text=text, seen=seen))


def _data(rules: Rules, situation: Situation, subjects: Subjects) -> Step:
    """Whose access to the data counts, and why."""
    trusted = trusting(rules, situation.caller)
    if SubjectKind.DATA not in rules.subjects:
        why = "the rules say so"
    elif situation.secondary is not None:
        why = "secondary credentials were sent"
    elif trusted is not None:
        why = f"the caller is the trusted intermediary [{trusted.username}]"
    else:
        why = "it is no trusted intermediary, and sent no secondary credentials"
    asked = " and of the ".join(subjects.asked)
    return Step(
        kind=StepKind.IDENTITY,
        outcome=Outcome.PASSED,
        subject=subjects.data,
        text=f"index privileges are asked of the {asked}: {why}",
        seen={"data": subjects.data.value, "intermediary": subjects.intermediary},
        origin=trusted.origin if trusted is not None else None,
    )


def _told(step: Step) -> Finding:
    return Finding(step=step)
