"""The text of a 403."""

from dataclasses import replace

import pytest

from proxy.model import Identity, Owner, OwnerKind
from proxy.privileges import Held
from proxy.rules.compiled import Authority, SubjectKind
from proxy.rules.evaluate import judge
from proxy.rules.reason import FLOWS_TOLD, described, refusal_reason, unauthorized_start
from proxy.rules.situation import Unknown
from proxy.rules.subjects import Subject
from proxy.rules.verdict import Reason, ReasonKind, Verdict
from tests.rules.samples import BOB, KEY, OWNER, SERVICE, job, rules, situation

CALLER, SECONDARY, THE_OWNER = Subject
START = "cluster:admin/xpack/ml/data_frame/analytics/start"
GRANTED_BY = "this action is granted by the cluster privileges [manage_ml,manage,all]"
INDEX = {
    "src": {"read": True, "view_index_metadata": True},
    "dest": {"read": True, "create_index": True, "manage": True, "index": True},
}


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (BOB, "user [bob]"),
        (KEY, "API key id [k1] of user [bob]"),
        (SERVICE, "service account [elastic/kibana]"),
        (replace(SERVICE, realm_type=""), "service account [elastic/kibana]"),
        (
            replace(KEY, username="elastic/x", realm_type="_service_account"),
            "API key id [k1] of service account [elastic/x]",
        ),
    ],
)
def test_how_somebody_is_named(identity: Identity, text: str) -> None:
    assert described(identity) == text


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (BOB, f"action [{START}] is unauthorized for user [bob] with effective roles [r1,r2], {GRANTED_BY}"),
        (
            replace(BOB, roles=()),
            f"action [{START}] is unauthorized for user [bob] with effective roles [], {GRANTED_BY}",
        ),
        (KEY, f"action [{START}] is unauthorized for API key id [k1] of user [bob], {GRANTED_BY}"),
        (SERVICE, f"action [{START}] is unauthorized for service account [elastic/kibana], {GRANTED_BY}"),
    ],
)
def test_only_cluster_privileges_missing_reads_as_elasticsearchs_answer(identity: Identity, text: str) -> None:
    verdict = judge(rules(), situation(held={CALLER: Held(cluster={"manage_ml": False}, index=INDEX)}))
    assert refusal_reason(verdict, job(), identity, None, OWNER) == text
    assert unauthorized_start(identity) == text


def test_a_stronger_requirement_names_what_fulfils_it() -> None:
    strict = rules(cluster=("manage_ml", "manage_security"))
    held = Held(cluster={"manage_ml": True, "manage_security": False}, index=INDEX)
    text = refusal_reason(judge(strict, situation(held={CALLER: held})), job(), BOB, None, OWNER)
    assert text.endswith("this action is granted by the cluster privileges [manage_security,all]")


def test_everything_that_the_caller_lacks() -> None:
    index = {"src": {"read": False, "view_index_metadata": True}, "dest": {**INDEX["dest"], "index": False}}
    verdict = judge(rules(), situation(held={CALLER: Held(cluster={"manage_ml": False}, index=index)}))
    assert refusal_reason(verdict, job(), BOB, None, OWNER) == (
        'Cannot start data frame analytics [job-1] because user [bob] lacks the cluster privileges ["manage_ml"]; and '
        'user [bob] lacks permissions on the indices: {"src":{"read":false},"dest":{"index":false}}'
    )


@pytest.mark.parametrize(
    ("owner", "named"),
    [
        (OWNER, "the owner of the job with roles [r1,r2]"),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k9"), "the owner of the job, API key id [k9],"),
        (
            Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/x"),
            "the owner of the job, service account [elastic/x],",
        ),
        (Owner(kind=OwnerKind.UNKNOWN), "the owner of the job"),
    ],
)
def test_what_the_owner_lacks(owner: Owner, named: str) -> None:
    index = {**INDEX, "src": {"read": True, "view_index_metadata": False}}
    answers = {CALLER: Held(cluster={"manage_ml": True}), THE_OWNER: Held(index=index)}
    text = refusal_reason(judge(rules(), situation(by=SERVICE, held=answers)), job(), SERVICE, None, owner)
    assert text == (
        f"Cannot start data frame analytics [job-1] because {named} lacks permissions on the indices: "
        '{"src":{"view_index_metadata":false}}'
    )


def test_what_the_secondary_lacks_and_what_is_not_known_of_the_owner() -> None:
    both = rules(SubjectKind.DATA, SubjectKind.OWNER)
    answers: dict[Subject, Held | Unknown] = {
        CALLER: Held(cluster={"manage_ml": True}),
        SECONDARY: Held(index={**INDEX, "dest": {}}),
        THE_OWNER: Unknown("configure `cluster.service`"),
    }
    verdict = judge(both, situation(secondary=KEY, held=answers))
    everything = '{"dest":{"read":false,"create_index":false,"manage":false,"index":false}}'
    unknown = "cannot be judged: the privileges of the owner are not known: configure `cluster.service`"
    assert refusal_reason(verdict, job(), BOB, KEY, OWNER) == (
        "Cannot start data frame analytics [job-1] because the secondary API key id [k1] of user [bob] "
        f"lacks permissions on the indices: {everything}; and the owner of the job with roles [r1,r2] {unknown}"
    )
    assert "because the secondary user lacks" in refusal_reason(verdict, job(), BOB, None, OWNER)


def test_a_job_without_sources() -> None:
    held = Held(cluster={"manage_ml": True}, index={"dest": INDEX["dest"]})
    verdict = judge(rules(), situation(job("-a"), held={CALLER: held}))
    assert refusal_reason(verdict, job("-a"), BOB, None, OWNER) == (
        "Cannot start data frame analytics [job-1] because user [bob] cannot be judged: "
        "the job names no source index besides exclusions, so nothing says what may be read"
    )


def against(*reasons: Reason) -> str:
    return refusal_reason(Verdict(reasons=reasons), job(), BOB, None, OWNER)


def test_flows_and_guards_are_told_after_what_is_lacking() -> None:
    lacks = Reason(subject=CALLER, kind=ReasonKind.SOURCE, text="lacks", index="a", privilege="read")
    guard = Reason(kind=ReasonKind.GUARD, text="the guard [g] denies it: No.", id="g")
    flow = Reason(kind=ReasonKind.FLOW, text="no flow lets [a] be copied into [b]", index="a")
    assert against(guard, flow, lacks) == (
        "Cannot start data frame analytics [job-1] because user [bob] lacks permissions on the indices: "
        '{"a":{"read":false}}; and no flow lets [a] be copied into [b]; and the guard [g] denies it: No.'
    )


def test_of_many_sources_that_no_flow_covers_some_stand_for_all() -> None:
    flows = [Reason(kind=ReasonKind.FLOW, text=f"no flow for {number}") for number in range(FLOWS_TOLD + 7)]
    assert "; and 7 more" not in against(*flows)
    assert against(*flows).endswith(f"no flow for {FLOWS_TOLD - 1}; and no flow covers 7 more of its sources")
    assert "more of its sources" not in against(*flows[:FLOWS_TOLD])


def test_what_the_role_files_alone_deny_is_not_put_into_the_clusters_mouth() -> None:
    by_files = Reason(
        subject=CALLER, kind=ReasonKind.CLUSTER, text="lacks", privilege="manage_ml", by=(Authority.ROLES,)
    )
    assert against(by_files) == (
        "Cannot start data frame analytics [job-1] because user [bob] "
        'lacks the cluster privileges ["manage_ml"] in the role files'
    )
    by_both = replace(by_files, by=(Authority.CLUSTER, Authority.ROLES))
    assert against(by_both).startswith("action [")
    index = Reason(subject=CALLER, kind=ReasonKind.SOURCE, text="x", index="a", privilege="read", by=(Authority.ROLES,))
    assert 'lacks permissions on the indices in the role files: {"a":{"read":false}}' in against(index)
