"""The decision over one start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model import Job, OwnerKind
from proxy.privileges import Asked, Held
from proxy.rules.compiled import Origin, Rules, SubjectKind
from proxy.rules.subjects import Subject, Subjects, asked_of
from proxy.rules.verdict import Answer, Reason, ReasonKind, Unknown, judge
from tests.rules.samples import job, rules

CALLER, SECONDARY, OWNER = Subject
BY_CALLER = Subjects(data=CALLER, asked=(CALLER,), intermediary=False)
BY_BOTH = Subjects(data=CALLER, asked=(CALLER, OWNER), intermediary=False, owner=OwnerKind.ROLES)
BY_OWNER = Subjects(data=OWNER, asked=(OWNER,), intermediary=True)


def all_of(asked: Asked) -> Held:
    """The answer that everything asked is held."""
    return Held(
        cluster=dict.fromkeys(asked.cluster, True),
        index={name: dict.fromkeys(entry.privileges, True) for entry in asked.index for name in entry.names},
    )


def granted(wanted: Rules, over: Job, subjects: Subjects) -> dict[Subject, Answer]:
    """Answers by which everything is held."""
    return {subject: all_of(asked) for subject, asked in asked_of(wanted, over, subjects).items()}


@pytest.mark.parametrize("subjects", [BY_CALLER, BY_BOTH, BY_OWNER])
def test_all_held_is_allowed(subjects: Subjects) -> None:
    verdict = judge(rules(), job("a", "b*", "-c"), subjects, granted(rules(), job("a", "b*"), subjects))
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
    verdict = judge(rules(), job("a", "b"), BY_CALLER, {CALLER: held})
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
    )
    assert verdict.reasons[1].text == "the caller lacks the privilege [view_index_metadata] on the source index [a]"
    assert verdict.reasons[4].text == "the caller lacks the privilege [manage] on the destination index [dest]"


def test_each_subject_answers_for_itself() -> None:
    answers = granted(rules(), job(), BY_BOTH)
    answers[OWNER] = Held(index={"src": {"read": True, "view_index_metadata": True}})
    verdict = judge(rules(SubjectKind.DATA, SubjectKind.OWNER), job(), BY_BOTH, answers)
    assert {one.subject for one in verdict.reasons} == {OWNER}
    assert {one.index for one in verdict.reasons} == {"dest"}


def test_what_is_not_known_denies_and_says_why() -> None:
    answers = granted(rules(), job(), BY_OWNER)
    answers[OWNER] = Unknown("configure `cluster.service`")
    (reason,) = judge(rules(), job(), BY_OWNER, answers).reasons
    assert reason.kind is ReasonKind.UNKNOWN
    assert reason.text == "the privileges of the owner are not known: configure `cluster.service`"


def test_a_subject_without_an_answer_denies() -> None:
    (reason,) = judge(rules(), job(), BY_CALLER, {}).reasons
    assert reason.text == "the privileges of the caller are not known: no answer was given"
    answers = granted(rules(), job(), BY_BOTH)
    del answers[OWNER]
    (reason,) = judge(rules(), job(), BY_BOTH, answers).reasons
    assert reason.text == "the privileges of the owner are not known: no answer was given"


def test_an_owner_whom_the_cluster_does_not_name_denies() -> None:
    answers = granted(rules(), job(), BY_OWNER)
    del answers[OWNER]
    (reason,) = judge(rules(), job(), BY_OWNER, answers).reasons
    assert "the cluster does not tell whose credentials the job runs with" in reason.text


def test_a_job_of_exclusions_only_is_denied() -> None:
    (reason,) = judge(rules(), job("-a"), BY_CALLER, granted(rules(), job("-a"), BY_CALLER)).reasons
    assert reason.kind is ReasonKind.SOURCE
    assert "names no source index" in reason.text


@pytest.mark.parametrize("left_out", ["manage_ml", "src", "dest", "read", "index"])
def test_an_answer_that_leaves_something_out_denies(left_out: str) -> None:
    full = all_of(asked_of(rules(), job(), BY_CALLER)[CALLER])
    partial = Held(
        cluster={key: held for key, held in full.cluster.items() if key != left_out},
        index={
            name: {key: held for key, held in answer.items() if key != left_out}
            for name, answer in full.index.items()
            if name != left_out
        },
    )
    assert not judge(rules(), job(), BY_CALLER, {CALLER: partial}).allowed


@given(st.data(), st.sampled_from([BY_CALLER, BY_BOTH, BY_OWNER]))
def test_allowed_means_that_every_single_answer_was_yes(data: st.DataObject, subjects: Subjects) -> None:
    """One `false` anywhere denies; none allows."""
    answers: dict[Subject, Answer] = {}
    every: list[bool] = []
    for subject, asked in asked_of(rules(), job("a", "b"), subjects).items():
        draw = st.booleans() if data.draw(st.booleans()) else st.just(True)
        cluster = {key: data.draw(draw) for key in asked.cluster}
        index = {
            name: {key: data.draw(draw) for key in entry.privileges} for entry in asked.index for name in entry.names
        }
        answers[subject] = Held(cluster=cluster, index=index)
        every += [*cluster.values(), *(held for answer in index.values() for held in answer.values())]
    verdict = judge(rules(), job("a", "b"), subjects, answers)
    assert verdict.allowed is all(every)
    assert len(verdict.reasons) == every.count(False)
