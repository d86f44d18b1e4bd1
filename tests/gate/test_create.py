"""The destination: as whom it is made, and when it is taken away again."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.create import changed, clean_up, creator, foretold, placed, prepare, reader
from proxy.gate.flight import Case, Destination, Flight, Plan
from proxy.gate.identify import credentials_of
from proxy.gate.plan import make_plan
from proxy.gate.ports import Facts, Foretold
from proxy.model import Answer, JobState, Stage
from proxy.rules import CreateAs, OnRefusedStart, Origin, Rules, Setting, Subject, Subjects
from tests.gate.fakes import FLIGHTS, RULES, FakeCluster, answer, arrived, known, made, refused_by_cluster

LAID = {
    "index.codec": Setting("index.codec", "x", Origin("rules/a.yml", 14)),
    "index.sort.field": Setting("index.sort.field", "gone", Origin("rules/a.yml", 15)),
}
PLAN = make_plan(known(), Facts(sources=(FLIGHTS,), destination=None), None, 1000)
OVERRIDDEN = make_plan(known(), Facts(sources=(FLIGHTS,), destination=None), None, 1000, LAID)
LEAVE = Plan(step=Destination.LEAVE, why="")


def case(data: Subject = Subject.CALLER, service: str | None = "ApiKey s", rules: Rules = RULES) -> Case:
    credentials = credentials_of(arrived(("es-secondary-authorization", "Basic Ym9i")), service)
    subjects = Subjects(data=data, asked=(data,), intermediary=False)
    return Case(rules=rules, credentials=credentials, known=known(), subjects=subjects)


def flight(plan: Plan = PLAN, **changes: Any) -> Flight:
    return Flight(arrived=arrived(), revision="r", begun_ms=0, begun_s=0, plan=plan, **changes)


@pytest.mark.parametrize(
    ("data", "whose"), [(Subject.CALLER, "caller"), (Subject.SECONDARY, "secondary"), (Subject.OWNER, "service")]
)
@pytest.mark.parametrize(
    ("create_as", "creating"), [(CreateAs.AUTO, None), (CreateAs.CALLER, "caller"), (CreateAs.SERVICE, "service")]
)
def test_who_reads_and_who_creates(data: Subject, whose: str, create_as: CreateAs, creating: str | None) -> None:
    one = case(data, rules=replace(RULES, create_as=create_as))
    reading, making = reader(one), creator(one, PLAN)
    assert reading is not None
    assert making is not None
    assert (reading.whose, making.whose) == (whose, creating or whose)


def test_nobody_creates_what_is_not_to_be_created() -> None:
    assert creator(case(service=None, rules=replace(RULES, create_as=CreateAs.SERVICE)), LEAVE) is None


@pytest.mark.parametrize(
    "one",
    [
        case(service=None, rules=replace(RULES, create_as=CreateAs.SERVICE)),
        case(Subject.OWNER, service=None),
    ],
)
def test_a_service_credential_that_is_not_there_is_missed(one: Case) -> None:
    with pytest.raises(Refusal, match="with the service credential, and none is configured") as told:
        creator(one, PLAN)
    assert told.value.status == 403


async def prepared(plan: Plan = PLAN, **answers: Any) -> tuple[Flight, FakeCluster, BaseException | None]:
    cluster, one, problem = FakeCluster([], answers), flight(plan), None
    try:
        await prepare(one, case(), plan, creator(case(), plan), cluster)
    except Exception as failure:  # noqa: BLE001 -- looked at by the test
        problem = failure
    return one, cluster, problem


async def test_the_destination_is_made_and_the_job_looked_at_again() -> None:
    one, cluster, problem = await prepared()
    assert problem is None
    assert (one.created, one.created_as) == (True, "caller")
    assert cluster.calls == ["create flights-out as caller", "job caller"]
    assert cluster.bodies == [PLAN.body]


async def test_somebody_was_faster() -> None:
    one, _, problem = await prepared(create=False)
    assert problem is None
    assert not one.created


async def test_without_a_destination_to_make_the_job_is_looked_at_all_the_same() -> None:
    one, cluster, problem = await prepared(LEAVE)
    assert problem is None
    assert one.created_as is None
    assert cluster.calls == ["job caller"]


@pytest.mark.parametrize(
    "changes", [{"create_time": 5}, {"dest": {"index": "other"}}, {"authorization": {"roles": []}}]
)
async def test_a_job_that_was_changed_meanwhile_is_not_started(changes: dict[str, Any]) -> None:
    one, _, problem = await prepared(job=made(**changes))
    assert isinstance(problem, Refusal)
    assert (problem.status, problem.reason) == (409, changed(made()).reason)
    assert "Cannot start data frame analytics [outliers] because" in problem.reason
    assert one.created


async def test_a_refused_creation_is_told_before_a_changed_job() -> None:
    refusal = refused_by_cluster(400)
    one, _, problem = await prepared(create=refusal, job=made(create_time=5))
    assert problem is refusal
    assert (one.created, one.removal) == (False, None)


async def test_a_creation_without_an_answer_may_have_happened() -> None:
    one, _, problem = await prepared(create=ClusterUnreachable("down"))
    assert isinstance(problem, ClusterUnreachable)
    assert not one.created
    assert one.removal == "kept: no answer came to its creation, so it may exist or not"


@pytest.mark.parametrize("failure", [refused_by_cluster(404), ClusterUnreachable("down")])
async def test_a_job_that_cannot_be_looked_at_is_not_started(failure: Exception) -> None:
    one, _, problem = await prepared(job=failure)
    assert problem is failure
    assert one.created


async def cleaned(one: Flight, reply: Answer | None, rules: Rules = RULES, **answers: Any) -> list[str]:
    cluster = FakeCluster([], answers)
    all_of_it = case(rules=rules)
    await clean_up(one, all_of_it, creator(all_of_it, PLAN), reply, cluster)
    assert all(body == PLAN.body["mappings"]["_meta"] for body in cluster.bodies if PLAN.body)
    return cluster.calls


@pytest.mark.parametrize("reply", [None, *(answer(status) for status in (400, 401, 403, 404, 410, 499))])
async def test_what_was_made_for_a_refused_start_is_removed(reply: Answer | None) -> None:
    one = flight(created=True)
    assert await cleaned(one, reply) == ["remove flights-out as caller"]
    assert one.removal == "removed"


@pytest.mark.parametrize(
    ("state", "is_idle"),
    [
        (JobState(state="stopped", stage=Stage.FIRST_TIME), True),
        (JobState(state="", stage=Stage.FIRST_TIME), True),
        (refused_by_cluster(404), True),
        *((JobState(state=name, stage=Stage.FIRST_TIME), False) for name in ("starting", "started", "reindexing")),
        (JobState(state="stopped", stage=Stage.RESUMING_REINDEXING), False),
        (refused_by_cluster(403), False),
    ],
)
async def test_the_removal_asks_the_caller_what_the_job_is_doing(state: Any, is_idle: bool) -> None:
    """Another start of it, through another gate, may have been accepted since."""
    cluster = FakeCluster([], {"state": state})
    all_of_it = case()
    await clean_up(flight(created=True), all_of_it, creator(all_of_it, PLAN), answer(400), cluster)
    assert cluster.idle is not None
    assert await cluster.idle() is is_idle
    assert cluster.calls == ["remove flights-out as caller", "state caller"]


@pytest.mark.parametrize("status", [200, 302, 408, 409, 429, 500, 502, 503, 504])
async def test_where_the_job_may_run_the_destination_is_kept(status: int) -> None:
    one = flight(created=True)
    assert await cleaned(one, answer(status)) == []
    assert one.removal is None


@pytest.mark.parametrize("one", [flight(), flight(LEAVE, created=True)])
async def test_only_what_was_made_is_removed(one: Flight) -> None:
    assert await cleaned(one, answer(400)) == []


async def test_rules_may_keep_it() -> None:
    one = flight(created=True)
    assert await cleaned(one, answer(400), replace(RULES, on_refused_start=OnRefusedStart.KEEP)) == []
    assert one.removal == "kept: the rules say so"


@pytest.mark.parametrize("failure", [refused_by_cluster(403, reason="no"), ClusterUnreachable("no")])
async def test_a_removal_that_fails_is_noted(failure: Exception) -> None:
    one = flight(created=True)
    await cleaned(one, answer(400), remove=failure)
    assert one.removal == "unknown: no"


PLACES = {
    "unknown value for [index.codec] must be": "index.codec: rules/a.yml:14",
    "unknown index sort field:[gone]": "index.sort.field: rules/a.yml:15",
    "no shards are left": "index.codec: rules/a.yml:14, index.sort.field: rules/a.yml:15",
}


@pytest.mark.parametrize(("reason", "places"), PLACES.items())
async def test_a_creation_that_is_refused_names_the_rules_that_it_speaks_of(reason: str, places: str) -> None:
    refusal = refused_by_cluster(400, type="illegal_argument_exception", reason=reason)
    _, _, problem = await prepared(OVERRIDDEN, create=refusal)
    assert isinstance(problem, PassedOn)
    assert (problem.status, problem.type) == (400, "illegal_argument_exception")
    assert problem.reason == problem.body()["error"]["reason"] == f"{reason} (set by the rules, {places})"
    assert problem.body()["error"]["root_cause"] == refusal.body()["error"]["root_cause"]


def test_a_refusal_in_one_text_is_placed_too() -> None:
    told = placed(PassedOn(400, {"error": "[index.codec]", "status": 400}), OVERRIDDEN)
    assert told.body() == {"error": "[index.codec] (set by the rules, index.codec: rules/a.yml:14)", "status": 400}


@pytest.mark.parametrize("plan", [PLAN, LEAVE])
def test_without_settings_of_the_rules_a_refusal_is_as_it_came(plan: Plan) -> None:
    refusal = refused_by_cluster(400)
    assert placed(refusal, plan) is refusal
    denied = refused_by_cluster(403)
    assert placed(denied, OVERRIDDEN) is denied


async def said(
    plan: Plan | Refusal = OVERRIDDEN, one: Case | None = None, answers: Any = None
) -> tuple[Any, list[str]]:
    cluster = FakeCluster([], answers or {})
    return await foretold(one or case(), plan, cluster), cluster.calls


async def test_the_cluster_is_asked_beforehand_as_whoever_creates() -> None:
    assert await said() == (Foretold(), ["foretell caller True"])
    assert await said(PLAN) == (Foretold(), ["foretell caller False"])


@pytest.mark.parametrize("plan", [LEAVE, Refusal(400, "x", "y")])
async def test_nothing_is_asked_about_what_is_not_created(plan: Plan | Refusal) -> None:
    assert await said(plan) == (None, [])
    nobody = case(service=None, rules=replace(RULES, create_as=CreateAs.SERVICE))
    assert await said(OVERRIDDEN, nobody) == (None, [])


async def test_the_service_is_asked_where_the_creator_may_not_know() -> None:
    denied = Foretold(unchecked="no")
    asked = ["foretell caller True", "foretell service True"]
    assert await said(answers={"foretell caller True": denied}) == (Foretold(), asked)
    both = {"foretell caller True": denied, "foretell service True": Foretold(unchecked="neither")}
    assert await said(answers=both) == (denied, asked)
    assert await said(OVERRIDDEN, case(service=None), both) == (denied, asked[:1])
    assert await said(OVERRIDDEN, case(Subject.OWNER), both) == (Foretold(unchecked="neither"), asked[1:])


async def test_what_is_said_beforehand_names_the_rules_too() -> None:
    problem = Refusal(400, "illegal_argument_exception", "unknown value for [index.codec]")
    told, _ = await said(answers={"foretell caller True": Foretold(problem=problem)})
    assert told.problem.reason == "unknown value for [index.codec] (set by the rules, index.codec: rules/a.yml:14)"
