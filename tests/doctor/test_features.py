"""What the cluster may do."""

import pytest

from proxy.doctor import features
from proxy.doctor.model import State
from tests.doctor import cluster
from tests.doctor.cluster import facts, info, node, told

NOW = 1_000_000.0
NO_HANDLER = told(status=400, why="status 400: no handler found for uri [/_xpack]")


def test_licences() -> None:
    for mode in ("trial", "platinum", "enterprise"):
        assert features.licence(facts(features=told(cluster.features(mode))), NOW).state is State.OK
    basic = features.licence(facts(features=told(cluster.features("basic"))), NOW)
    assert (basic.state, "_license/start_trial" in basic.advice) == (State.FAIL, True)
    expired = features.licence(facts(features=told(cluster.features(status="expired"))), NOW)
    assert (expired.state, expired.seen) == (State.FAIL, "trial, expired")


@pytest.mark.parametrize(("left_days", "state"), [(29, State.WARN), (31, State.OK), (10**9, State.OK)])
def test_licences_that_end(left_days: float, state: State) -> None:
    ends = (NOW + left_days * 86400) * 1000
    found = features.licence(facts(features=told(cluster.features(expiry_date_in_millis=ends))), NOW)
    assert found.state is state


def test_a_distribution_without_x_pack() -> None:
    bare = facts(features=NO_HANDLER, who=NO_HANDLER, jobs=NO_HANDLER)
    assert features.licence(bare, NOW).state is State.FAIL
    assert features.machine_learning(bare).seen == features.NO_XPACK
    assert features.security(bare, own_identities=False).state is State.FAIL
    # An embedded layer, or another proxy, may answer for machine learning alone.
    assert features.machine_learning(facts(features=NO_HANDLER)).state is State.OK


def test_what_may_not_be_asked_is_skipped() -> None:
    shut = facts(features=told(status=403), info=told(status=403), who=told(status=0, why="cut"))
    for found in (
        features.licence(shut, NOW),
        features.machine_learning(shut),
        features.security(shut, own_identities=False),
        features.ml_nodes(shut),
        features.audit_log(shut),
    ):
        assert (found.state, "lacks the cluster privilege monitor" in found.seen) == (State.SKIP, True)


def test_security() -> None:
    assert features.security(facts(), own_identities=False).state is State.OK
    # Whoever may not see the features still gets the answer of security itself.
    assert features.security(facts(features=told(status=403)), own_identities=False).state is State.OK
    off = facts(features=told(cluster.features(security=False)), who=NO_HANDLER)
    assert features.security(off, own_identities=False).state is State.FAIL
    assert features.security(off, own_identities=True).state is State.OK


def test_machine_learning() -> None:
    assert features.machine_learning(facts()).state is State.OK
    off = features.machine_learning(facts(features=told(cluster.features(ml=False))))
    assert (off.state, "xpack.ml.enabled" in off.advice) == (State.FAIL, True)
    upgrading = features.machine_learning(facts(ml=told({"upgrade_mode": True})))
    assert (upgrading.state, "upgrade mode" in upgrading.seen) == (State.WARN, True)
    away = {"features": {"ml": {"available": False, "enabled": True}}}
    assert features.machine_learning(facts(features=told(away))).seen == "not in this licence"


def test_nodes_that_run_jobs() -> None:
    found = features.ml_nodes(facts(info=told(info(node("a", roles=["master"]), node("b")))))
    assert (found.state, found.seen) == (State.OK, "1 of 2 nodes: b")
    assert features.ml_nodes(facts(info=told(info(node(roles=["data"]))))).state is State.FAIL


@pytest.mark.parametrize(
    "settings",
    [{"xpack.security.audit.enabled": "true"}, {"xpack": {"security": {"audit": {"enabled": "true"}}}}],
)
def test_the_audit_log_is_a_hint(settings: dict[str, object]) -> None:
    on = features.audit_log(facts(info=told(info(node(settings=settings)))))
    assert (on.state, on.advice) == (State.OK, "")
    off = features.audit_log(facts(info=told(info(node(settings=settings), node("n2")))))
    assert (off.state, off.seen) == (State.OK, "on at 1 of 2 nodes")
    assert "audit bypasses" in off.advice
