"""What each rule did is counted by starts, follows the rules through a reload, and is bounded by them."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.gate.flight import Flight
from proxy.gate.rule_counts import MOST_TOLD, NO_FLOW, RuleCount, RuleTally
from proxy.metrics.snapshot import Telling
from proxy.privileges import Held
from proxy.rules import Origin, Rules, judge
from proxy.rules.compiled import Flow, Mode
from proxy.rules.situation import Situation, SourceName, Target
from proxy.rules.subjects import Subject
from tests.gate.fakes import ANN, RULES, FakeClock, arrived, known, made
from tests.gate.samples import FIRE, guard, guarded
from tests.rules.samples import granted, situation

MAY_NOT = situation(made(), by=ANN)
MAY = replace(MAY_NOT, held=granted(RULES, MAY_NOT))


class Scene:
    """Rules in force that can be replaced, and their counts."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.tally = RuleTally(lambda: self.rules, FakeClock())

    def start(self, over: Situation = MAY, rules: Rules | None = None, **changes: Any) -> None:
        """A start that is judged over this, by the rules in force or by those that were."""
        verdict = judge(rules or self.rules, over)
        fields: dict[str, Any] = {"arrived": arrived(), "revision": "r", "begun_ms": 1_700_000_000_000, "begun_s": 0.0}
        self.tally.note(Flight(**fields | {"known": known(), "verdict": verdict} | changes))

    def told(self) -> dict[str, tuple[int, int, int]]:
        """Of each rule how many were judged, denied, and would have been."""
        return {one.id: (one.judged, one.denied, one.would_deny) for one in self.tally.counts().counts}

    def one(self, id: str) -> RuleCount:
        """The count of one rule."""
        (found,) = [one for one in self.tally.counts().counts if one.id == id]
        return found


def test_every_rule_is_told_from_the_beginning() -> None:
    counts = Scene(RULES).tally.counts()
    assert counts.revision == RULES.revision
    assert counts.since.endswith("Z")
    assert {one.id for one in counts.counts} >= {"cluster.manage_ml", "source.read", "destination.create_index"}
    assert all((one.judged, one.denied, one.would_deny, one.last) == (0, 0, 0, "") for one in counts.counts)
    assert all((one.kind, one.mode) == ("required", "enforce") for one in counts.counts)
    assert counts.counts[0].rule == str(RULES.cluster[0].origin)


def test_a_start_counts_once_for_each_rule_however_many_steps_it_has() -> None:
    scene = Scene(RULES)
    many = made(source={"index": ["a", "b", "c"]})
    scene.start(replace(MAY_NOT, job=many), known=known(many))
    assert set(scene.told().values()) == {(1, 1, 0)}
    assert scene.one("source.read").last == "2023-11-14T22:13:20.000Z"


def test_who_may_is_judged_and_not_denied() -> None:
    scene = Scene(RULES)
    scene.start()
    assert set(scene.told().values()) == {(1, 0, 0)}
    assert scene.one("source.read").last == ""


def test_source_and_destination_are_told_apart() -> None:
    scene = Scene(RULES)
    held = granted(RULES, MAY_NOT)[Subject.CALLER]
    assert isinstance(held, Held)
    index = {name: {**one, "read": False} if name == "flights-out" else one for name, one in held.index.items()}
    scene.start(replace(MAY_NOT, held={Subject.CALLER: replace(held, index=index)}))
    assert scene.told()["source.read"] == (1, 0, 0)
    assert scene.told()["destination.read"] == (1, 1, 0)


@pytest.mark.parametrize(
    ("mode", "over", "expected"),
    [
        (Mode.ENFORCE, MAY, (1, 1, 0)),
        (Mode.WARN, MAY, (1, 0, 1)),
        (Mode.SHADOW, MAY, (1, 0, 1)),
        # Others deny it: in shadow, a guard still only would have.
        (Mode.SHADOW, MAY_NOT, (1, 0, 1)),
    ],
)
@pytest.mark.parametrize("deny", ["true", "job.source.resolved.size() > 0"], ids=["denies", "cannot be told"])
def test_a_guard_counts_by_its_mode(mode: Mode, over: Situation, expected: tuple[int, int, int], deny: str) -> None:
    scene = Scene(guarded(guard("g", deny, mode), guard("quiet", "false", mode)))
    scene.start(over)
    assert scene.told()["g"] == expected
    assert scene.one("g").mode == mode.value
    assert scene.told()["quiet"] == (1, 0, 0)


def test_what_an_exception_lets_pass_was_denied_by_nobody() -> None:
    scene = Scene(replace(RULES, break_glass=(FIRE,)))
    scene.start()
    assert scene.told()["fire"] == (0, 0, 0), "it was not needed"
    scene.start(MAY_NOT)
    assert scene.told()["fire"] == (1, 0, 0)
    assert scene.told()["source.read"] == (2, 0, 1)


def test_flows_count_what_they_cover_and_together_what_none_does() -> None:
    flows = (
        Flow(sources=("flights",), destinations=("flights-*",), origin=Origin("r.yml", 30)),
        Flow(sources=("other",), destinations=("*",), origin=Origin("r.yml", 31)),
    )
    scene = Scene(replace(RULES, flows=flows))
    seen = replace(MAY, sources=(SourceName(name="flights"),), target=Target())
    scene.start(seen)
    assert scene.told()["flights -> flights-*"] == (1, 0, 0)
    assert scene.told()["other -> *"] == (0, 0, 0)
    assert scene.told()[NO_FLOW] == (1, 0, 0)
    scene.start(replace(seen, sources=(SourceName(name="secret"),)))
    assert scene.told()["flights -> flights-*"] == (2, 0, 0)
    assert scene.told()[NO_FLOW] == (2, 1, 0)
    assert scene.one(NO_FLOW).rule == ""


def test_the_name_of_a_flow_is_bounded() -> None:
    flow = Flow(sources=tuple(f"source-{number}" for number in range(100)), destinations=("x",), origin=Origin("r", 1))
    scene = Scene(replace(RULES, flows=(flow,)))
    assert max(len(name) for name in scene.told()) == 120


@pytest.mark.parametrize("wish", ["plan", "explain"])
def test_plans_and_explanations_are_no_starts(wish: str) -> None:
    scene = Scene(RULES)
    changes: dict[str, Any] = {wish: ("only",)}
    scene.start(arrived=replace(arrived(), **changes))
    scene.start(verdict=None)
    assert set(scene.told().values()) == {(0, 0, 0)}


def test_what_a_job_without_sources_lacks_is_no_rules() -> None:
    scene = Scene(RULES)
    scene.start(replace(MAY_NOT, job=made(source={"index": ["-a"]})), known=None)
    assert scene.told()["cluster.manage_ml"] == (1, 1, 0)


def test_counts_stay_with_rules_that_stay() -> None:
    scene = Scene(guarded(guard("g", "true", Mode.SHADOW), guard("old", "true", Mode.SHADOW)))
    scene.start()
    moved = replace(guard("g", " true ", Mode.ENFORCE), origin=Origin("other.yml", 3))
    scene.rules = guarded(moved, guard("new", "true", Mode.SHADOW))
    assert scene.told()["g"] == (1, 0, 1), "only its place and mode are others"
    assert (scene.one("g").rule, scene.one("g").mode) == ("other.yml:3", "enforce")
    assert scene.told()["source.read"] == (1, 0, 0)
    assert scene.told()["new"] == (0, 0, 0)
    assert "old" not in scene.told()
    scene.start()
    assert scene.told()["g"] == (2, 1, 1)


def test_a_guard_that_says_something_else_begins_anew() -> None:
    scene = Scene(guarded(guard("g", "true", Mode.SHADOW)))
    scene.start()
    scene.rules = guarded(guard("g", "1 == 1", Mode.SHADOW))
    assert scene.told()["g"] == (0, 0, 0)


def test_rules_that_are_taken_back_find_their_counts_and_no_older_ones_do() -> None:
    first, second, third = (guarded(guard(name, "true", Mode.SHADOW)) for name in ("a", "b", "c"))
    scene = Scene(first)
    scene.start()
    scene.rules = second
    # It was under way when the rules were replaced.
    scene.start(rules=first)
    scene.rules = first
    assert scene.told()["a"] == (2, 0, 2)
    for rules in (second, third):
        scene.rules = rules
        scene.tally.counts()
    scene.rules = first
    assert scene.told()["a"] == (0, 0, 0), "what is held is bounded by two revisions"


def test_metrics_name_rules_and_are_bounded() -> None:
    many = tuple(guard(f"g{number}", "false") for number in range(MOST_TOLD))
    flow = Flow(sources=("flights",), destinations=("*",), origin=Origin("r.yml", 30))
    scene = Scene(replace(guarded(*many), flows=(flow,)))
    telling = Telling()
    scene.tally.tell(telling)
    values = {(one.family, *one.labels): one.value for one in telling.values}
    assert len(values) == 3 * MOST_TOLD
    assert values["startgate_rule_judged", "required", "source.read"] == 0
    assert values["startgate_rule_denied", "flow", NO_FLOW] == 0
    assert values["startgate_rule_would_deny", "guard", "g1"] == 0
    assert ("startgate_rule_judged", "flow", "flights -> *") not in values
