"""The decision as a whole: who is who, in which order, and that nothing is decided twice."""

from dataclasses import replace

import pytest

from proxy.model import Owner, OwnerKind
from proxy.rules.compiled import SubjectKind
from proxy.rules.evaluate import judge
from proxy.rules.situation import Situation
from proxy.rules.verdict import StepKind
from tests.rules.samples import BOB, KEY, KIBANA, granted, job, rules, situation


def identities(of: Situation, *subjects: SubjectKind) -> list[str]:
    wanted = rules(*subjects)
    return [step.text for step in judge(wanted, of).steps if step.kind is StepKind.IDENTITY]


def test_who_is_who_comes_first() -> None:
    assert identities(situation()) == [
        "the caller is [bob] of the realm [file1]",
        "the owner of the job has the roles [r1,r2]",
        "index privileges are asked of the caller: it is no trusted intermediary, and sent no secondary credentials",
    ]


@pytest.mark.parametrize(
    ("of", "subjects", "asked"),
    [
        (situation(secondary=KEY), (), "secondary: secondary credentials were sent"),
        (situation(by=KIBANA), (), "owner: the caller is the trusted intermediary [kibana_system]"),
        (situation(), (SubjectKind.OWNER,), "owner: the rules say so"),
        (
            situation(secondary=BOB),
            (SubjectKind.DATA, SubjectKind.OWNER),
            "secondary and of the owner: secondary credentials were sent",
        ),
    ],
)
def test_of_whom_index_privileges_are_asked_and_why(
    of: Situation, subjects: tuple[SubjectKind, ...], asked: str
) -> None:
    assert identities(of, *subjects)[-1] == f"index privileges are asked of the {asked}"


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k9"), "is the API key id [k9]"),
        (Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="a/b"), "is the service account [a/b]"),
        (Owner(kind=OwnerKind.UNKNOWN), "is not known: the cluster does not tell whose credentials the job runs with"),
    ],
)
def test_the_owner_as_the_cluster_names_it(owner: Owner, text: str) -> None:
    assert identities(situation(job(owner=owner)))[1] == f"the owner of the job {text}"


def test_keys_and_run_as_are_told() -> None:
    of = situation(by=replace(BOB, asked_to_run_as=True), secondary=KEY)
    caller, secondary, *_ = identities(of)
    assert caller.endswith("[file1], run as by somebody else")
    assert secondary.endswith("of the realm [_es_api_key] by the API key id [k1]")


def test_the_entry_that_trusts_an_intermediary_is_named() -> None:
    of = situation(by=KIBANA)
    (step,) = [step for step in judge(rules(), of).steps if step.text.startswith("index privileges")]
    assert str(step.origin) == "r.yml:9"


def test_the_same_situation_gives_the_same_verdict() -> None:
    of = situation(held=granted(rules(), situation()))
    assert judge(rules(), of) == judge(rules(), of)
    assert judge(rules(), of).allowed


def test_what_was_seen_of_everybody_is_told() -> None:
    of = situation(by=replace(BOB, lookup_realm=""), secondary=KEY)
    caller, secondary, owner, data = (step for step in judge(rules(), of).steps if step.kind is StepKind.IDENTITY)
    assert caller.text == "the caller is [bob] of the realm [file1]"
    assert caller.seen == {
        "username": "bob",
        "roles": list(BOB.roles),
        "realm": "file1",
        "authentication_type": BOB.authentication_type,
    }
    assert secondary.seen["authentication_type"] == "api_key"
    assert owner.seen == {"kind": "roles", "roles": ["r2", "r1"]}
    assert data.seen == {"data": "secondary", "intermediary": False}
