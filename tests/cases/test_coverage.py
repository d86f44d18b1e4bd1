"""Which rules the cases have tried."""

from dataclasses import replace

from proxy.cases.coverage import coverage, mapping_steps
from proxy.model import Identity
from proxy.rules import Rules
from proxy.rules.compiled import BreakGlass, Flow, Guard, Mode, Origin, RoleMapping
from proxy.rules.situation import Request, Situation
from tests.rules.samples import job, rules
from tests.test_one_evaluator import PROGRAMS

NAMES = {"users": None, "roles": None, "realms": None, "api_keys": None}
SEEN = {"privilege": "read", "index": "a"}


def told(of: Rules, *steps: dict[str, object]) -> dict[str, tuple[bool, bool]]:
    return {one.name: (one.passed, one.against) for one in coverage(of, steps)}


def requirement(outcome: str, place: str, privilege: str, index: str | None = None) -> dict[str, object]:
    seen = {"privilege": privilege} if index is None else {"privilege": privilege, "index": "a"}
    text = "" if index is None else f"the caller holds the privilege [{privilege}] on the {index} index [a]"
    return {"kind": "requirement", "outcome": outcome, "rule": place, "text": text, "seen": seen}


def test_a_requirement_is_covered_by_both_sides() -> None:
    of = rules()
    places = {
        f"{kind}.{one.privilege}": str(one.origin)
        for kind in ("cluster", "source", "destination")
        for one in getattr(of, kind)
    }
    found = told(
        of,
        requirement("passed", places["cluster.manage_ml"], "manage_ml"),
        requirement("denied", places["cluster.manage_ml"], "manage_ml"),
        requirement("passed", places["source.read"], "read", "source"),
        requirement("denied", places["destination.read"], "read", "destination"),
        {"kind": "identity", "outcome": "passed"},
    )
    assert found["cluster.manage_ml"] == (True, True)
    assert found["source.read"] == (True, False)
    assert found["destination.read"] == (False, True)
    assert found["destination.manage"] == (False, False)
    assert len(found) == 7


def test_flows_guards_and_exceptions() -> None:
    place = Origin("r.yml", 9)
    condition = next(iter(PROGRAMS))
    of = replace(
        rules(),
        flows=(
            Flow(sources=("a",), destinations=("b",), origin=Origin("r.yml", 7)),
            Flow(sources=("c",), destinations=("d",), origin=Origin("r.yml", 8)),
        ),
        guards=tuple(
            Guard(id=name, mode=Mode.ENFORCE, deny=condition, program=PROGRAMS[condition], message="m", origin=place)
            for name in ("g1", "g2")
        ),
        break_glass=(
            BreakGlass(
                id="fire",
                from_ms=0,
                until_ms=1,
                users=("a",),
                jobs=("b",),
                reason="r",
                signed_by="c",
                signature="s",
                origin=place,
            ),
        ),
    )
    found = told(
        of,
        {"kind": "flow", "outcome": "passed", "rule": "r.yml:7"},
        {"kind": "flow", "outcome": "denied"},
        {"kind": "guard", "outcome": "passed", "rule": "r.yml:9", "id": "g1"},
        {"kind": "guard", "outcome": "shadow_denied", "rule": "r.yml:9", "id": "g1"},
        {"kind": "guard", "outcome": "unknown", "rule": "r.yml:9", "id": "g2"},
        {"kind": "exception", "outcome": "not_reached", "rule": "r.yml:9", "id": "fire"},
    )
    assert found["flow 1"] == (True, True)
    assert found["flow 2"] == (False, True), "no flow covered a source, this one no more than the others"
    assert found["guard g1"] == (True, True)
    assert found["guard g2"] == (False, False), "what could not be told was not tried"
    assert found["exception fire"] == (False, False)


def test_role_mappings_are_covered_by_who_has_their_roles_and_who_has_not() -> None:
    mapping = RoleMapping(grants=("all",), origin=Origin("r.yml", 30), **{**NAMES, "users": ("ada",)})
    undecided = RoleMapping(grants=("all",), origin=Origin("r.yml", 31), **{**NAMES, "users": ("/(a|b){900}{900}/",)})
    of = replace(rules(), role_mappings=(mapping, undecided))

    def steps(username: str) -> tuple[dict[str, object], ...]:
        caller = Identity(username=username, realm="native1", realm_type="native", lookup_realm="native1")
        one = Situation(caller=caller, secondary=None, job=job(), request=Request(), now_ms=1, held={})
        return tuple(dict(step) for step in mapping_steps(of, one))

    assert told(of, *steps("ada"))["role mapping 1"] == (True, False)
    assert told(of, *steps("ada"), *steps("bob"))["role mapping 1"] == (True, True)
    assert told(of, *steps("ada"), *steps("bob"))["role mapping 2"] == (False, False)
