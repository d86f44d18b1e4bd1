"""Whether flows let the sources of a job be copied into its destination.

Both are looked at twice: as the job names them, and as the indices that the names stand for. So an alias does not
evade a flow, and neither does an index that is added behind one later.
See docs/decisions/086-what-a-flow-covers.md.
"""

import re
from collections.abc import Iterator

from proxy.privileges import Undecidable
from proxy.privileges.check import MAX_STEPS_IN_ALL
from proxy.privileges.patterns import Language, effort, included, language
from proxy.rules.compiled import Flow, Rules
from proxy.rules.situation import Situation, SourceName, Target, Unknown
from proxy.rules.subjects import source_names
from proxy.rules.verdict import Finding, Outcome, Reason, ReasonKind, Step, StepKind

# What one comparison costs besides its steps, in steps.
COMPARISON_STEPS = 100
# What a pattern says before any of these it says as it is.
_MARKS = re.compile(r"[*?\\]")
NEVER_LOOKED = Unknown("nobody looked what the names of sources and destination stand for")


def judge_flows(rules: Rules, situation: Situation) -> Iterator[Finding]:
    """A finding for each source expression, then for each index behind them that no flow covers; none without flows."""
    if rules.flows is None:
        return
    try:
        yield from list(_judged(rules.flows, situation))
    except Undecidable as failure:
        yield _denied(f"the flows cannot be compared exactly: {failure}", Outcome.UNKNOWN)


def _judged(flows: tuple[Flow, ...], situation: Situation) -> Iterator[Finding]:
    job, target = situation.job, NEVER_LOOKED if situation.target is None else situation.target
    sources = NEVER_LOOKED if situation.sources is None else situation.sources
    names: tuple[str, ...] = (job.destination,)
    if isinstance(target, Unknown):
        yield _denied(
            f"what the destination [{job.destination}] stands for is not known: {target.text}", Outcome.UNKNOWN
        )
    else:
        names = _destinations(job.destination, target)
    fitting = [flow for flow in flows if all(language(flow.destinations).matches(name) for name in names)]
    into = " behind ".join(f"[{name}]" for name in reversed(names))
    expressions = source_names(job)
    if not expressions:
        yield _denied("the job names no source index besides exclusions, so no flow covers it")
    compared = _Compared(fitting)
    for expression in expressions:
        yield _expression(expression, compared.covering(expression), into)
    if isinstance(sources, Unknown):
        yield _denied(f"what the source expressions stand for is not known: {sources.text}", Outcome.UNKNOWN)
    else:
        yield from _concrete(sources, fitting, into)


def _destinations(name: str, target: Target) -> tuple[str, ...]:
    """The destination as the job names it, and the index behind it where that is another."""
    return (name,) if target.name in (None, name) else (name, str(target.name))


class _Compared:
    """Expressions compared with flows, within a bound: whoever makes a job chooses how many expressions it has, and how
    long it takes to compare them, for which other starts wait."""

    def __init__(self, flows: list[Flow]) -> None:
        # A flow covers only what begins as one of its patterns does: most need not be compared at all.
        self._flows = [(tuple(map(_beginning, flow.sources)), flow, language(flow.sources)) for flow in flows]
        self._steps = 0

    def covering(self, expression: str) -> Flow | None:
        """The first flow that the expression is in as a whole: then all that it may ever stand for is.

        Raises Undecidable where all expressions together take too long to compare.
        """
        begins = _beginning(expression)
        fitting = [(flow, sources) for beginnings, flow, sources in self._flows if begins.startswith(beginnings)]
        if begins == expression:
            return next((flow for flow, sources in fitting if sources.matches(expression)), None)
        asked = language([expression])
        return next((flow for flow, sources in fitting if self._included(asked, sources)), None)

    def _included(self, asked: Language, sources: Language) -> bool:
        self._steps += COMPARISON_STEPS + effort(asked, sources)
        if self._steps > MAX_STEPS_IN_ALL:
            raise Undecidable(
                f"all source expressions take more than {MAX_STEPS_IN_ALL} steps; fewer patterns in the job would help"
            )
        return included(asked, sources)


def _beginning(pattern: str) -> str:
    """How all names begin that a pattern matches; nothing is known of a regular expression's."""
    return "" if pattern.startswith("/") else _MARKS.split(pattern, maxsplit=1)[0]


def _expression(expression: str, flow: Flow | None, into: str) -> Finding:
    """What an expression comes to; `flow` is the one that covers it."""
    if flow is None:
        return _denied(f"no flow lets [{expression}] be copied into {into}", index=expression)
    seen = {"source": expression, "from": list(flow.sources), "to": list(flow.destinations)}
    text = f"[{expression}] may be copied into {into}"
    return Finding(step=Step(kind=StepKind.FLOW, outcome=Outcome.PASSED, text=text, seen=seen, origin=flow.origin))


def _concrete(sources: tuple[SourceName, ...], fitting: list[Flow], into: str) -> Iterator[Finding]:
    """Each index by its own name, or that of the data stream that it backs."""
    # One automaton for all wildcard patterns: there may be ten thousand indices, and hundreds of flows.
    covered = language(pattern for flow in fitting for pattern in flow.sources)
    beyond = [one for one in sources if not _covers(covered, one)]
    for one in beyond:
        backs = "" if one.data_stream is None else f", of the data stream [{one.data_stream}],"
        text = f"no flow lets [{one.name}]{backs} be copied into {into}: a source expression stands for it"
        yield _denied(text, index=one.name)
    if len(sources) > len(beyond):
        text = (
            f"{len(sources) - len(beyond)} of {len(sources)} indices behind the expressions may be copied into {into}"
        )
        seen = {"indices": len(sources), "beyond": len(beyond)}
        yield Finding(step=Step(kind=StepKind.FLOW, outcome=Outcome.PASSED, text=text, seen=seen))


def _covers(covered: Language, source: SourceName) -> bool:
    names = (source.name,) if source.data_stream is None else (source.name, source.data_stream)
    return any(covered.matches(name) for name in names)


def _denied(text: str, outcome: Outcome = Outcome.DENIED, index: str | None = None) -> Finding:
    seen = {} if index is None else {"source": index}
    step = Step(kind=StepKind.FLOW, outcome=outcome, text=text, seen=seen)
    return Finding(step=step, reason=Reason(kind=ReasonKind.FLOW, text=text, index=index))
