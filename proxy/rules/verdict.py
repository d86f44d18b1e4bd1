"""The decision over one start as a value: what speaks against it, and every step that led there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from proxy.privileges import Held
from proxy.rules.compiled import Authority, BreakGlass, Origin
from proxy.rules.situation import Unknown
from proxy.rules.subjects import Subject

Answer = Held | Unknown


class ReasonKind(StrEnum):
    """What is missing; `unknown`: a subject's privileges could not be found out; `flow`: no flow lets a source be
    copied there; `guard`: a guard speaks against the start, or cannot be told."""

    CLUSTER = "cluster"
    SOURCE = "source"
    DESTINATION = "destination"
    UNKNOWN = "unknown"
    FLOW = "flow"
    GUARD = "guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks against a start.

    `subject` is None where it is about the start itself (flows, guards); `index` is None for cluster privileges;
    `origin` is the rule's place; `id` is the guard's; `by` says who denies a privilege: the cluster, the role files, or
    both of them.
    """

    subject: Subject | None = None
    kind: ReasonKind
    text: str
    index: str | None = None
    privilege: str | None = None
    origin: Origin | None = None
    id: str | None = None
    by: tuple[Authority, ...] = ()


class StepKind(StrEnum):
    """What a step is about."""

    IDENTITY = "identity"
    REQUIREMENT = "requirement"
    FLOW = "flow"
    GUARD = "guard"
    EXCEPTION = "exception"


class Outcome(StrEnum):
    """What a step came to.

    `warned` and `shadow_denied`: a guard would have denied, and its mode lets the start pass; `unknown`: it cannot be
    told, which denies unless a guard's mode says otherwise; `not_reached`: nothing depended on it.
    """

    PASSED = "passed"
    DENIED = "denied"
    WARNED = "warned"
    SHADOW_DENIED = "shadow_denied"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a decision. `seen` are the values that it came from, as JSON has them; `id` is a guard's or an
    exception's; `origin` is where the rule is written, None where no rule says so."""

    kind: StepKind
    outcome: Outcome
    text: str
    subject: Subject | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A guard that would have denied, were it in force: `message` is what would have been told."""

    id: str
    message: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The whole decision.

    `reasons` are all that speaks against, in the order of `steps`; `warnings` and `shadowed` come of guards in those
    modes; `exception` is the one that lets the start pass although there are reasons.
    """

    reasons: tuple[Reason, ...] = ()
    steps: tuple[Step, ...] = ()
    warnings: tuple[Warned, ...] = ()
    shadowed: tuple[Warned, ...] = ()
    exception: BreakGlass | None = None

    @property
    def allowed(self) -> bool:
        """Whether the start may go on: nothing speaks against it, or an exception applies."""
        return not self.reasons or self.exception is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one step of a decision came to, while the decision is still being made.

    `reason` is what it gives against the start, if anything; `warned` what a guard in another mode would have said,
    `mode` then is WARNED or SHADOW_DENIED.
    """

    step: Step
    reason: Reason | None = None
    warned: Warned | None = None
    mode: Outcome | None = None
