"""The decision over one start: deny by default, all that is missing listed, not the first only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.model import Job, OwnerKind
from proxy.privileges import Held
from proxy.rules.compiled import Origin, Requirement, Rules
from proxy.rules.situation import Unknown
from proxy.rules.subjects import Subject, Subjects, source_names


class ReasonKind(StrEnum):
    """What is missing; `unknown`: a subject's privileges could not be found out."""

    CLUSTER = "cluster"
    SOURCE = "source"
    DESTINATION = "destination"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks against a start. `index` is None for cluster privileges; `origin` is the rule's place."""

    subject: Subject
    kind: ReasonKind
    text: str
    index: str | None = None
    privilege: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Allowed exactly if there is no reason against."""

    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the start may go on."""
        return not self.reasons


Answer = Held | Unknown


def judge(rules: Rules, job: Job, subjects: Subjects, answers: Mapping[Subject, Answer]) -> Verdict:
    """The verdict over the answers to `subjects.asked_of`.

    A subject without an answer denies, and so does an answer that leaves out a privilege or index that was asked for.
    """
    reasons = list(_cluster(rules, answers))
    for subject in subjects.asked:
        answer = answers.get(subject)
        if answer is None and subject is Subject.OWNER and subjects.owner is OwnerKind.UNKNOWN:
            answer = Unknown("the cluster does not tell whose credentials the job runs with (as before 8.1)")
        reasons.extend(_index(rules, job, subject, answer))
    # The caller may be asked twice over; what is not known about it need be said once.
    return Verdict(reasons=tuple(dict.fromkeys(reasons)))


def _cluster(rules: Rules, answers: Mapping[Subject, Answer]) -> Iterator[Reason]:
    answer = answers.get(Subject.CALLER)
    if not isinstance(answer, Held):
        yield _unknown(Subject.CALLER, answer)
        return
    for requirement in rules.cluster:
        if answer.cluster.get(requirement.privilege) is not True:
            yield Reason(
                subject=Subject.CALLER,
                kind=ReasonKind.CLUSTER,
                text=f"the caller lacks the cluster privilege [{requirement.privilege}]",
                privilege=requirement.privilege,
                origin=requirement.origin,
            )


def _index(rules: Rules, job: Job, subject: Subject, answer: Answer | None) -> Iterator[Reason]:
    if not isinstance(answer, Held):
        yield _unknown(subject, answer)
        return
    sources = source_names(job)
    if not sources:
        text = "the job names no source index besides exclusions, so nothing says what may be read"
        yield Reason(subject=subject, kind=ReasonKind.SOURCE, text=text)
    for name in sources:
        yield from _missing(subject, ReasonKind.SOURCE, name, rules.source, answer)
    yield from _missing(subject, ReasonKind.DESTINATION, job.destination, rules.destination, answer)


def _missing(
    subject: Subject, kind: ReasonKind, name: str, required: tuple[Requirement, ...], answer: Held
) -> Iterator[Reason]:
    held = answer.index.get(name, {})
    for requirement in required:
        if held.get(requirement.privilege) is not True:
            yield Reason(
                subject=subject,
                kind=kind,
                text=f"the {subject} lacks the privilege [{requirement.privilege}] on the {kind} index [{name}]",
                index=name,
                privilege=requirement.privilege,
                origin=requirement.origin,
            )


def _unknown(subject: Subject, answer: Unknown | None) -> Reason:
    why = "no answer was given" if answer is None else answer.text
    text = f"the privileges of the {subject} are not known: {why}"
    return Reason(subject=subject, kind=ReasonKind.UNKNOWN, text=text)
