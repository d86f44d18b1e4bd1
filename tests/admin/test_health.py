"""What ready means: for starts and for traffic."""

from dataclasses import replace

import pytest

from proxy.admin.health import GATE, STARTS, TRAFFIC, Process, all_checks, judge
from proxy.metrics.snapshot import Check, Snapshot

UP = (
    Process(name="gate", up=True),
    Process(name="edge-1", up=True),
    Process(name="edge-2", up=True),
)
REACHED = Check(name="cluster", ok=True, reason="1 of 1")
UNREACHED = Check(name="cluster", ok=False, reason="none")


def gate(*, rules: bool = True, journal: bool = True) -> Snapshot:
    """What a gate tells."""
    checks = (Check(name="rules", ok=rules, reason="r"), Check(name="journal", ok=journal, reason="j"))
    return Snapshot(process=GATE, pid=1, began_ns=1, checks=checks)


def without(name: str) -> tuple[Process, ...]:
    """All processes, of which one does not answer."""
    return tuple(replace(one, up=False) if one.name == name else one for one in UP)


def test_every_check_is_told_with_what_it_is_needed_for() -> None:
    ready, judged = judge(all_checks(UP, [gate()], REACHED), STARTS)
    assert ready
    assert {one.name: one.needed_for for one in judged} == {
        "workers": (TRAFFIC, STARTS),
        "gate": (STARTS,),
        "rules": (STARTS,),
        "journal": (STARTS,),
        "cluster": (TRAFFIC, STARTS),
    }
    assert all(one.ok and one.reason for one in judged)


@pytest.mark.parametrize(
    ("processes", "told", "cluster", "failing", "traffic"),
    [
        (UP, gate(rules=False), REACHED, {"rules"}, True),
        (UP, gate(journal=False), REACHED, {"journal"}, True),
        (UP, gate(), UNREACHED, {"cluster"}, False),
        (without("gate"), gate(), REACHED, {"gate", "rules", "journal"}, True),
        (without("edge-1"), gate(), REACHED, set(), True),
        ((UP[0], replace(UP[1], up=False), replace(UP[2], up=False)), gate(), REACHED, {"workers"}, False),
    ],
)
def test_what_is_wrong(
    processes: tuple[Process, ...], told: Snapshot, cluster: Check, failing: set[str], traffic: bool
) -> None:
    ready, judged = judge(all_checks(processes, [told], cluster), STARTS)
    assert {one.name for one in judged if not one.ok} == failing
    assert ready == (not failing)
    assert judge(all_checks(processes, [told], cluster), TRAFFIC)[0] == traffic


def test_a_worker_that_is_missing_is_named() -> None:
    _, judged = judge(all_checks(without("edge-2"), [gate()], REACHED), STARTS)
    assert next(one.reason for one in judged if one.name == "workers") == "1 of 2 answer; missing: edge-2"


def test_a_gate_that_tells_of_nothing_is_not_well() -> None:
    mute = Snapshot(process=GATE, pid=1, began_ns=1)
    ready, judged = judge(all_checks(UP, [mute], REACHED), STARTS)
    assert not ready
    assert {one.name for one in judged if not one.ok} == {"rules", "journal"}
