"""Who is asked what, and what becomes of questions without an answer: denied, or no verdict at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.authorise import Authorised, authorise, beside_the_verdict, hidden_job, judge_again
from proxy.gate.create import reader
from proxy.gate.flight import Case, HiddenJob, Judged, Known
from proxy.gate.identify import credentials_of
from proxy.gate.ports import Grants
from proxy.model import Credential, Identity, OwnerKind
from proxy.privileges import Held, IndexGrant, Role, role_from_json
from proxy.rules import (
    Authority,
    Origin,
    Request,
    Rules,
    RunningJob,
    SourceName,
    Subject,
    SubjectKind,
    Target,
    Unknown,
    Verdict,
    from_record,
    judge,
    subjects_of,
    to_record,
)
from proxy.rules.cel import compile_condition
from proxy.rules.compiled import DefinedRole, Flow, Guard, Mode, RoleMapping
from tests.gate.fakes import (
    ANALYST,
    ANN,
    BOB,
    KIBANA,
    RULES,
    FakeCluster,
    arrived,
    grants,
    known,
    made,
    refused_by_cluster,
)

SECONDARY = ("es-secondary-authorization", "Basic Ym9i")
BOTH = replace(RULES, subjects=(SubjectKind.DATA, SubjectKind.OWNER))
CALLER = Credential(whose="caller")


def case_of(who: Known, *headers: tuple[str, str], rules: Rules = RULES, service: str | None = "ApiKey s") -> Case:
    """What a start is decided with."""
    subjects = subjects_of(rules, who.caller, who.secondary, who.job.owner)
    credentials = credentials_of(arrived(*headers), service)
    return Case(rules=rules, credentials=credentials, known=who, subjects=subjects)


async def judged(
    *headers: tuple[str, str],
    rules: Rules = RULES,
    caller: Identity = ANN,
    answers: Mapping[str, Any] | None = None,
    before: Known | None = None,
) -> tuple[Authorised, list[str]]:
    """The verdict, and who was asked, in no order: all at once."""
    cluster = FakeCluster([], dict(answers or {}))
    who = replace(before or known(), caller=caller, secondary=BOB if headers else None)
    case = case_of(who, *headers, rules=rules)
    return await authorise(case, Request(), reader(case), 7, cluster), sorted(cluster.calls)


def texts(verdict: Verdict) -> list[str]:
    return [reason.text for reason in verdict.reasons]


async def test_a_caller_speaks_for_itself() -> None:
    found, calls = await judged()
    assert (found.verdict.reasons, found.grants) == ((), None)
    assert calls == ["held caller"]


async def test_a_secondary_is_asked_beside_the_caller() -> None:
    found, calls = await judged(SECONDARY)
    assert found.verdict.allowed
    assert calls == ["held caller", "held secondary"]


async def test_a_trusted_intermediary_is_judged_by_the_owner() -> None:
    found, calls = await judged(caller=KIBANA)
    assert found.verdict.allowed
    assert found.grants == grants(ANALYST)
    assert calls == ["grants roles", "held caller"]


async def test_rules_may_ask_data_subject_and_owner() -> None:
    found, calls = await judged(rules=BOTH, answers={"grants": grants({"indices": []})})
    assert calls == ["grants roles", "held caller"]
    assert {reason.subject for reason in found.verdict.reasons} == {Subject.OWNER}


async def test_what_an_owner_holds_is_told_beside_the_verdict_where_it_is_not_asked() -> None:
    held = await beside_the_verdict(case_of(known()), FakeCluster([], {"grants": grants(ANALYST)}))
    assert isinstance(held, Held)
    assert held.index
    assert held.complete
    assert await beside_the_verdict(case_of(known(), rules=BOTH), FakeCluster([])) is None


async def test_what_an_owner_holds_may_not_be_known() -> None:
    refused = await beside_the_verdict(
        case_of(known()), FakeCluster([], {"grants": Refusal(403, "x", "no credential")})
    )
    assert refused == Unknown("no credential")
    away = await beside_the_verdict(case_of(known()), FakeCluster([], {"grants": ClusterUnreachable("nobody answers")}))
    assert away == Unknown("nobody answers")
    files = replace(RULES, authority=Authority.ROLES)
    assert await beside_the_verdict(case_of(known(), rules=files), FakeCluster([])) is not None


async def test_api_keys_are_limited_by_their_maker() -> None:
    found, _ = await judged(caller=KIBANA, answers={"grants": grants(ANALYST, limited_by=[ANALYST])})
    assert found.verdict.allowed
    found, _ = await judged(caller=KIBANA, answers={"grants": grants(ANALYST, limited_by=[{"indices": []}])})
    assert not found.verdict.allowed


async def test_an_owner_that_cannot_be_told_denies_and_says_why() -> None:
    found, _ = await judged(
        caller=KIBANA, answers={"grants": Refusal(403, "security_exception", "no service credential")}
    )
    assert texts(found.verdict) == ["the privileges of the owner are not known: no service credential"]
    # Should an exception let the start pass all the same, the service credential shows nothing that is for few.
    assert found.grants == Grants(roles=())


async def test_roles_that_cannot_be_judged_exactly_deny() -> None:
    odd = {"indices": [{"names": ["/fl(ights/"], "privileges": ["read", "view_index_metadata"]}]}
    found, _ = await judged(caller=KIBANA, answers={"grants": grants(odd)})
    assert not found.verdict.allowed
    assert "cannot be judged exactly" in texts(found.verdict)[0]


@pytest.mark.parametrize("who", ["caller", "secondary"])
async def test_a_question_that_the_cluster_refuses_denies(who: str) -> None:
    found, _ = await judged(SECONDARY, answers={f"held {who}": refused_by_cluster(400, reason="unknown privilege")})
    wanted = f"the cluster did not tell the privileges of the {who}: unknown privilege"
    assert texts(found.verdict) == [f"the privileges of the {who} are not known: {wanted}"]


async def test_an_empty_answer_denies() -> None:
    found, _ = await judged(answers={"held": Held()})
    assert len(found.verdict.reasons) == 7


@pytest.mark.parametrize("call", ["held caller", "held secondary"])
async def test_no_answer_is_no_verdict(call: str) -> None:
    with pytest.raises(ClusterUnreachable):
        await judged(SECONDARY, answers={call: ClusterUnreachable("down")})


async def test_no_answer_about_the_owner_is_no_verdict() -> None:
    with pytest.raises(ClusterUnreachable):
        await judged(caller=KIBANA, answers={"grants": ClusterUnreachable("down")})


async def test_a_subject_without_credentials_denies() -> None:
    """Cannot come about: whoever is a subject has been identified. If it did, nobody would be asked in its place."""
    cluster = FakeCluster([])
    who = replace(known(), secondary=BOB)
    found = await authorise(case_of(who, service=None), Request(), CALLER, 7, cluster)
    assert texts(found.verdict) == ["the privileges of the secondary are not known: no answer was given"]
    assert cluster.calls == ["held caller"]


async def test_an_owner_of_a_kind_not_told_is_asked_for_all_the_same() -> None:
    cluster = FakeCluster([])
    job = made(authorization=None)
    who = replace(known(job), caller=KIBANA)
    await authorise(case_of(who, service=None), Request(), None, 7, cluster)
    assert f"grants {OwnerKind.UNKNOWN}" in cluster.calls


HIDDEN = HiddenJob(
    caller=ANN, secondary=None, refusal=refused_by_cluster(404, "resource_not_found_exception", "No known")
)


async def told_about_hidden(held: object) -> Refusal:
    return await hidden_job(HIDDEN, CALLER, RULES, FakeCluster([], {"held": held}))


async def test_who_may_start_jobs_is_told_what_the_cluster_said() -> None:
    assert await told_about_hidden(Held(cluster={"manage_ml": True})) is HIDDEN.refusal


@pytest.mark.parametrize("cluster", [{"manage_ml": False}, {}, {"monitor_ml": True}])
async def test_who_may_not_is_not_told_whether_the_job_exists(cluster: dict[str, bool]) -> None:
    told = await told_about_hidden(Held(cluster=cluster))
    assert (told.status, told.type) == (403, "security_exception")
    assert told.reason == (
        "action [cluster:admin/xpack/ml/data_frame/analytics/start] is unauthorized for user [ann] with effective "
        "roles [analyst], this action is granted by the cluster privileges [manage_ml,manage,all]"
    )


async def test_a_refused_question_about_a_hidden_job_is_passed_on() -> None:
    refusal = refused_by_cluster(400)
    assert await told_about_hidden(refusal) is refusal


async def test_no_answer_about_a_hidden_job_is_no_answer() -> None:
    with pytest.raises(ClusterUnreachable):
        await told_about_hidden(ClusterUnreachable("down"))


# --- what else the rules need to know

FLOWS = replace(RULES, flows=(Flow(sources=("flights",), destinations=("*",), origin=Origin("r.yml", 1)),))
LIMIT = replace(
    RULES,
    guards=(
        Guard(
            id="five",
            mode=Mode.ENFORCE,
            deny="running.size() >= 1",
            program=compile_condition("running.size() >= 1"),
            message="Five at a time.",
            origin=Origin("r.yml", 2),
        ),
    ),
)
BY_ROLES = replace(
    RULES,
    authority=Authority.ROLES,
    roles={
        "analyst": DefinedRole(
            Role(
                name="analyst",
                cluster=("manage_ml",),
                indices=(
                    IndexGrant(names=("flights",), privileges=("read", "view_index_metadata")),
                    IndexGrant(names=("flights-out",), privileges=("all",)),
                ),
            ),
            Origin("roles.yml", 1),
        )
    },
)


async def test_names_are_resolved_only_where_a_rule_needs_them_and_beside_the_rest() -> None:
    found, calls = await judged(rules=FLOWS)
    assert found.verdict.allowed
    assert calls == ["held caller", "resolution caller"]
    assert found.situation.sources == (SourceName(name="flights"),)
    assert (await judged())[0].situation.sources is None


async def test_names_that_cannot_be_resolved_deny() -> None:
    told = (Unknown("no such index [flights]"), Unknown("nobody may look"))
    found, _ = await judged(rules=FLOWS, answers={"resolution": told})
    assert texts(found.verdict) == [
        "what the destination [flights-out] stands for is not known: nobody may look",
        "what the source expressions stand for is not known: no such index [flights]",
    ]


async def test_names_are_judged_again_with_all_else_as_it_was() -> None:
    """By the same time and the same running jobs: only what the names stand for is new."""
    rules = replace(FLOWS, guards=LIMIT.guards)
    found, _ = await judged(rules=rules)
    one = Judged(rules=rules, situation=found.situation, reading=CALLER)
    moved = (SourceName(name="hr-1", aliases=("flights",)),)
    other = RunningJob(id="o", analysis="regression", sources=(), destination="d", model_memory_limit_bytes=1)
    cluster = FakeCluster([], {"resolution": (moved, Target()), "running": (other,)})
    verdict, untold = await judge_again(one, cluster)
    assert verdict == judge(rules, replace(found.situation, sources=moved))
    assert (verdict.allowed, untold) == (False, ())
    assert cluster.calls == ["resolution caller"]


async def test_names_that_stand_for_the_same_are_not_judged_again() -> None:
    found, _ = await judged(rules=FLOWS)
    one = Judged(rules=FLOWS, situation=found.situation, reading=CALLER)
    assert await judge_again(one, FakeCluster([])) == (None, ())
    with pytest.raises(ClusterUnreachable):
        await judge_again(one, FakeCluster([], {"resolution": ClusterUnreachable("down")}))


async def test_names_that_nobody_can_resolve_deny() -> None:
    who = replace(known(), caller=KIBANA)
    found = await authorise(case_of(who, rules=FLOWS, service=None), Request(), None, 7, FakeCluster([]))
    assert any("no service credential is configured" in text for text in texts(found.verdict))


async def test_the_cluster_is_asked_what_is_running_as_the_service() -> None:
    found, calls = await judged(rules=LIMIT)
    assert (found.verdict.allowed, found.situation.running) == (True, ())
    assert calls == ["held caller", "running service"]
    other = RunningJob(id="o", analysis="regression", sources=(), destination="d", model_memory_limit_bytes=1)
    found, _ = await judged(rules=LIMIT, answers={"running": (other,)})
    assert texts(found.verdict) == ["the guard [five] denies it: Five at a time."]
    found, _ = await judged(rules=LIMIT, answers={"running": refused_by_cluster(403, reason="no monitor_ml")})
    assert texts(found.verdict) == ["the guard [five] cannot be told: running is not known: no monitor_ml"]


async def test_without_a_service_credential_what_is_running_is_asked_as_the_caller() -> None:
    cluster = FakeCluster([])
    await authorise(case_of(known(), rules=LIMIT, service=None), Request(), CALLER, 7, cluster)
    assert sorted(cluster.calls) == ["held caller", "running caller"]


@pytest.mark.parametrize("call", ["resolution", "running"])
async def test_no_answer_about_what_a_rule_needs_is_no_verdict(call: str) -> None:
    with pytest.raises(ClusterUnreachable):
        await judged(rules=replace(FLOWS, guards=LIMIT.guards), answers={call: ClusterUnreachable("down")})


async def test_role_files_alone_ask_the_cluster_nothing() -> None:
    found, calls = await judged(rules=BY_ROLES)
    assert found.verdict.allowed
    assert calls == []
    # The cluster may show whoever reads the sources more than the role files do.
    assert found.grants == Grants(roles=(BY_ROLES.roles["analyst"].role,))
    denied, _ = await judged(rules=BY_ROLES, caller=BOB)
    assert len(denied.verdict.reasons) == 7
    assert denied.grants == Grants(roles=())


async def test_an_owner_is_judged_by_role_files_without_the_service_credential() -> None:
    found, calls = await judged(rules=replace(BY_ROLES, subjects=(SubjectKind.OWNER,)))
    assert found.verdict.allowed
    assert calls == []
    owner = made(authorization=None)
    rules = replace(BY_ROLES, subjects=(SubjectKind.OWNER,))
    unknown = await authorise(case_of(known(owner), rules=rules), Request(), None, 7, FakeCluster([]))
    assert not unknown.verdict.allowed
    assert unknown.grants == Grants(roles=())


# What 9.1 takes for one grant, since the privileges are equal, and 8.15 for two of which neither has all of `f*`.
APART = [{"names": [name], "privileges": ["read", "view_index_metadata"]} for name in ("f?", "/f|f..+/")] + ANALYST[
    "indices"
]
VERSIONS = pytest.mark.parametrize(
    ("version", "allowed"),
    [("9.1.0", True), ("9.2.0-SNAPSHOT", True), ("8.15.3", False), ("9.0.4", False), (None, False), ("new", False)],
)


@VERSIONS
@pytest.mark.parametrize("limited", [False, True])
async def test_an_owner_is_judged_as_the_version_of_the_cluster_would(
    version: str | None, allowed: bool, limited: bool
) -> None:
    owner = grants({"indices": APART}, limited_by=[{"indices": APART}] if limited else None)
    wide = known(made(source={"index": ["f*"]}), version=version)
    found, _ = await judged(caller=KIBANA, before=wide, answers={"grants": owner})
    assert found.verdict.allowed is allowed


@VERSIONS
async def test_role_files_are_judged_as_the_version_of_the_cluster_would(version: str | None, allowed: bool) -> None:
    role = replace(role_from_json("analyst", {"indices": APART}), cluster=("manage_ml",))
    rules = replace(BY_ROLES, roles={"analyst": DefinedRole(role, Origin("roles.yml", 1))})
    wide = known(made(source={"index": ["f*"]}), version=version)
    found, _ = await judged(rules=rules, before=wide)
    assert found.verdict.allowed is allowed
    # What is on record is judged again in the same way.
    assert judge(rules, from_record(to_record(found.situation))).allowed is allowed


async def test_mappings_that_cannot_be_compared_show_nothing() -> None:
    mapping = RoleMapping(
        grants=("analyst",), users=("/a(/",), roles=None, realms=None, api_keys=None, origin=Origin("r.yml", 3)
    )
    found, _ = await judged(rules=replace(BY_ROLES, role_mappings=(mapping,)))
    assert not found.verdict.allowed
    assert found.grants == Grants(roles=())


async def test_both_ask_the_cluster_and_the_files() -> None:
    both = replace(BY_ROLES, authority=Authority.BOTH)
    found, calls = await judged(rules=both)
    assert (found.verdict.allowed, calls, found.grants) == (True, ["held caller"], None)
    assert not (await judged(rules=both, answers={"held": Held()}))[0].verdict.allowed
    assert not (await judged(rules=both, caller=BOB))[0].verdict.allowed


async def test_whoever_is_not_shown_the_job_is_told_by_the_role_files_whether_they_may_start() -> None:
    cluster = FakeCluster([])
    assert await hidden_job(HIDDEN, CALLER, BY_ROLES, cluster) is HIDDEN.refusal
    told = await hidden_job(replace(HIDDEN, caller=BOB), CALLER, BY_ROLES, cluster)
    assert told.status == 403
    assert cluster.calls == []


async def test_a_job_over_thousands_of_expressions_is_judged_as_any() -> None:
    many = made(source={"index": [f"index-{number}" for number in range(500)]})
    found = await authorise(case_of(known(many)), Request(), CALLER, 7, FakeCluster([]))
    assert found.verdict.allowed
