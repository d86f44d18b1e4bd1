"""The required privileges of a start, held or not: by the cluster's word, by the role files, or by both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.model import Identity, Owner, OwnerKind
from proxy.privileges import Asked, Held, Undecidable, UnknownPrivilege, Version, check
from proxy.rules.compiled import Authority, Requirement, Rules
from proxy.rules.granted import roles_of
from proxy.rules.situation import Situation, Unknown
from proxy.rules.subjects import Subject, Subjects, asked_of, source_names
from proxy.rules.verdict import Answer, Finding, Outcome, Reason, ReasonKind, Step, StepKind

_WHERE = {
    (Authority.CLUSTER,): "",
    (Authority.ROLES,): " in the role files",
    (Authority.CLUSTER, Authority.ROLES): " in the cluster and in the role files",
}
# What a subject's answers are, by who answers.
_Answers = Mapping[Authority, Answer]


@dataclass(frozen=True, slots=True)
class _Question:
    """One privilege, asked of one subject: `index` is None for those on the cluster."""

    subject: Subject
    kind: ReasonKind
    index: str | None
    requirement: Requirement

    @property
    def about(self) -> dict[str, Any]:
        """What it asks about, as an explanation has it."""
        named = {} if self.index is None else {"index": self.index}
        return {"privilege": self.requirement.privilege} | named

    def answered(self, held: Held) -> bool:
        """Whether the answer says yes. One that leaves it out does not."""
        privileges = held.cluster if self.index is None else held.index.get(self.index, {})
        return privileges.get(self.requirement.privilege) is True

    def wording(self, verb: str, where: str) -> str:
        """`the caller lacks the privilege [read] on the source index [a] in the role files`."""
        privilege = self.requirement.privilege
        if self.index is None:
            return f"the {self.subject} {verb} the cluster privilege [{privilege}]{where}"
        return f"the {self.subject} {verb} the privilege [{privilege}] on the {self.kind} index [{self.index}]{where}"


def judge_requirements(rules: Rules, situation: Situation, subjects: Subjects) -> Iterator[Finding]:
    """Every required privilege of every subject that is asked, in the order of the rules; the cluster's first."""
    asked = asked_of(rules, situation.job, subjects)
    answers = {subject: _answers(rules, situation, subject, one) for subject, one in asked.items()}
    for requirement in rules.cluster:
        question = _Question(Subject.CALLER, ReasonKind.CLUSTER, None, requirement)
        yield from _judged(question, answers[Subject.CALLER])
    names = source_names(situation.job)
    for subject in subjects.asked:
        if not names:
            yield _no_source(subject)
        for name in names:
            for requirement in rules.source:
                yield from _judged(_Question(subject, ReasonKind.SOURCE, name, requirement), answers[subject])
        for requirement in rules.destination:
            question = _Question(subject, ReasonKind.DESTINATION, situation.job.destination, requirement)
            yield from _judged(question, answers[subject])


def _answers(rules: Rules, situation: Situation, subject: Subject, asked: Asked) -> _Answers:
    answers: dict[Authority, Answer] = {}
    if rules.authority is not Authority.ROLES:
        answers[Authority.CLUSTER] = _of_cluster(situation, subject)
    if rules.authority is not Authority.CLUSTER:
        who = {
            Subject.CALLER: situation.caller,
            Subject.SECONDARY: situation.secondary,
            Subject.OWNER: situation.job.owner,
        }[subject]
        answers[Authority.ROLES] = held_by_role_files(rules, who, asked, version=situation.cluster_version)
    return answers


def _of_cluster(situation: Situation, subject: Subject) -> Answer:
    answer = situation.held.get(subject)
    if answer is not None:
        return answer
    if subject is Subject.OWNER and situation.job.owner.kind is OwnerKind.UNKNOWN:
        return Unknown("the cluster does not tell whose credentials the job runs with (as before 8.1)")
    return Unknown("no answer was given")


def held_by_role_files(
    rules: Rules, who: Identity | Owner | None, asked: Asked, *, version: Version | None = None
) -> Answer:
    """What of `asked` somebody holds by the roles that the role files and mappings give them, as a cluster of this
    version would answer (None: as the strictest)."""
    try:
        roles = roles_of(rules, who)
        return roles if isinstance(roles, Unknown) else check(roles, asked, version=version)
    except (Undecidable, UnknownPrivilege) as failure:
        return Unknown(f"the role files cannot be judged exactly: {failure}")


def _judged(question: _Question, answers: _Answers) -> Iterator[Finding]:
    """A finding for each who should have answered and did not, and one for what the answers say."""
    requirement = question.requirement
    known = {who: question.answered(answer) for who, answer in answers.items() if isinstance(answer, Held)}
    seen = question.about | {who.value: holds for who, holds in known.items()}
    for answer in answers.values():
        if isinstance(answer, Unknown):
            yield _unknown(question, answer)
    denying = tuple(who for who, holds in known.items() if not holds)
    if not denying and len(known) < len(answers):
        return
    text = question.wording("lacks" if denying else "holds", _WHERE[denying or tuple(answers)])
    step = Step(
        kind=StepKind.REQUIREMENT,
        outcome=Outcome.DENIED if denying else Outcome.PASSED,
        subject=question.subject,
        text=text,
        seen=seen,
        origin=requirement.origin,
    )
    if not denying:
        yield Finding(step=step)
        return
    reason = Reason(
        subject=question.subject,
        kind=question.kind,
        text=text,
        index=question.index,
        privilege=requirement.privilege,
        origin=requirement.origin,
        by=denying,
    )
    yield Finding(step=step, reason=reason)


def _unknown(question: _Question, answer: Unknown) -> Finding:
    text = f"the privileges of the {question.subject} are not known: {answer.text}"
    step = Step(
        kind=StepKind.REQUIREMENT,
        outcome=Outcome.UNKNOWN,
        subject=question.subject,
        text=question.wording("may or may not hold", ": ") + text,
        seen=question.about,
        origin=question.requirement.origin,
    )
    return Finding(step=step, reason=Reason(subject=question.subject, kind=ReasonKind.UNKNOWN, text=text))


def _no_source(subject: Subject) -> Finding:
    text = "the job names no source index besides exclusions, so nothing says what may be read"
    step = Step(kind=StepKind.REQUIREMENT, outcome=Outcome.DENIED, subject=subject, text=text)
    return Finding(step=step, reason=Reason(subject=subject, kind=ReasonKind.SOURCE, text=text))
