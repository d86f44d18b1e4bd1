"""What each rule did: how many starts it was asked about, denied, and would have denied.

Counted are starts, not steps: a privilege that a job over a thousand sources lacks a thousand times denies once.
What is held is bounded by the rules: those in force, and those of the revision before, so that a rule that is taken
back, or a start that is still judged by it, finds its counts. A rule is the same as long as it says the same, wherever
it is written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from proxy.gate.flight import Flight
from proxy.gate.ports import Clock
from proxy.gate.tally import kind_of
from proxy.journal.entry import timestamp
from proxy.metrics.snapshot import Telling
from proxy.rules import Rules
from proxy.rules.compiled import Mode, Origin, Requirement
from proxy.rules.verdict import Outcome, Step, StepKind, Verdict

_AGAINST: Final = frozenset({Outcome.DENIED, Outcome.WARNED, Outcome.SHADOW_DENIED, Outcome.UNKNOWN})
# All flows together say that none of them covers a source: that is a rule of its own, as far as counting goes.
NO_FLOW: Final = "none"
# Of a flow's patterns, as its name.
NAME_CHARS: Final = 120
# Rule files may hold any number of guards; a scrape may not.
MOST_TOLD: Final = 1000


class Kind(StrEnum):
    """What a rule is."""

    REQUIRED = "required"
    FLOW = "flow"
    GUARD = "guard"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """What one rule did since counting began. `kind` is a `Kind`; `rule` is where it stands (`file:line`), empty for
    what all flows say together; `mode` is `enforce`, `warn` or `shadow`.

    `judged` counts the starts that it had a say in (a flow: that it covers a source of; an exception: that it let
    pass). `denied` counts those that it denied, alone or with others; `would_deny` those that it spoke against in vain:
    by its mode, or because an exception helped. `last` is the time of the last of either, or empty.
    """

    id: str
    kind: str
    rule: str
    mode: str
    judged: int
    denied: int
    would_deny: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCounts:
    """The counts of all rules in force, in the order of the rules. `since` is when counting began."""

    revision: str
    since: str
    counts: tuple[RuleCount, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule, as far as it is counted. `meaning` is what it says: a guard may keep its id and say something else."""

    kind: Kind
    id: str
    mode: Mode
    meaning: str
    origin: Origin | None

    @property
    def key(self) -> tuple[Kind, str]:
        return self.kind, self.meaning if self.kind is Kind.FLOW else self.id


@dataclass(slots=True, eq=False)
class _Count:
    rule: _Rule
    judged: int = 0
    denied: int = 0
    would_deny: int = 0
    last_ms: int | None = None

    def note(self, verdict: Verdict, now_ms: int, *, against: bool) -> None:
        self.judged += 1
        if not against:
            return
        self.last_ms = now_ms
        if self.rule.mode is Mode.ENFORCE and not verdict.allowed:
            self.denied += 1
        else:
            self.would_deny += 1


_Table = dict[tuple[Kind, str], _Count]


class RuleTally:
    """Counts for one gate; `rules` gives the rules in force."""

    def __init__(self, rules: Callable[[], Rules], clock: Clock) -> None:
        self._rules = rules
        self._since = timestamp(clock.now_ms())
        self._counted = rules()
        self._now: _Table = {rule.key: _Count(rule) for rule in _written(self._counted)}
        self._before: _Table = {}

    def note(self, flight: Flight) -> None:
        """A start was answered. Plans and explanations are no starts, and one that nobody judged says nothing."""
        verdict = flight.verdict
        if verdict is None or kind_of(flight) != "start":
            return
        self._follow()
        destination = "" if flight.known is None else flight.known.job.destination
        spoke: dict[_Count, bool] = {}
        for step in verdict.steps:
            against = step.outcome in _AGAINST
            for key in _about(step, destination):
                count = self._now.get(key) or self._before.get(key)
                if count is not None:
                    spoke[count] = spoke.get(count, False) or against
        for count, against in spoke.items():
            count.note(verdict, flight.begun_ms, against=against)

    def counts(self) -> RuleCounts:
        """All of them, as of now."""
        self._follow()
        counts = tuple(_told(count) for count in self._now.values())
        return RuleCounts(revision=self._counted.revision, since=self._since, counts=counts)

    def tell(self, telling: Telling) -> None:
        """As metrics. Flows have no names that stay, so that what they say together is told alone."""
        self._follow()
        named = [one for one in self._now.values() if one.rule.kind is not Kind.FLOW or one.rule.id == NO_FLOW]
        for count in named[:MOST_TOLD]:
            labels = (count.rule.kind.value, count.rule.id)
            telling.add("startgate_rule_judged", count.judged, *labels)
            telling.add("startgate_rule_denied", count.denied, *labels)
            telling.add("startgate_rule_would_deny", count.would_deny, *labels)

    def _follow(self) -> None:
        """Take up other rules, if there are any by now."""
        rules = self._rules()
        if rules is self._counted:
            return
        now: _Table = {}
        for rule in _written(rules):
            found = self._now.get(rule.key) or self._before.get(rule.key)
            same = found is not None and found.rule.meaning == rule.meaning
            count = found if found is not None and same else _Count(rule)
            # It may stand elsewhere now, or be in another mode.
            count.rule = rule
            now[rule.key] = count
        self._counted, self._now, self._before = rules, now, self._now


def _told(count: _Count) -> RuleCount:
    rule = count.rule
    return RuleCount(
        id=rule.id,
        kind=rule.kind.value,
        rule="" if rule.origin is None else str(rule.origin),
        mode=rule.mode.value,
        judged=count.judged,
        denied=count.denied,
        would_deny=count.would_deny,
        last="" if count.last_ms is None else timestamp(count.last_ms),
    )


def _written(rules: Rules) -> Iterator[_Rule]:
    """All rules that a step can be about, in the order in which they are judged."""
    required = {"cluster": rules.cluster, "source": rules.source, "destination": rules.destination}
    for section, requirements in required.items():
        for one in requirements:
            name = _required(section, one)
            yield _Rule(Kind.REQUIRED, name, Mode.ENFORCE, name, one.origin)
    for flow in rules.flows or ():
        meaning = _flow(flow.sources, flow.destinations)
        name = meaning if len(meaning) <= NAME_CHARS else f"{meaning[: NAME_CHARS - 1]}…"
        yield _Rule(Kind.FLOW, name, Mode.ENFORCE, meaning, flow.origin)
    if rules.flows is not None:
        yield _Rule(Kind.FLOW, NO_FLOW, Mode.ENFORCE, NO_FLOW, None)
    for guard in rules.guards:
        yield _Rule(Kind.GUARD, guard.id, guard.mode, guard.deny.strip(), guard.origin)
    for entry in rules.break_glass:
        yield _Rule(Kind.EXCEPTION, entry.id, Mode.ENFORCE, entry.signature, entry.origin)


def _required(section: str, requirement: Requirement) -> str:
    return f"{section}.{requirement.privilege}"


def _flow(sources: tuple[str, ...] | list[str], destinations: tuple[str, ...] | list[str]) -> str:
    return f"{', '.join(sources)} -> {', '.join(destinations)}"


def _about(step: Step, destination: str) -> Iterator[tuple[Kind, str]]:
    """Which rules a step is about; `destination` is the job's."""
    match step.kind:
        case StepKind.REQUIREMENT:
            yield from ((Kind.REQUIRED, name) for name in _asked(step, destination))
        case StepKind.FLOW:
            if "from" in step.seen:
                yield Kind.FLOW, _flow(step.seen["from"], step.seen["to"])
            yield Kind.FLOW, NO_FLOW
        case StepKind.GUARD:
            yield Kind.GUARD, step.id or ""
        case StepKind.EXCEPTION if step.outcome is Outcome.PASSED:
            yield Kind.EXCEPTION, step.id or ""


def _asked(step: Step, destination: str) -> Iterator[str]:
    privilege, index = step.seen.get("privilege"), step.seen.get("index")
    if privilege is None:
        return  # that a job has no source is said by no rule
    section = "cluster" if index is None else "destination" if index == destination else "source"
    yield f"{section}.{privilege}"
