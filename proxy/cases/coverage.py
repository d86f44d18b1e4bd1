"""Which rules the cases have tried: one that no case has seen say both yes and no is one that nobody has tested."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.privileges import Undecidable
from proxy.rules import Rules, Situation, Subject, subjects_of
from proxy.rules.granted import speaks_of

PASSED = "passed"
AGAINST = frozenset({"denied", "warned", "shadow_denied"})
MAPPING = "role_mapping"
# That no flow covers a source is said by all flows together, and so of no place.
_ALL_FLOWS = ("", "flow")


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
    """All rules in the order in which they are written, with what the `steps` of explanations say of each.

    A flow speaks against a start where no flow covers a source; a role mapping, where it gives its roles to nobody
    who is asked; an exception, where it does not help though something speaks against the start.
    """
    seen: dict[tuple[str, str], set[str]] = {}
    for step in steps:
        seen.setdefault(_about(step), set()).add(str(step["outcome"]))
    return tuple(
        Covered(
            name=name,
            place=place,
            passed=PASSED in seen.get((place, about), ()),
            against=bool(AGAINST & (seen.get((place, about), set()) | shared)),
        )
        for place, about, name in _written(rules)
        for shared in (seen.get(_ALL_FLOWS, set()) if about == "flow" else set(),)
    )


def _about(step: Mapping[str, Any]) -> tuple[str, str]:
    """Place and name of the rule that a step is about. Several rules may stand in one line."""
    kind, text = str(step["kind"]), str(step.get("text", ""))
    name = str(step.get("id", kind))
    if kind == "requirement":
        seen = step.get("seen", {})
        where = "source" if " on the source index [" in text else "destination"
        name = f"{where if 'index' in seen else 'cluster'}.{seen.get('privilege', '')}"
    return str(step.get("rule", "")), name


def _written(rules: Rules) -> list[tuple[str, str, str]]:
    """Place, what `_about` calls it, and the name for people, of every rule that a step can be about."""
    required = {"cluster": rules.cluster, "source": rules.source, "destination": rules.destination}
    found: list[tuple[str, str, str]] = []
    for kind, requirements in required.items():
        names = [(str(one.origin), f"{kind}.{one.privilege}") for one in requirements]
        found += [(place, name, name) for place, name in names]
    found += [(str(one.origin), "flow", f"flow {number}") for number, one in enumerate(rules.flows or (), 1)]
    found += [(str(one.origin), one.id, f"guard {one.id}") for one in rules.guards]
    mappings = enumerate(rules.role_mappings, 1)
    found += [(str(one.origin), MAPPING, f"role mapping {number}") for number, one in mappings]
    found += [(str(one.origin), one.id, f"exception {one.id}") for one in rules.break_glass]
    return list(dict.fromkeys(found))


def mapping_steps(rules: Rules, situation: Situation) -> tuple[Mapping[str, Any], ...]:
    """A step for each role mapping and each subject that is asked: whether it has the mapping's roles."""
    subjects = subjects_of(rules, situation.caller, situation.secondary, situation.job.owner)
    people = {
        Subject.CALLER: situation.caller,
        Subject.SECONDARY: situation.secondary,
        Subject.OWNER: situation.job.owner,
    }
    asked = [people[subject] for subject in dict.fromkeys((Subject.CALLER, *subjects.asked))]
    found: list[Mapping[str, Any]] = []
    for mapping in rules.role_mappings:
        for who in asked:
            try:
                matches = who is not None and speaks_of(mapping, who)
            except Undecidable:
                continue
            outcome = PASSED if matches else "denied"
            found.append({"kind": MAPPING, "rule": str(mapping.origin), "outcome": outcome})
    return tuple(found)
