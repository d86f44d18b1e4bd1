"""What the cluster knows and the journal does not, and the reverse."""

import pytest

from proxy.bypasses.compare import Window
from proxy.bypasses.model import Kind
from proxy.journal.entry import timestamp
from proxy.model import Owner, OwnerKind
from tests.bypasses.making import BEGIN_MS, MADE, found, job, meant, ms, note

OLD = BEGIN_MS - 1_000_000


def test_a_notification_of_a_start_that_is_not_on_record() -> None:
    (one,) = found((meant("r1", 100),), (note(500),), (job(),))
    assert (one.kind, one.job, one.at, one.source) == (Kind.PAST_THE_GATE, "j", timestamp(ms(500)), "notifications")
    assert "the cluster does not tell as whom" in one.text


@pytest.mark.parametrize("at_s", [-1, 86_401])
def test_outside_of_the_time_that_is_judged_nothing_is_found(at_s: float) -> None:
    assert found((), (note(at_s),)) == ()


def test_a_job_that_was_at_rest_before_the_time_that_is_judged_may_have_been_started_then() -> None:
    assert found((), (note(-5, "Stopped analytics"), note(100, "Starting analytics on node [n1]"))) == ()
    assert len(found((), (note(5, "Stopped analytics"), note(100, "Starting analytics on node [n1]")))) == 1


def test_while_records_were_lost_nothing_is_found() -> None:
    lost = ((ms(100), ms(200)),)
    assert found((), (note(95), note(205)), lost=lost) == ()
    assert len(found((), (note(89), note(211)), lost=lost)) == 2


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (Owner(kind=OwnerKind.ROLES, roles=("a", "b")), "it runs with the roles a, b"),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k1"), "it runs with the API key k1"),
        (Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/x"), "it runs as elastic/x"),
    ],
)
def test_as_whom_a_job_runs_is_told(owner: Owner, text: str) -> None:
    (one,) = found((), (note(500),), (job(owner=owner),))
    assert one.text.endswith(text)


@pytest.mark.parametrize(
    ("jobs", "kinds"),
    [
        ((job(ran=False),), []),
        ((job(),), [Kind.NOT_ON_RECORD]),
        ((job(state="failed", ran=False),), []),
        ((job(state="started", ran=False),), [Kind.NOT_ON_RECORD]),
        ((job(state="reindexing"),), [Kind.NOT_ON_RECORD]),
        # It may have been started before there was a record.
        ((job(made=OLD),), []),
        ((job(state="started", made=OLD),), []),
        # Too new for what is judged.
        ((job(made=BEGIN_MS + 86_400_001),), []),
    ],
)
def test_a_job_that_has_run_without_a_start_on_record(jobs: tuple, kinds: list[Kind]) -> None:  # type: ignore[type-arg]  # of one job each
    assert [one.kind for one in found((), None, jobs)] == kinds


def test_a_job_that_has_run_and_has_a_start_on_record() -> None:
    assert found((meant("r1", 100),), None, (job(),)) == ()
    assert found((meant("r1", 100, create_time=None),), None, (job(),)) == ()
    assert found((meant("r1", 100, granted=False, told_ms=None),), None, (job(),)) == ()


def test_a_start_of_another_job_of_that_name_is_none_of_this_one() -> None:
    (one,) = found((meant("r1", 100, create_time=MADE - 1),), None, (job(),))
    assert one.kind == Kind.NOT_ON_RECORD


def test_a_job_that_was_made_anew_while_it_was_started() -> None:
    """What the gate judged is not what ran, and the record says so: it is no start past the gate."""
    start = meant("r1", 100, create_time=MADE - 1)
    assert found((start,), (note(101),), (job(),)) == ()
    (one,) = found((start,), (note(101),), (job(made=ms(200)),))
    assert one.kind == Kind.NOT_ON_RECORD, "this one was made after that start"


def test_what_a_notification_tells_is_not_told_again() -> None:
    (one,) = found((), (note(500),), (job(),))
    assert one.kind == Kind.PAST_THE_GATE


def test_a_job_that_was_made_before_records_were_lost_is_not_judged() -> None:
    assert found((), None, (job(),), lost=((ms(100), ms(200)),)) == ()


def test_the_task_says_since_when_a_job_runs() -> None:
    (one,) = found((), None, (job(state="started"),), tasks={"j": ms(500)})
    assert one.at == timestamp(ms(500))


def test_a_job_that_was_made_after_records_were_lost_is_judged() -> None:
    """Whatever was said of another job of that name while they were."""
    (one,) = found((), (note(500),), (job(made=ms(700)),), lost=((ms(400), ms(600)),))
    assert one.kind == Kind.NOT_ON_RECORD


def test_what_is_newer_than_the_time_that_is_judged_may_be_on_record_soon() -> None:
    """A replica's record of a start comes by the stream: a job that was heard of after that is left for the next
    time."""
    assert found((), (note(86_500),), (job(),)) == ()
    assert found((), None, (job(),), tasks={"j": ms(86_500)}) == ()


def test_a_job_that_stood_still_and_runs_again() -> None:
    start = meant("r1", 100, ended_s=200)
    (one,) = found((start,), None, (job(state="started"),), tasks={"j": ms(300)})
    assert (one.kind, one.source, one.receipt) == (Kind.NOT_ON_RECORD, "tasks", "r1")


@pytest.mark.parametrize(
    ("start", "state", "began_s"),
    [
        (meant("r1", 100, ended_s=200), "stopped", 300),
        # Clocks differ.
        (meant("r1", 100, ended_s=200), "started", 209),
        # It may have moved to another node.
        (meant("r1", 100), "started", 300),
        (meant("r1", 100, ended_s=200), "started", 86_500),
        # Its next start may be on a record that is gone.
        (meant("r1", -300, ended_s=-200), "started", 300),
    ],
)
def test_a_job_that_runs_on(start: object, state: str, began_s: float) -> None:
    assert found((start,), None, (job(state=state),), tasks={"j": ms(began_s)}) == ()  # type: ignore[arg-type]  # a start


def test_no_task_no_second_run() -> None:
    assert found((meant("r1", 100, ended_s=200),), None, (job(state="started"),)) == ()


def test_a_start_that_the_cluster_never_heard_of() -> None:
    (one,) = found((meant("r1", 100),), (), (job(ran=False),))
    assert (one.kind, one.receipt, one.source) == (Kind.NOT_HEARD_OF, "r1", "journal")


@pytest.mark.parametrize(
    "facts",
    [
        {"jobs": (job(),)},
        {"jobs": (job(ran=False, state="failed"),)},
        {"jobs": (job(ran=False, state="starting"),)},
        {"jobs": (job(ran=False, made=MADE + 1),)},
        {"jobs": ()},
        {"jobs": None},
        {"notes": None},
        {"notes": (note(101),)},
        {"notes": (note(101, "Estimated memory usage [1mb]"),)},
        {"oldest_s": None},
        {"oldest_s": 95.0},
    ],
    ids=str,
)
def test_any_trace_is_enough(facts: dict) -> None:  # type: ignore[type-arg]  # arguments of `found`
    told = {"notes": (), "jobs": (job(ran=False),), **facts}
    assert [one for one in found((meant("r1", 100),), **told) if one.kind == Kind.NOT_HEARD_OF] == []


def test_what_nobody_knows_is_not_missed() -> None:
    assert found((meant("r1", 100, granted=False),), (), (job(ran=False),)) == ()


def test_findings_are_in_the_order_of_time_and_what_has_none_is_last() -> None:
    several = found((), (note(900), note(500, job="k")), (job("a"),))
    assert [one.job for one in several] == ["k", "j", "a"]


def test_both_ends_of_the_time_are_judged() -> None:
    window = Window(since_ms=5, until_ms=7, tolerance_ms=0)
    assert [window.holds(at) for at in (4, 5, 7, 8)] == [False, True, True, False]
