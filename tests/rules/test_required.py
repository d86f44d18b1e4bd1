"""Required privileges, by the word of the cluster, the role files, or both."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model import Job, Owner, OwnerKind
from proxy.privileges import Held, IndexGrant, Role
from proxy.rules.compiled import Authority, DefinedRole, Origin, RoleMapping, Rules, SubjectKind
from proxy.rules.evaluate import judge
from proxy.rules.situation import Situation, Unknown
from proxy.rules.subjects import Subject, asked_of, subjects_of
from proxy.rules.verdict import Answer, Outcome, Reason, ReasonKind, StepKind
from tests.rules.samples import KIBANA, granted, job, rules, situation

CALLER, SECONDARY, OWNER = Subject
BOTH = rules(SubjectKind.DATA, SubjectKind.OWNER)
NOBODY = Owner(kind=OwnerKind.UNKNOWN)
BY_CALLER = (rules(), situation())
BY_BOTH = (BOTH, situation())
BY_OWNER = (rules(), situation(by=KIBANA))


def with_all(wanted: Rules, of: Situation, over: Job | None = None) -> Situation:
    """The same start where everything is held."""
    started = of if over is None else replace(of, job=over)
    return replace(started, held=granted(wanted, started))


@pytest.mark.parametrize(("wanted", "of"), [BY_CALLER, BY_BOTH, BY_OWNER])
def test_all_held_is_allowed(wanted: Rules, of: Situation) -> None:
    verdict = judge(wanted, with_all(wanted, of, job("a", "b*", "-c")))
    assert verdict.allowed
    assert verdict.reasons == ()


def test_all_that_is_missing_is_listed_with_the_rule_that_asks_for_it() -> None:
    held = Held(
        cluster={"manage_ml": False},
        index={
            "a": {"read": True, "view_index_metadata": False},
            "b": {"read": False, "view_index_metadata": False},
            "dest": {"read": True, "create_index": True, "manage": False, "index": True},
        },
    )
    verdict = judge(rules(), situation(job("a", "b"), held={CALLER: held}))
    assert not verdict.allowed
    assert [(one.kind, one.index, one.privilege, str(one.origin)) for one in verdict.reasons] == [
        (ReasonKind.CLUSTER, None, "manage_ml", "r.yml:4"),
        (ReasonKind.SOURCE, "a", "view_index_metadata", "r.yml:5"),
        (ReasonKind.SOURCE, "b", "read", "r.yml:5"),
        (ReasonKind.SOURCE, "b", "view_index_metadata", "r.yml:5"),
        (ReasonKind.DESTINATION, "dest", "manage", "r.yml:6"),
    ]
    assert verdict.reasons[0] == Reason(
        subject=CALLER,
        kind=ReasonKind.CLUSTER,
        text="the caller lacks the cluster privilege [manage_ml]",
        privilege="manage_ml",
        origin=Origin("r.yml", 4),
        by=(Authority.CLUSTER,),
    )
    assert verdict.reasons[1].text == "the caller lacks the privilege [view_index_metadata] on the source index [a]"
    assert verdict.reasons[4].text == "the caller lacks the privilege [manage] on the destination index [dest]"


def test_each_subject_answers_for_itself() -> None:
    answers = granted(BOTH, situation())
    answers[OWNER] = Held(index={"src": {"read": True, "view_index_metadata": True}})
    verdict = judge(BOTH, situation(held=answers))
    assert {one.subject for one in verdict.reasons} == {OWNER}
    assert {one.index for one in verdict.reasons} == {"dest"}


def test_what_is_not_known_denies_and_says_why() -> None:
    answers = granted(*BY_OWNER)
    answers[OWNER] = Unknown("configure `cluster.service`")
    verdict = judge(rules(), situation(by=KIBANA, held=answers))
    (reason,) = verdict.reasons
    assert [step.outcome for step in verdict.steps if step.subject is OWNER].count(Outcome.UNKNOWN) == 6
    assert reason.kind is ReasonKind.UNKNOWN
    assert reason.text == "the privileges of the owner are not known: configure `cluster.service`"


def test_a_subject_without_an_answer_denies() -> None:
    (reason,) = judge(rules(), situation()).reasons
    assert reason.text == "the privileges of the caller are not known: no answer was given"
    answers = granted(BOTH, situation())
    del answers[OWNER]
    (reason,) = judge(BOTH, situation(held=answers)).reasons
    assert reason.text == "the privileges of the owner are not known: no answer was given"


def test_an_owner_whom_the_cluster_does_not_name_denies() -> None:
    unknown = situation(job(owner=NOBODY), by=KIBANA)
    answers = granted(rules(), unknown)
    del answers[OWNER]
    (reason,) = judge(rules(), replace(unknown, held=answers)).reasons
    assert "the cluster does not tell whose credentials the job runs with" in reason.text


def test_a_job_of_exclusions_only_is_denied() -> None:
    (reason,) = judge(rules(), with_all(*BY_CALLER, job("-a"))).reasons
    assert reason.kind is ReasonKind.SOURCE
    assert "names no source index" in reason.text


@pytest.mark.parametrize("left_out", ["manage_ml", "src", "dest", "read", "index"])
def test_an_answer_that_leaves_something_out_denies(left_out: str) -> None:
    full = granted(*BY_CALLER)[CALLER]
    assert isinstance(full, Held)
    partial = Held(
        cluster={key: held for key, held in full.cluster.items() if key != left_out},
        index={
            name: {key: held for key, held in answer.items() if key != left_out}
            for name, answer in full.index.items()
            if name != left_out
        },
    )
    assert not judge(rules(), situation(held={CALLER: partial})).allowed


@given(st.data(), st.sampled_from([BY_CALLER, BY_BOTH, BY_OWNER]))
def test_allowed_means_that_every_single_answer_was_yes(data: st.DataObject, case: tuple[Rules, Situation]) -> None:
    """One `false` anywhere denies; none allows."""
    wanted, of = case
    over = job("a", "b")
    answers: dict[Subject, Answer] = {}
    every: list[bool] = []
    subjects = subjects_of(wanted, of.caller, of.secondary, over.owner)
    for subject, asked in asked_of(wanted, over, subjects).items():
        draw = st.booleans() if data.draw(st.booleans()) else st.just(True)
        cluster = {key: data.draw(draw) for key in asked.cluster}
        index = {
            name: {key: data.draw(draw) for key in entry.privileges} for entry in asked.index for name in entry.names
        }
        answers[subject] = Held(cluster=cluster, index=index)
        every += [*cluster.values(), *(held for answer in index.values() for held in answer.values())]
    verdict = judge(wanted, replace(of, job=over, held=answers))
    assert verdict.allowed is all(every)
    assert len(verdict.reasons) == every.count(False)
    outcomes = [step.outcome for step in verdict.steps if step.kind is StepKind.REQUIREMENT]
    assert outcomes.count(Outcome.DENIED) == every.count(False)
    assert outcomes.count(Outcome.PASSED) == every.count(True)


def by_files(authority: Authority, *roles: Role) -> Rules:
    """Rules by which bob has these roles of the role files."""
    place = Origin("roles.yml", 1)
    to_bob = RoleMapping(
        grants=tuple(role.name for role in roles), users=("bob",), roles=None, realms=None, api_keys=None, origin=place
    )
    defined = {role.name: DefinedRole(role, place) for role in roles}
    return replace(rules(), authority=authority, roles=defined, role_mappings=(to_bob,))


EVERYTHING = Role(name="all", cluster=("all",), indices=(IndexGrant(names=("*",), privileges=("all",)),))
CLUSTER_ALONE = Role(name="some", cluster=("manage_ml",))


@pytest.mark.parametrize(
    ("authority", "role", "held", "denied", "where"),
    [
        (Authority.ROLES, EVERYTHING, None, set(), " in the role files"),
        (Authority.BOTH, EVERYTHING, True, set(), " in the cluster and in the role files"),
        (Authority.BOTH, CLUSTER_ALONE, True, {Authority.ROLES}, " in the role files"),
        (Authority.BOTH, EVERYTHING, False, {Authority.CLUSTER}, ""),
        (Authority.BOTH, CLUSTER_ALONE, False, {Authority.CLUSTER, Authority.ROLES}, None),
    ],
)
def test_who_denies_and_what_each_said(
    authority: Authority, role: Role, held: bool | None, denied: set[Authority], where: str | None
) -> None:
    wanted = by_files(authority, role)
    answers = {} if held is None else granted(wanted, situation())
    if held is False:
        answers = {CALLER: Held()}
    verdict = judge(wanted, situation(held=answers))
    (step,) = [one for one in verdict.steps if one.seen.get("index") == "src" and one.seen["privilege"] == "read"]
    said = {one.value: step.seen[one.value] for one in (Authority.CLUSTER, Authority.ROLES) if one.value in step.seen}
    expected = {} if held is None else {"cluster": held}
    assert said == {**expected, "roles": role is EVERYTHING}
    assert step.outcome is (Outcome.DENIED if denied else Outcome.PASSED)
    verb, places = ("lacks", where) if denied else ("holds", where)
    if places is None:
        places = " in the cluster and in the role files"
    assert step.text == f"the caller {verb} the privilege [read] on the source index [src]{places}"
    assert {who for one in verdict.reasons if one.index == "src" for who in one.by} == denied


def test_where_one_cannot_tell_the_others_yes_is_no_step() -> None:
    """Of what one says yes to and the other does not know, only that is told which denies."""
    wanted = by_files(Authority.BOTH, EVERYTHING)
    verdict = judge(wanted, situation(held={CALLER: Unknown("it is down")}))
    steps = [one for one in verdict.steps if one.kind is StepKind.REQUIREMENT]
    assert {one.outcome for one in steps} == {Outcome.UNKNOWN}
    assert steps[0].seen == {"privilege": "manage_ml"}
    assert steps[0].text == (
        "the caller may or may not hold the cluster privilege [manage_ml]: "
        "the privileges of the caller are not known: it is down"
    )


def test_role_files_that_cannot_be_compared_deny() -> None:
    odd = Role(name="odd", indices=(IndexGrant(names=("/s(rc/",), privileges=("read",)),))
    verdict = judge(by_files(Authority.ROLES, odd), situation())
    assert not verdict.allowed
    assert verdict.reasons[0].text.startswith(
        "the privileges of the caller are not known: the role files cannot be judged exactly: "
    )


def test_a_job_that_names_no_source_is_denied_in_words() -> None:
    of = situation(job("-a"))
    verdict = judge(rules(), replace(of, held=granted(rules(), of)))
    assert [one.text for one in verdict.reasons] == [
        "the job names no source index besides exclusions, so nothing says what may be read"
    ]
