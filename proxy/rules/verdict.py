"""The decision over one start: deny by default, all that is missing listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.model import Job
from proxy.privileges import Held
from proxy.rules.compiled import Origin, Rules
from proxy.rules.subjects import Subject, Subjects


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

    allowed: bool
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A subject's privileges could not be found out; `text` says why and what to configure."""

    text: str


Answer = Held | Unknown


def judge(rules: Rules, job: Job, subjects: Subjects, answers: Mapping[Subject, Answer]) -> Verdict:
    """The verdict; a subject without an answer, or an answer without an entry, denies."""
    raise NotImplementedError
