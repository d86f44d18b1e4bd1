"""Who a start's record names as owner, and when it names nobody: the index never guesses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.edge.notes import LONGEST_PAUSE_S
from proxy.gate import observe_owners as owners_module
from proxy.gate.observe_owners import (
    ANEW,
    AT_ONCE,
    BEFORE,
    BEGUN,
    CHANGED,
    CLOCK,
    MISSED,
    NO_ANSWER,
    SETTLE_S,
    Owners,
    config_sha256,
)
from proxy.gate.observe_record import Who, missed, observed
from proxy.model import Identity, Job
from proxy.notes import Gap, Note
from proxy.route.table import DELETE, PUT, STOP, UPDATE
from tests.gate.fakes import ANN, BOB, made

JOB = made()
NOW_MS = 1_700_000_000_000


def record(
    action: str = PUT,
    *,
    who: Who | None = None,
    job: Job | str = JOB,
    status: int | None = 200,
    at: tuple[int, int] = (100, 200),
    id: str = "id1",
    job_id: str = JOB.id,
    told_ms: int = NOW_MS,
) -> Mapping[str, Any]:
    note = Note(
        action=action,
        method="PUT",
        target="/",
        headers=(),
        peer="10.0.0.1:1",
        status=status,
        began_ms=at[0],
        answered_ms=at[1],
    )
    return observed(note, id, job_id, who or Who(caller=ANN), job, {}, told_ms)


def seen(*records: Mapping[str, Any], job: Job = JOB) -> dict[str, Any]:
    owners = Owners()
    for one in records:
        owners.take(one)
    return owners.seen(job)


def test_nobody_is_known_of_a_job_from_before_our_time() -> None:
    assert seen() == {"known": False, "why": BEFORE}
    assert seen(record(job_id="other")) == {"known": False, "why": BEFORE}


def test_whoever_made_the_job_is_its_owner() -> None:
    told = seen(record())
    assert told == {
        "known": True,
        "name": ANN.username,
        "realm": {"name": ANN.realm, "type": ANN.realm_type},
        "by": "caller",
        "action": PUT,
        "time": "2023-11-14T22:13:20.000Z",
        "record": "id1",
    }


def test_it_is_the_secondary_that_the_cluster_stores() -> None:
    told = seen(record(who=Who(by="secondary", caller=ANN, secondary=BOB)))
    assert (told["name"], told["by"]) == (BOB.username, "secondary")


def test_key_and_run_as_are_told() -> None:
    who = Identity(username="u", api_key_id="k", api_key_name="n", asked_to_run_as=True, lookup_realm="l")
    told = seen(record(who=Who(caller=who)))
    assert told["api_key"] == {"id": "k", "name": "n"}
    assert told["run_as"] == {"lookup_realm": "l"}


def test_the_last_to_change_it_is_its_owner_also_of_a_job_from_before_our_time() -> None:
    told = seen(record(UPDATE, who=Who(caller=BOB), at=(300, 400), id="id2"))
    assert (told["name"], told["action"], told["record"]) == (BOB.username, UPDATE, "id2")
    told = seen(record(), record(UPDATE, who=Who(caller=BOB), at=(300, 400)))
    assert told["name"] == BOB.username
    # Notes may arrive in another order than that of the calls.
    told = seen(record(UPDATE, who=Who(caller=BOB), at=(300, 400)), record())
    assert told["name"] == BOB.username


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refused_call_changes_no_owner(status: int) -> None:
    assert seen(record(), record(UPDATE, who=Who(caller=BOB), status=status, at=(300, 400)))["name"] == ANN.username


@pytest.mark.parametrize("status", [None, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("action", [PUT, UPDATE])
def test_a_call_whose_end_is_not_known_leaves_the_owner_unknown(status: int | None, action: str) -> None:
    told = seen(record(), record(action, who=Who(caller=BOB), status=status, at=(300, 400), job=""))
    assert told == {"known": False, "why": NO_ANSWER}


def test_stops_change_no_owner() -> None:
    assert seen(record(), record(STOP, who=Who(caller=BOB), at=(300, 400)))["name"] == ANN.username


def test_a_removed_job_has_no_owner() -> None:
    assert seen(record(), record(DELETE, at=(300, 400))) == {"known": False, "why": BEFORE}
    assert seen(record(), record(DELETE, status=404, at=(300, 400)))["known"]


def test_a_job_that_was_made_anew_unseen_is_another_job() -> None:
    assert seen(record(), job=made(create_time=JOB.create_time + 1)) == {"known": False, "why": ANEW}


def test_a_job_that_was_changed_unseen_may_have_another_owner() -> None:
    assert seen(record(), job=made(description="another")) == {"known": False, "why": CHANGED}


def test_who_could_not_be_told_is_not_named() -> None:
    told = seen(record(who=Who(problem="the cluster was away")))
    assert told["known"] is False
    assert "the cluster was away" in told["why"]
    # The caller is Kibana's own user then, and never the owner.
    told = seen(record(who=Who(by="secondary", caller=ANN, problem="no answer")))
    assert told["known"] is False


def test_without_a_look_at_the_job_nothing_is_known() -> None:
    told = seen(record(job="no right to see it"))
    assert told["known"] is False
    assert "no right to see it" in told["why"]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [((100, 200), (150, 250), AT_ONCE), ((150, 250), (100, 200), AT_ONCE), ((100, 200), (200, 300), None)],
)
def test_two_calls_at_once_leave_the_owner_unknown(
    first: tuple[int, int], second: tuple[int, int], why: str | None
) -> None:
    records = record(at=first), record(UPDATE, at=second)
    assert seen(*records).get("why") == why
    # The next one that stands alone is clear again.
    assert seen(*records, record(UPDATE, at=(300, 400)))["known"]


@pytest.mark.parametrize(
    ("at", "told_ms", "expected"),
    [
        # In order, whatever the clock does afterwards.
        ((NOW_MS + 10, NOW_MS + 20), NOW_MS + 30, "bob"),
        # Told after the one that came behind it, which still is the last.
        ((NOW_MS - 90, NOW_MS - 80), NOW_MS + 5, "ann"),
        # Told before the first one was answered: the clock went back in between.
        ((NOW_MS - 3_600_000, NOW_MS - 3_599_990), NOW_MS - 3_599_980, CLOCK),
        ((NOW_MS - 60, NOW_MS - 55), NOW_MS - 50, CLOCK),
    ],
)
def test_a_clock_that_goes_back_makes_nobody_owner_who_is_none_any_more(
    at: tuple[int, int], told_ms: int, expected: str
) -> None:
    """An `_update` to the same values changes the owner, and nothing else that would show."""
    first = record(at=(NOW_MS - 10, NOW_MS), told_ms=NOW_MS + 1)
    told = seen(first, record(UPDATE, who=Who(caller=BOB), at=at, told_ms=told_ms))
    assert told.get("name", told.get("why")) == expected
    # What comes next by the new clock is clear again.
    later = record(UPDATE, at=(at[1] + 1, at[1] + 2), told_ms=at[1] + 3)
    assert expected == "ann" or seen(first, record(UPDATE, at=at, told_ms=told_ms), later)["known"]


@pytest.mark.parametrize(("until_ms", "told_ms", "known"), [(-500, -400, False), (-500, 100, True), (50, 60, False)])
def test_what_was_missed_after_the_clock_went_back_leaves_the_owner_unknown(
    until_ms: int, told_ms: int, known: bool
) -> None:
    first = record(at=(NOW_MS - 10, NOW_MS), told_ms=NOW_MS + 1)
    one = Gap(calls={UPDATE: 1}, since_ms=1, until_ms=NOW_MS + until_ms, why="down")
    told = seen(first, missed(one, "g", NOW_MS + told_ms))
    assert told["known"] is known
    assert known or told["why"] == MISSED


def test_what_an_earlier_process_observed_is_not_named_at_once() -> None:
    """Edge workers are still to tell of what passed in between."""
    now_s = 100.0
    owners = Owners(ticks_s=lambda: now_s)
    owners.take(record())
    owners.begin()
    assert owners.seen(JOB) == {"known": False, "why": BEGUN}
    now_s += SETTLE_S
    assert owners.seen(JOB)["known"]
    now_s -= SETTLE_S
    owners.take(record(UPDATE, who=Who(caller=BOB), at=(300, 400), id="of this process"))
    assert owners.seen(JOB)["name"] == BOB.username


def test_a_gap_is_told_before_an_owner_is_named_again() -> None:
    assert SETTLE_S >= 2 * LONGEST_PAUSE_S


def test_a_record_that_tells_no_time_is_no_fault() -> None:
    odd = [{**record(at=at), "@timestamp": time} for at, time in (((5, 6), "yesterday"), ((1, 2), None))]
    assert seen(*odd) == {"known": False, "why": CLOCK}


def gap(until_ms: int, *actions: str) -> Mapping[str, Any]:
    return missed(Gap(calls=dict.fromkeys(actions, 1), since_ms=1, until_ms=until_ms, why="down"), "g", NOW_MS)


@pytest.mark.parametrize(
    ("one", "known"),
    [
        (gap(200, UPDATE), False),
        (gap(300, PUT, STOP), False),
        (gap(199, UPDATE), True),
        (gap(300, STOP, DELETE), True),
        (gap(300), True),  # of calls that the cluster refused, whatever they were
    ],
)
def test_calls_that_were_missed_since_leave_the_owner_unknown(one: Mapping[str, Any], known: bool) -> None:
    for told in (seen(record(), one), seen(one, record())):
        assert told["known"] is known
        assert known or told["why"] == MISSED


def test_the_number_of_jobs_is_bounded_and_the_oldest_goes_first() -> None:
    owners = Owners(most=2)
    for number, job_id in enumerate(("a", "b", "a", "c")):
        owners.take(record(UPDATE, job_id=job_id, job=made(id=job_id), at=(number * 10, number * 10 + 5)))
    assert [owners.seen(made(id=job_id))["known"] for job_id in ("a", "b", "c")] == [True, False, True]
    assert owners.seen(made(id="b"))["why"] == BEFORE
    assert owners_module.JOBS >= 1000


@pytest.mark.parametrize("other", [{}, {"startgate": {}}, {"startgate": {"phase": "intent"}, "event": {}}])
def test_other_records_teach_nothing(other: Mapping[str, Any]) -> None:
    assert seen(record(), other)["known"]


def test_the_hash_is_of_the_whole_configuration_whatever_its_order() -> None:
    turned = replace(JOB, config=dict(sorted(JOB.config.items(), reverse=True)))
    assert list(turned.config) != list(JOB.config)
    assert config_sha256(turned) == config_sha256(JOB)
    assert config_sha256(made(description="x")) != config_sha256(JOB)
