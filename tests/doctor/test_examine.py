"""All checks together."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proxy.doctor import bypass, credential, features, nodes
from proxy.doctor.ask import Told
from proxy.doctor.examine import complete, configured, examine, unconfigured
from proxy.doctor.host import Host
from proxy.doctor.model import CHECKS, Finding, Patient, State, ok
from proxy.embedded.app import serve_embedded
from proxy.errors import Fault
from proxy.rules.load import load
from proxy.settings import EdgeSettings, GateSettings, Listen
from tests.doctor.cluster import facts, told

SHIPPED = Path(__file__).parents[2] / "rules"


def patient(folder: Path, url: str, service: str | None = None) -> Patient:
    gate = GateSettings(socket="", nodes=(url,), rules="", journal=str(folder / "journal"), service=service)
    return Patient(
        listens=(Listen(host="127.0.0.1", port=0),),
        workers=1,
        edge=EdgeSettings(nodes=(url,), gate_socket=""),
        gate=gate,
        rules=load(SHIPPED),
    )


async def test_everything_is_looked_at_and_nothing_is_changed(tmp_path: Path) -> None:
    async with serve_embedded() as cluster:
        key = f"ApiKey {cluster.add_api_key('sg', {'sg': {'cluster': ['monitor', 'monitor_ml', 'read_security']}})}"
        one = patient(tmp_path, cluster.url, key)
        found = complete([*configured("startgate.yml", one.rules, ()), *await examine(one)], ["running"])
        posts = {call.target for call in cluster.calls if call.method != "GET"}
    assert [check for check in CHECKS if check not in {each.check for each in found}] == []
    assert [each for each in found if each.state is State.FAIL] == []
    assert [each.check for each in found] == sorted((each.check for each in found), key=CHECKS.index)
    assert posts == {"/_security/user/_has_privileges"}, "asks what it holds, and changes nothing"
    assert not (tmp_path / "journal").exists()


async def test_a_cluster_without_security_and_nobody_who_knows_users(tmp_path: Path) -> None:
    async with serve_embedded(security=False) as cluster:
        states = {one.check: one.state for one in await examine(patient(tmp_path, cluster.url), Host(tmp_path))}
    assert states["security"] is State.FAIL
    assert states["machine-learning"] is State.OK
    assert states["credential"] is State.OK


async def test_a_credential_that_may_do_nothing_skips_and_does_not_crash(tmp_path: Path) -> None:
    async with serve_embedded() as cluster:
        key = cluster.add_api_key("sg", {"sg": {}})
        found = await examine(patient(tmp_path, cluster.url, f"ApiKey {key}"))
    states = {one.check: one.state for one in found}
    for check in ("versions", "clock", "licence", "ml-nodes", "bypass", "sniffing", "audit-log"):
        assert states[check] is State.SKIP, check
    assert states["credential-privileges"] is State.FAIL


async def test_a_credential_that_is_wrong(tmp_path: Path) -> None:
    async with serve_embedded() as cluster:
        found = await examine(patient(tmp_path, cluster.url, "ApiKey d3Jvbmc6a2V5"))
    states = {one.check: one.state for one in found}
    assert states["credential"] is State.FAIL
    assert states["nodes"] is State.OK


async def test_where_no_node_answers_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    one = patient(tmp_path, "http://127.0.0.1:9")
    found = {each.check: each for each in await examine(replace(one, rules=None))}
    assert found["nodes"].state is State.FAIL
    assert (found["versions"].state, found["versions"].seen) == (State.SKIP, "no node answers")
    assert found["journal-disk"].state is not State.SKIP
    assert found["intermediaries"].state is State.SKIP


KEYS = (
    *("version", "number", "cluster_uuid", "distribution", "nodes", "name", "timestamp", "roles", "http", "settings"),
    *(
        "bound_address",
        "publish_address",
        "license",
        "mode",
        "type",
        "status",
        "expiry_date_in_millis",
        "features",
        "ml",
    ),
    *(
        "security",
        "available",
        "enabled",
        "upgrade_mode",
        "data_frame_analytics",
        "source",
        "dest",
        "index",
        "username",
    ),
    *("api_key", "api_keys", "expiration", "xpack", "audit"),
)
LEAVES = (
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(("a", "", "9.1.0", "active", "[::1]:1"))
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
)
TOLD = st.builds(told, ANYTHING, st.sampled_from((0, 200, 400, 401, 403, 404)), date=st.none() | st.floats(0, 2e9))


@given(root=TOLD, features_=TOLD, info=TOLD, stats=TOLD, who=TOLD, jobs=TOLD, ml=TOLD, key=st.none() | TOLD)
def test_whatever_a_cluster_says_is_judged(features_: Told, root: Told, key: Told | None, **more: Told) -> None:
    """What stands in front of a cluster may answer anything."""
    given_ = facts(roots={"http://a:1": root}, features=features_, key=key, **more)
    for judge in (nodes.answering, nodes.versions, nodes.one_cluster, nodes.clock, features.machine_learning):
        assert isinstance(judge(given_), Finding)
    assert isinstance(features.licence(given_, 0.0), Finding)
    assert isinstance(features.security(given_, own_identities=False), Finding)
    for judge in (features.ml_nodes, features.audit_log):
        assert isinstance(judge(given_), Finding)
    assert isinstance(credential.whether_good(given_, configured=True, own_identities=False), Finding)
    assert isinstance(credential.expiry(given_, 0.0), Finding)
    assert isinstance(bypass.sniffing(given_, "pass"), Finding)
    credential.jobs(given_.jobs)


def test_faults_of_the_configuration_and_of_the_rules() -> None:
    wrong = unconfigured([Fault("startgate.yml", "unknown key", 1, 1)])
    assert (wrong[0].state, wrong[0].seen) == (State.FAIL, "startgate.yml:1:1: unknown key")
    assert {one.state for one in wrong[1:]} == {State.SKIP}
    good, bad = configured("startgate.yml", None, [Fault("a.yml", "no rules")])
    assert (good.state, bad.state, bad.check) == (State.OK, State.FAIL, "rules")


def test_what_is_known_can_be_left_out() -> None:
    (one,) = complete([ok("bypass", "open")], ["bypass"])
    assert one.state is State.SKIP
