"""Who is asked what, and what becomes of questions without an answer: denied, or no verdict at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.authorise import Authorised, authorise, hidden_job
from proxy.gate.flight import HiddenJob
from proxy.gate.identify import credentials_of
from proxy.model import Credential, Identity, OwnerKind
from proxy.privileges import Held
from proxy.rules import Rules, Subject, SubjectKind, Verdict, subjects_of
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


async def judged(
    *headers: tuple[str, str],
    rules: Rules = RULES,
    caller: Identity = ANN,
    answers: Mapping[str, Any] | None = None,
) -> tuple[Authorised, list[str]]:
    """The verdict, and who was asked, in no order: all at once."""
    cluster = FakeCluster([], dict(answers or {}))
    who = replace(known(), caller=caller, secondary=BOB if headers else None)
    subjects = subjects_of(rules, who.caller, who.secondary, who.job.owner)
    credentials = credentials_of(arrived(*headers), "ApiKey s")
    return await authorise(who, subjects, credentials, rules, cluster), sorted(cluster.calls)


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
    assert found.grants is None


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
    subjects = subjects_of(RULES, ANN, BOB, who.job.owner)
    found = await authorise(who, subjects, credentials_of(arrived(), None), RULES, cluster)
    assert texts(found.verdict) == ["the privileges of the secondary are not known: no answer was given"]
    assert cluster.calls == ["held caller"]


async def test_an_owner_of_a_kind_not_told_is_asked_for_all_the_same() -> None:
    cluster = FakeCluster([])
    job = made(authorization=None)
    who = replace(known(job), caller=KIBANA)
    subjects = subjects_of(RULES, KIBANA, None, job.owner)
    await authorise(who, subjects, credentials_of(arrived(), None), RULES, cluster)
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
