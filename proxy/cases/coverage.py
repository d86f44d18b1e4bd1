"""Which rules the cases have tried: one that no case has seen say both yes and no is one that nobody has tested."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.rules import Rules

PASSED = "passed"
AGAINST = frozenset({"denied", "warned", "shadow_denied"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One rule: its name, where it is written, and whether cases saw it speak for a start, and against one."""

    name: str
    place: str
    passed: bool
    against: bool

    @property
    def full(self) -> bool:
        """Whether cases saw both."""
        return self.passed and self.against


def coverage(rules: Rules, steps: Iterable[Mapping[str, Any]]) -> tuple[Covered, ...]:
    """All rules in the order in which they are written, with what the recorded `steps` of verdicts say of each."""
    seen: dict[tuple[str, str], set[str]] = {}
    for step in steps:
        key = (str(step.get("rule", "")), str(step.get("id", "")))
        seen.setdefault(key, set()).add(str(step["outcome"]))
    return tuple(
        Covered(name=name, place=place, passed=PASSED in outcomes, against=bool(AGAINST & outcomes))
        for (place, name), outcomes in ((one, seen.get(one, set())) for one in _written(rules))
    )


def _written(rules: Rules) -> list[tuple[str, str]]:
    """Place and name of every rule that a step can be about; a rule without a name goes by what it is."""
    required = (
        (requirement, kind)
        for kind, requirements in (
            ("cluster", rules.cluster),
            ("source", rules.source),
            ("destination", rules.destination),
        )
        for requirement in requirements
    )
    found = [(str(requirement.origin), f"{kind}.{requirement.privilege}") for requirement, kind in required]
    found += [(str(flow.origin), f"flow {number}") for number, flow in enumerate(rules.flows or (), 1)]
    found += [(str(guard.origin), guard.id) for guard in rules.guards]
    return list(dict.fromkeys(found))
