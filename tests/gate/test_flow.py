"""One start from end to end, with stand-ins for cluster and journal: what is done, in which order, whatever fails."""

import asyncio
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.destination.distinct import LARGE
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate import flow, plan
from proxy.gate.flight import Plan
from proxy.gate.ports import Facts, Given, IndexState
from proxy.gate.request import Arrived, read_request
from proxy.model import Answer, JobState, Stage
from proxy.privileges import Held
from proxy.rules import CreateAs, OnRefusedStart, RunningJob, SubjectKind, from_record, judge
from proxy.rules.compiled import Mode
from proxy.settings import GateLimits
from proxy.tasks import spawn
from tests.gate.casefiles import Case, cases, run, value_at
from tests.gate.fakes import (
    ANALYST,
    ANN,
    BOB,
    FLIGHTS,
    KIBANA,
    RULES,
    STARTED,
    TARGET,
    Scene,
    answer,
    arrived,
    grants,
    made,
    refused_by_cluster,
    until,
)
from tests.gate.samples import FIRE, guard, guarded

SECONDARY = ("es-secondary-authorization", "Basic Ym9i")
EXISTING = Facts(sources=(), destination=IndexState(name="flights-out", uuid="u", mappings={}))
UNREACHABLE = ClusterUnreachable("GET /: no route to 10.9.8.7:9200")


def scene(**answers: Any) -> Scene:
    one = Scene()
    one.cluster.answers = {name.replace("_", " "): value for name, value in answers.items()}
    return one


def reason(reply: Answer) -> str:
    told = json.loads(reply.body)
    assert told["status"] == reply.status
    return str(told["error"]["reason"])


def receipt(reply: Answer) -> str | None:
    return dict(reply.headers).get("X-Startgate-Receipt")


# --- granted


async def test_a_granted_first_start() -> None:
    """Four round trips: who and which job; privileges and facts; create and look again; forward."""
    one = scene()
    start = arrived(("Authorization", "Basic YW5u"), ("Content-Type", "application/json"), body=b"{}")
    reply = await one.run(start)
    assert set(one.calls[:4]) == {"identify caller", "job caller", "state caller", "version service"}
    assert set(one.calls[4:7]) == {"held caller", "facts caller", "given caller"}
    assert one.calls[7] == "intent"
    assert set(one.calls[8:10]) == {"create flights-out as caller", "job caller"}
    assert one.calls[10:] == ["forward", "followed", "outcome"]
    assert one.cluster.forwarded == [(TARGET, start.headers, b"{}", 30.0)]
    assert reply == Answer(status=200, headers=(*STARTED.headers, ("X-Startgate-Receipt", "r1")), body=STARTED.body)
    assert one.outcome["event"]["outcome"] == "success"
    assert one.outcome["startgate"]["destination"]["created"] is True
    assert one.outcome["startgate"]["cluster"] == {"status": 200, "node": "n1"}
    assert list(one.outcome["startgate"]["timings_ms"]) == [
        *("identified", "judged", "planned", "intended", "prepared", "forwarded", "answered")
    ]


async def test_an_intent_tells_what_is_about_to_be_done() -> None:
    one = scene()
    await one.run()
    intent = one.records[0]["startgate"]
    assert intent["phase"] == "intent"
    assert (intent["verdict"]["allowed"], intent["verdict"]["reasons"]) == (True, [])
    assert {step["outcome"] for step in intent["verdict"]["steps"]} == {"passed"}
    assert (intent["destination"]["index"], intent["destination"]["plan"]) == ("flights-out", "create")
    assert intent["rules"] == {"revision": RULES.revision}


async def test_who_follows_a_start_gets_its_job_credentials_and_receipt() -> None:
    one = scene()
    await one.run()
    ((job, credentials, number),) = one.followed
    assert (job.id, credentials.caller.whose, number) == ("outliers", "caller", "r1")


async def test_who_follows_a_start_gets_what_it_was_judged_over_and_who_looked() -> None:
    for start, whose in ((arrived(), "caller"), (arrived(SECONDARY), "secondary")):
        one = scene()
        await one.run(start)
        assert one.judged is not None
        assert one.judged.reading is not None
        assert (one.judged.rules, one.judged.situation.job.id, one.judged.reading.whose) == (RULES, "outliers", whose)


async def test_a_destination_that_exists_is_used() -> None:
    one = scene(facts=EXISTING)
    assert (await one.run()).status == 200
    assert one.effects == ["intent", "forward", "followed", "outcome"]
    assert one.outcome["startgate"]["destination"]["plan"] == "existing"
    assert one.outcome["startgate"]["destination"]["created"] is False


@pytest.mark.parametrize(
    "state",
    [
        JobState(state="stopped", stage=Stage.RESUMING_REINDEXING),
        JobState(state="stopped", stage=Stage.RESUMING_ANALYZING),
        JobState(state="stopped", stage=Stage.FINISHED),
        JobState(state="started", stage=Stage.FIRST_TIME),
        JobState(state="failed", stage=Stage.RESUMING_ANALYZING),
    ],
)
async def test_a_later_start_leaves_the_destination_alone(state: JobState) -> None:
    one = scene(state=state)
    assert (await one.run()).status == 200
    assert one.effects == ["intent", "forward", "followed", "outcome"]
    assert "facts caller" not in one.calls
    assert one.outcome["startgate"]["destination"]["plan"] == "leave"


async def test_somebody_else_created_it_in_between() -> None:
    """What is there is used, and is not ours to remove."""
    one = scene(create=False, forward=answer(400))
    assert (await one.run()).status == 400
    assert one.effects == ["intent", "create flights-out as caller", "forward", "outcome"]
    assert one.outcome["startgate"]["destination"]["created"] is False


# --- the three identities


async def test_a_secondary_reads_creates_and_is_judged() -> None:
    one = scene()
    await one.run(arrived(SECONDARY))
    assert one.effects == ["intent", "create flights-out as secondary", "forward", "followed", "outcome"]
    assert {"held caller", "held secondary", "facts secondary"} <= set(one.calls)
    assert "facts caller" not in one.calls
    assert one.outcome["startgate"]["secondary"]["name"] == "bob"
    assert one.cluster.credentials["secondary"].headers[0] == ("authorization", "Basic Ym9i")


OWNERS = {
    "roles": {"roles": ["analyst"]},
    "api_key": {"api_key": {"id": "k1", "name": "key"}},
    "service_account": {"service_account": "elastic/fleet-server"},
}


@pytest.mark.parametrize("kind", OWNERS)
async def test_through_an_intermediary_the_owner_is_judged_and_the_service_acts(kind: str) -> None:
    job = made(authorization=OWNERS[kind])
    one = scene(identify_caller=KIBANA, job=job, grants=grants(ANALYST, limited_by=[ANALYST]))
    assert (await one.run()).status == 200
    assert one.effects == ["intent", "create flights-out as service", "forward", "followed", "outcome"]
    assert {"held caller", f"grants {kind}", "facts service"} <= set(one.calls)
    assert one.outcome["startgate"]["owner"]["kind"] == kind
    assert one.outcome["startgate"]["subjects"] == {"data": "owner", "asked": ["owner"], "intermediary": True}


async def test_an_owner_without_access_is_denied_through_an_intermediary() -> None:
    one = scene(identify_caller=KIBANA, grants=grants({"indices": []}))
    reply = await one.run()
    assert reply.status == 403
    assert "the owner of the job" in reason(reply)
    assert one.effects == ["outcome"]


async def test_the_name_of_an_intermediary_in_another_realm_is_nobody() -> None:
    one = scene(identify_caller=replace(KIBANA, realm="file1", realm_type="file", lookup_realm="file1"))
    assert (await one.run()).status == 200
    assert not any(call.startswith("grants") for call in one.calls)
    assert "create flights-out as caller" in one.calls


async def test_an_intermediary_that_says_for_whom_needs_no_owner() -> None:
    one = scene(identify_caller=KIBANA)
    await one.run(arrived(SECONDARY))
    assert "create flights-out as secondary" in one.calls
    assert not any(call.startswith("grants") for call in one.calls)


async def test_only_what_the_owner_may_see_is_copied() -> None:
    narrow = {"indices": [ANALYST["indices"][0] | {"field_security": {"grant": ["distance"]}}, ANALYST["indices"][1]]}
    one = scene(identify_caller=KIBANA, grants=grants(narrow))
    assert (await one.run()).status == 200
    assert set(one.cluster.bodies[0]["mappings"]["properties"]) == {"distance", "ml__incremental_id"}


async def test_a_secondary_reads_for_itself_whatever_the_owner_sees() -> None:
    """Asked as well, the owner only judges; what is copied is what the reading credentials were shown."""
    narrow = {"indices": [ANALYST["indices"][0] | {"field_security": {"grant": ["carrier"]}}, ANALYST["indices"][1]]}
    one = scene(grants=grants(narrow))
    await one.run(arrived(SECONDARY), replace(RULES, subjects=(SubjectKind.DATA, SubjectKind.OWNER)))
    assert set(one.cluster.bodies[0]["mappings"]["properties"]) == {"distance", "carrier", "ml__incremental_id"}


async def test_without_a_service_credential_an_intermediary_is_denied_with_the_way_out() -> None:
    refusal = Refusal(403, "security_exception", "no service credential is configured; set cluster.service")
    one = scene(identify_caller=KIBANA, grants=refusal)
    one.service = None
    reply = await one.run()
    assert reply.status == 403
    assert "set cluster.service" in reason(reply)
    assert one.effects == ["outcome"]
    assert not any(call.startswith("facts") for call in one.calls)


async def test_without_a_service_credential_nobody_reads_for_an_owner() -> None:
    """Cannot come about: the owner cannot be judged without one either. If it could, nothing would be planned."""
    one = scene(identify_caller=KIBANA)
    one.service = None
    reply = await one.run()
    assert reason(reply) == "the sources cannot be read: no service credential is configured"
    assert one.effects == ["outcome"]


# --- create_as


@pytest.mark.parametrize(
    ("create_as", "whose"), [(CreateAs.AUTO, "secondary"), (CreateAs.CALLER, "caller"), (CreateAs.SERVICE, "service")]
)
async def test_rules_say_as_whom_it_is_created(create_as: CreateAs, whose: str) -> None:
    one = scene(forward=answer(400))
    await one.run(arrived(SECONDARY), replace(RULES, create_as=create_as))
    assert one.effects == [
        "intent",
        f"create flights-out as {whose}",
        "forward",
        f"remove flights-out as {whose}",
        "outcome",
    ]
    assert one.outcome["startgate"]["destination"]["created_as"] == whose


async def test_without_the_service_credential_that_rules_want_nothing_happens() -> None:
    one = scene()
    one.service = None
    reply = await one.run(rules=replace(RULES, create_as=CreateAs.SERVICE))
    assert (reply.status, one.effects) == (403, ["outcome"])


@pytest.mark.parametrize("answers", [{"facts": EXISTING}, {"state": JobState(state="stopped", stage=Stage.FINISHED)}])
async def test_where_nothing_is_created_nobody_need_create(answers: dict[str, Any]) -> None:
    one = scene(**answers)
    one.service = None
    assert (await one.run(rules=replace(RULES, create_as=CreateAs.SERVICE))).status == 200


# --- refused before any effect


async def test_what_is_no_good_request_reaches_nobody() -> None:
    one = scene()
    reply = await one.run(arrived(target=TARGET + "?foo=1"))
    assert reply.status == 400
    assert one.calls == ["outcome"]
    # What it quotes of the query is for the client alone.
    assert one.outcome["event"]["reason"] == reason(reply).replace("[foo]", "[…]")


async def test_a_broken_query_is_refused() -> None:
    one = scene()
    assert (await one.run(arrived(target=TARGET + "?pretty=%zz"))).status == 400
    assert one.calls == ["outcome"]


async def test_a_denied_start_has_no_effect() -> None:
    one = scene(held=Held(cluster={"manage_ml": False}))
    reply = await one.run()
    assert reply.status == 403
    assert reason(reply).startswith("Cannot start data frame analytics [outliers] because user [ann]")
    assert one.effects == ["outcome"]
    verdict = one.outcome["startgate"]["verdict"]
    assert verdict["allowed"] is False
    assert verdict["reasons"][0]["rule"].startswith(str(RULES.files[0]))


async def test_a_conflict_of_mappings_has_no_effect() -> None:
    other = {"properties": {"distance": {"type": "keyword"}}}
    sources = (FLIGHTS, replace(FLIGHTS, name="more", mappings=other))
    one = scene(facts=Facts(sources=sources, destination=None))
    reply = await one.run()
    assert reply.status == 400
    assert "cannot merge [properties] mappings" in reason(reply)
    assert one.effects == ["outcome"]


@pytest.mark.parametrize(
    ("refusal", "held", "status"),
    [
        (refused_by_cluster(404, "resource_not_found_exception", "No known"), True, 404),
        (refused_by_cluster(403, reason="action [monitor]"), True, 403),
        (refused_by_cluster(404, "resource_not_found_exception", "No known"), False, 403),
    ],
)
async def test_a_hidden_job(refusal: Refusal, held: bool, status: int) -> None:
    one = scene(job=refusal, state=refusal, held=Held(cluster={"manage_ml": held}))
    reply = await one.run()
    assert reply.status == status
    assert ("No known" in reason(reply)) == (status == 404)
    assert one.effects == ["outcome"]
    assert one.outcome["user"]["name"] == "ann"


async def test_a_caller_whom_the_cluster_refuses() -> None:
    challenge = [("WWW-Authenticate", 'Basic realm="security"')]
    refusal = refused_by_cluster(
        401, reason="unable to authenticate user [ann] for REST request [/_security/_authenticate]"
    )
    refusal.headers = tuple(challenge)
    one = scene(identify_caller=refusal)
    reply = await one.run()
    assert reply.status == 401
    assert reason(reply) == f"unable to authenticate user [ann] for REST request [{TARGET}]"
    assert challenge[0] in reply.headers
    assert "X-elastic-product" not in dict(reply.headers)
    assert one.effects == ["outcome"]


@pytest.mark.parametrize(("status", "records"), [(401, 0), (503, 0), (403, 1)])
async def test_only_whom_the_cluster_does_not_know_is_counted(status: int, records: int) -> None:
    """403 is told to somebody whose credentials are good, and who may not act for whom they name."""
    one = scene(identify_caller=refused_by_cluster(status))
    one.repeated = True
    reply = await one.run()
    assert reply.status == status
    assert len(one.records) == records
    assert ("X-Startgate-Receipt" in dict(reply.headers)) == bool(records)


async def test_a_secondary_whom_the_cluster_refuses() -> None:
    one = scene(identify_secondary=refused_by_cluster(401))
    reply = await one.run(arrived(SECONDARY))
    assert (reply.status, reason(reply)) == (401, "Failed to authenticate secondary user")
    assert one.effects == ["outcome"]


async def test_facts_that_the_cluster_refuses_are_told_only_to_who_may_start() -> None:
    refusal = refused_by_cluster(403, reason="facts")
    assert reason(await scene(facts=refusal).run()) == "facts"
    denied = await scene(facts=refusal, held=Held()).run()
    assert "facts" not in reason(denied)


async def test_remote_sources_are_told_as_elasticsearch_does() -> None:
    one = scene(job=made(source={"index": ["other:flights"]}), facts=refused_by_cluster(400, reason="no such remote"))
    assert reason(await one.run()) == "Validation Failed: 1: remote source indices are not supported;"


# --- the journal fails


async def test_without_an_intent_on_record_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    one = scene()
    one.journal.failing = {"intent"}
    reply = await one.run()
    assert reply.status == 503
    assert (
        reason(reply) == "no start without an audit record, and the journal cannot be written; the gate's log says why"
    )
    assert one.effects == ["intent", "outcome"]
    assert "/secret/place" not in reply.body.decode()
    assert "/secret/place cannot be written: No space left on device" in caplog.text


async def test_without_any_record_nothing_happens_either() -> None:
    one = scene()
    one.journal.failing = {"intent", "outcome"}
    assert (await one.run()).status == 503
    assert (one.effects, one.records) == (["intent", "outcome"], [])


async def test_a_start_whose_outcome_is_not_on_record_is_not_answered_as_if_it_were() -> None:
    one = scene()
    one.journal.failing = {"outcome"}
    reply = await one.run()
    assert reply.status == 503
    assert reason(reply) == (
        "the start was forwarded and answered with 200, "
        "but the journal cannot be written and its outcome is not on record"
    )
    assert receipt(reply) == "r1"
    assert len(one.followed) == 1


@pytest.mark.parametrize(
    ("answers", "told", "outcome"),
    [
        ({}, 200, "success"),
        ({"forward": answer(400)}, 400, "failure"),
        ({"forward": UNREACHABLE}, None, "unknown"),
    ],
)
async def test_an_outcome_that_was_owed_is_recorded_once_it_can_be(
    answers: dict[str, Any], told: int | None, outcome: str
) -> None:
    """It tells how the start went, and what its client was told: that it is not on record."""
    one = scene(**answers)
    one.journal.failing = {"outcome"}
    assert (await one.run()).status == 503
    assert [entry["startgate"]["phase"] for entry in one.records] == ["intent"]
    one.journal.failing = set()
    await until(lambda: not one.owed)
    assert one.outcome["event"]["outcome"] == outcome
    assert "No space left on device" in one.outcome["event"]["reason"]
    assert one.outcome["http"]["response"]["status_code"] == 503
    if told is not None:
        assert one.outcome["startgate"]["cluster"]["status"] == told
    await one.owed.close()


async def test_a_start_whose_intent_comes_late_does_not_stay_open() -> None:
    """Nothing was done for it, and its outcome says that."""
    one = scene()
    one.journal.late, one.journal.failing = {"intent"}, {"outcome"}
    assert (await one.run()).status == 503
    assert [entry["startgate"]["phase"] for entry in one.records] == ["intent"]
    one.journal.failing = set()
    await until(lambda: not one.owed)
    assert one.outcome["event"]["outcome"] == "failure"
    assert set(one.effects) == {"intent", "outcome"}
    await one.owed.close()


async def test_a_refusal_that_is_not_on_record_is_not_given() -> None:
    """Nor is it owed: nothing was done for it, and anybody can have as many as they like."""
    one = scene(held=Held())
    one.journal.failing = {"outcome"}
    assert (await one.run()).status == 503
    assert not one.owed


async def test_what_cannot_be_put_on_record_leaves_a_bare_record(caplog: pytest.LogCaptureFixture) -> None:
    """Cannot come about: what the cluster says is checked before. If it did, there would still be a record."""
    nothing: Any = None
    nameless = scene(identify_caller=replace(ANN, username=nothing))
    assert (await nameless.run()).status == 500
    assert nameless.effects == ["outcome"]
    assert nameless.outcome["event"]["outcome"] == "failure"
    assert "not all of this start could be put on record" in nameless.outcome["event"]["reason"]
    assert "its record is not complete" in caplog.text


# --- the cluster fails


@pytest.mark.parametrize(
    ("call", "effects"),
    [
        ("identify caller", ["outcome"]),
        ("identify secondary", ["outcome"]),
        ("job caller", ["outcome"]),
        ("state caller", ["outcome"]),
        ("version service", ["outcome"]),
        ("held caller", ["outcome"]),
        ("held secondary", ["outcome"]),
        ("facts secondary", ["outcome"]),
        ("create", ["intent", "create flights-out as secondary", "outcome"]),
        ("forward", ["intent", "create flights-out as secondary", "forward", "followed", "outcome"]),
    ],
)
@pytest.mark.parametrize(
    ("failure", "status"), [(UNREACHABLE, 503), (RuntimeError("a fault of ours"), 500), (KeyError("x"), 500)]
)
async def test_every_call_that_fails_ends_in_a_record(
    call: str, effects: list[str], failure: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """No answer, or a fault of our own: the client learns that, but not the detail; the record and the log have it."""
    one = scene()
    one.cluster.answers = {call: failure}
    reply = await one.run(arrived(SECONDARY))
    assert (reply.status, one.effects) == (status, effects)
    assert receipt(reply) == "r1"
    assert "10.9.8.7" not in reply.body.decode()
    assert "fault of ours" not in reply.body.decode()
    assert one.outcome["event"]["outcome"] == ("unknown" if "intent" in effects else "failure")
    assert one.outcome["event"]["reason"] == str(failure)
    assert str(failure) in caplog.text
    assert ("Traceback" in caplog.text) == (status == 500)


async def test_a_job_that_cannot_be_looked_at_again_is_not_started() -> None:
    one = scene(job=[made(), UNREACHABLE])
    assert (await one.run()).status == 503
    assert one.effects == ["intent", "create flights-out as caller", "remove flights-out as caller", "outcome"]


async def test_a_creation_that_the_cluster_refuses() -> None:
    one = scene(create=refused_by_cluster(400, "validation_exception", "this would add 2 shards"))
    reply = await one.run()
    assert (reply.status, reason(reply)) == (400, "this would add 2 shards")
    assert one.effects == ["intent", "create flights-out as caller", "outcome"]


@pytest.mark.parametrize("changed", [made(create_time=1), made(dest={"index": "elsewhere"}), made(description="other")])
async def test_a_job_that_was_changed_in_between_is_not_started(changed: Any) -> None:
    one = scene(job=[made(), changed])
    reply = await one.run()
    assert reply.status == 409
    assert one.effects == ["intent", "create flights-out as caller", "remove flights-out as caller", "outcome"]
    assert one.outcome["startgate"]["destination"]["removal"] == "removed"


# --- the cluster refuses the start


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refused_start_leaves_no_destination_behind(status: int) -> None:
    one = scene(forward=answer(status, b'{"error":"dest index must be empty"}'))
    reply = await one.run()
    assert (reply.status, reply.body) == (status, b'{"error":"dest index must be empty"}')
    assert one.effects == [
        "intent",
        "create flights-out as caller",
        "forward",
        "remove flights-out as caller",
        "outcome",
    ]
    meta = one.cluster.bodies[0]["mappings"]["_meta"]
    assert one.cluster.bodies[1] == meta
    assert one.outcome["startgate"]["destination"]["removal"] == "removed"
    assert one.outcome["event"]["outcome"] == "failure"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
async def test_a_start_that_may_still_happen_keeps_its_destination(status: int) -> None:
    one = scene(forward=answer(status))
    assert (await one.run()).status == status
    # Where it may run, its end has to be learned; after a 409 it is another start's.
    followed = [] if status == 409 else ["followed"]
    assert one.effects == ["intent", "create flights-out as caller", "forward", *followed, "outcome"]
    assert "removal" not in one.outcome["startgate"]["destination"]


@pytest.mark.parametrize("failure", [answer(408), answer(503), UNREACHABLE])
async def test_a_job_that_ran_before_is_another_starts_to_follow(failure: object) -> None:
    one = scene(forward=failure, state=JobState(state="started", stage=Stage.FIRST_TIME))
    assert (await one.run()).status in (408, 503)
    assert one.followed == []


async def test_rules_may_keep_the_destination() -> None:
    one = scene(forward=answer(400))
    await one.run(rules=replace(RULES, on_refused_start=OnRefusedStart.KEEP))
    assert "remove flights-out as caller" not in one.calls
    assert one.outcome["startgate"]["destination"]["removal"] == "kept: the rules say so"


async def test_a_destination_that_was_there_is_never_removed() -> None:
    one = scene(facts=EXISTING, forward=answer(400))
    await one.run()
    assert one.effects == ["intent", "forward", "outcome"]


async def test_a_removal_that_fails_does_not_change_the_answer() -> None:
    one = scene(forward=answer(400), remove=UNREACHABLE)
    assert (await one.run()).status == 400
    assert one.outcome["startgate"]["destination"]["removal"].startswith("unknown: ")


# --- time and turn


@pytest.mark.parametrize(
    ("query", "limit_s"), [("", 30.0), ("?timeout=5s", 15.0), ("?timeout=-1", 600.0), ("?timeout=9d", 600.0)]
)
async def test_a_start_is_waited_for_as_long_as_it_asks(query: str, limit_s: float) -> None:
    one = scene()
    one.limits = GateLimits(forward_grace_s=10, forward_limit_s=600)
    await one.run(arrived(target=TARGET + query))
    assert one.cluster.forwarded[0][3] == limit_s


async def test_two_starts_of_one_job_take_turns() -> None:
    one = scene()
    await asyncio.gather(one.run(arrived(receipt="first")), one.run(arrived(receipt="second")))
    turns = [call for call in one.calls if call in ("identify caller", "forward")]
    # The second is looked at before it may wait, and judged anew when its turn comes.
    assert turns == ["identify caller", "identify caller", "forward", "identify caller", "forward"]
    receipts = [record["startgate"]["receipt"] for record in one.records if record["startgate"]["phase"] == "intent"]
    assert receipts == ["first", "second"]


async def test_the_second_waits_until_the_first_is_through_with_the_cluster() -> None:
    gate = asyncio.Event()

    async def slow() -> Answer:
        await gate.wait()
        return STARTED

    one = scene(forward=slow)
    first = asyncio.ensure_future(one.run(arrived(receipt="first")))
    second = asyncio.ensure_future(one.run(arrived(receipt="second")))
    await until(lambda: (one.calls.count("identify caller"), one.calls.count("forward")) == (2, 1))
    gate.set()
    await asyncio.gather(first, second)
    assert (one.calls.count("identify caller"), one.calls.count("forward")) == (3, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"identify caller": refused_by_cluster(401)},
        {"held caller": Held()},
        {"job caller": refused_by_cluster(404, "resource_not_found_exception")},
    ],
    ids=["unknown", "not allowed", "no such job"],
)
async def test_who_may_not_start_it_does_not_wait_for_a_job(wrong: dict[str, Any]) -> None:
    """Else anybody could stand in line, and hold up those who may."""
    gate = asyncio.Event()

    async def slow() -> Answer:
        await gate.wait()
        return STARTED

    one = scene(forward=slow)
    first = asyncio.ensure_future(one.run(arrived(receipt="first")))
    await until(lambda: "forward" in one.calls)
    one.cluster.answers |= wrong
    refused = await asyncio.wait_for(one.run(arrived(receipt="second")), 2)
    assert refused.status in (401, 403, 404)
    assert not first.done()
    gate.set()
    await first


async def test_starts_of_different_jobs_do_not_wait_for_each_other() -> None:
    gate = asyncio.Event()
    both = asyncio.Event()
    inside = 0

    async def slow() -> Answer:
        nonlocal inside
        inside += 1
        if inside == 2:
            both.set()
        await gate.wait()
        return STARTED

    one = scene(forward=slow)
    other = TARGET.replace("outliers", "others")
    running = [asyncio.ensure_future(one.run(arrived(target=target))) for target in (TARGET, other)]
    await asyncio.wait_for(both.wait(), 2)
    gate.set()
    await asyncio.gather(*running)


async def test_the_turn_is_given_back_after_a_failure() -> None:
    one = scene(identify=UNREACHABLE)
    await one.run()
    one.cluster.answers = {}
    assert (await asyncio.wait_for(one.run(), 2)).status == 200


async def test_a_start_that_was_not_read_is_on_record_too() -> None:
    one = scene()
    refusal = Refusal(413, "content_too_long_exception", "the body of a start is limited to 10 bytes")
    reply = await flow.turn_away(arrived(), refusal, RULES, one.world())
    assert (reply.status, receipt(reply)) == (413, "r1")
    assert one.outcome["event"]["reason"] == "the body of a start is limited to 10 bytes"


# --- what must never be on record

SECRET = "s3cr3t-do-not-record"
EVERYWHERE = arrived(
    ("Authorization", f"ApiKey {SECRET}"),
    ("es-secondary-authorization", f"Basic {SECRET}"),
    ("es-client-authentication", f"SharedSecret {SECRET}"),
    ("es-secondary-x-client-authentication", f"SharedSecret {SECRET}"),
    ("Cookie", f"sid={SECRET}"),
    ("X-Api-Token", SECRET),
    ("Proxy-Authorization", SECRET),
    ("Content-Type", "application/json"),
    target=f"{TARGET}?filter_path={SECRET}",
    body=b'{"timeout":"5s"}',
)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"held": Held()},
        {"identify_caller": refused_by_cluster(401)},
        {"identify_secondary": refused_by_cluster(401)},
        {"job": refused_by_cluster(404)},
        {"facts": UNREACHABLE},
        {"create": refused_by_cluster(400)},
        {"forward": answer(400, f'{{"error":{{"reason":"no","query":"{SECRET}"}}}}'.encode())},
        {"forward": Answer(status=200, headers=(("Set-Cookie", SECRET),), body=f'{{"x":"{SECRET}"}}'.encode())},
        {"forward": UNREACHABLE},
    ],
)
async def test_no_secret_gets_on_record_or_into_the_log(
    answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = {"query": {"term": {"ssn": SECRET}}, "index": ["flights"]}
    one = scene(**{"job": made(source=config), **answers})
    one.service = f"ApiKey {SECRET}"
    await one.run(EVERYWHERE)
    assert one.records
    assert SECRET not in json.dumps(one.records)
    assert SECRET not in caplog.text


async def test_identities_are_on_record_by_name() -> None:
    one = scene(identify_caller=ANN, identify_secondary=BOB)
    await one.run(EVERYWHERE)
    assert (one.outcome["user"]["name"], one.outcome["startgate"]["secondary"]["name"]) == ("ann", "bob")


# --- cases that are written as YAML files


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
async def test_case(case: Case, tmp_path: Path) -> None:
    one, reply = await run(case, tmp_path)
    wanted = case.wanted
    assert (reply.status, one.effects) == (wanted["status"], wanted["effects"]), reply.body
    assert wanted.get("reason", "") in reply.body.decode().replace('\\"', '"')
    records = wanted.get("records", [])
    assert not records or len(records) == len(one.records)
    for record, fields in zip(one.records, records, strict=False):
        assert {path: value_at(record, path) for path in fields} == fields
    for path, value in wanted.get("created", {}).items():
        assert value_at(one.cluster.bodies[0], path) == value, path


# --- the plan alone


PLAN_ONLY = replace(arrived(), plan=("only",))
FINISHED = JobState(state="stopped", stage=Stage.FINISHED)
REMADE = JobState(state="stopped", stage=Stage.RESUMING_REINDEXING)


async def test_a_plan_has_no_effect_and_is_on_record() -> None:
    one = scene()
    reply = await one.run(PLAN_ONLY)
    told = json.loads(reply.body)
    assert (reply.status, receipt(reply), told["receipt"]) == (200, "r1", "r1")
    assert (told["would_succeed"], told["create"]["path"]) == (True, "/flights-out")
    assert one.effects == ["outcome"]
    assert one.cluster.bodies == []
    assert one.cluster.forwarded == []
    assert one.outcome["event"]["outcome"] == "success"
    assert one.outcome["startgate"]["plan_only"] is True
    assert one.outcome["startgate"]["destination"]["plan"] == "create"
    assert "created" not in one.outcome["startgate"]["destination"]


@pytest.mark.parametrize("asked", [arrived(), PLAN_ONLY])
@pytest.mark.parametrize(("fields", "large"), [(10, False), (LARGE, True)])
async def test_nobody_waits_for_a_plan_over_much(
    fields: int, large: bool, asked: Arrived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop and ordinary plans have the thread of the process to themselves."""
    made_in: list[threading.Thread] = []

    def make_plan(*known: Any) -> Plan:
        made_in.append(threading.current_thread())
        return plan.make_plan(*known)

    monkeypatch.setattr(flow, "make_plan", make_plan)
    mappings = {"properties": {f"f{number}": {"type": "long"} for number in range(fields)}}
    one = scene(facts=Facts(sources=(replace(FLIGHTS, mappings=mappings),), destination=None))
    reply = await one.run(asked)
    assert reply.status == 200
    assert [thread is not threading.current_thread() for thread in made_in] == [large]


async def test_a_plan_over_much_may_be_refused() -> None:
    """A conflict that is found by another thread is told as any."""
    one, other = ({f"f{number}": {"type": kind} for number in range(LARGE)} for kind in ("long", "ip"))
    sources = (
        replace(FLIGHTS, name="a", mappings={"properties": one}),
        replace(FLIGHTS, name="b", mappings={"properties": other}),
    )
    refused = scene(facts=Facts(sources=sources, destination=None))
    reply = await refused.run()
    assert reply.status == 400
    assert reason(reply).startswith("cannot merge [properties] mappings because of differences for field [f0]; mapped")
    assert not refused.cluster.forwarded


async def test_a_plan_waits_for_no_start() -> None:
    one = scene()
    lock = one.locks["outliers"] = asyncio.Lock()
    async with lock:
        assert (await one.run(PLAN_ONLY)).status == 200


async def test_who_may_not_start_is_shown_no_plan() -> None:
    nothing = Held(cluster={}, index={})
    started, planned = scene(held=nothing), scene(held=nothing)
    denied = await planned.run(PLAN_ONLY)
    assert denied == await started.run()
    assert denied.status == 403
    assert planned.effects == ["outcome"]
    assert planned.outcome["startgate"]["plan_only"] is True
    assert planned.outcome["startgate"]["verdict"]["allowed"] is False


@pytest.mark.parametrize(
    "plan",
    [
        ("",),
        ("yes",),
        ("Only",),
        ("only", "only"),
        ("only", "no"),
        ("only, only",),
        ("true",),
        ("X-Startgate-Planned: only",),
    ],
)
async def test_what_is_no_plan_is_no_start_either(plan: tuple[str, ...]) -> None:
    one = scene()
    reply = await one.run(replace(arrived(), plan=plan))
    assert reply.status == 400
    assert "X-Startgate-Plan" in reason(reply)
    assert one.calls == ["outcome"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{TARGET}?startgate_plan=only", 200),
        (f"{TARGET}?startgate_plan=only&pretty", 200),
        (f"{TARGET}?startgate_plan", 400),
        (f"{TARGET}?startgate_plan=no", 400),
    ],
)
async def test_the_parameter_beside_the_header(target: str, status: int) -> None:
    one = scene()
    assert (await one.run(replace(PLAN_ONLY, target=target))).status == status
    assert one.effects == ["outcome"]


async def test_the_parameter_alone_starts_nothing() -> None:
    one = scene()
    reply = await one.run(arrived(target=f"{TARGET}?startgate_plan=only"))
    assert (reply.status, one.calls) == (400, ["outcome"])
    assert "unrecognized parameter: [startgate_plan]" in reason(reply)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"facts": refused_by_cluster(403)}, 403),
        ({"facts": Refusal(400, "validation_exception", "no such index [flights]")}, 400),
        ({"state": FINISHED}, 400),
        ({"state": JobState(state="started", stage=Stage.FIRST_TIME)}, 409),
    ],
)
async def test_what_a_start_would_fail_for_is_in_the_plan(answers: dict[str, Any], status: int) -> None:
    one = scene(**answers)
    told = json.loads((await one.run(PLAN_ONLY)).body)
    assert (told["would_succeed"], [problem["status"] for problem in told["problems"]]) == (False, [status])
    assert one.effects == ["outcome"]


async def test_a_plan_that_cannot_be_told_is_none() -> None:
    one = scene(facts=UNREACHABLE)
    assert (await one.run(PLAN_ONLY)).status == 503
    assert one.effects == ["outcome"]


async def test_a_plan_that_is_not_on_record_is_not_told() -> None:
    one = scene()
    one.journal.failing = {"outcome"}
    reply = await one.run(PLAN_ONLY)
    assert reply.status == 503
    assert b"would_succeed" not in reply.body


async def test_for_a_job_stopped_in_copying_the_sources_are_read_for_a_plan_alone() -> None:
    started, planned = scene(state=REMADE), scene(state=REMADE)
    await started.run()
    told = json.loads((await planned.run(PLAN_ONLY)).body)
    assert "facts caller" not in started.calls
    assert "facts caller" in planned.calls
    assert told["remade"]["template"]["body"]["template"]["settings"] == {
        "index.number_of_shards": 2,
        "index.number_of_replicas": 0,
    }


async def test_a_plan_is_told_as_asked() -> None:
    one = scene()
    yaml = await one.run(replace(PLAN_ONLY, target=f"{TARGET}?format=yaml"))
    assert yaml.body.startswith(b"---\nversion: 1\nplan_only: true\n")
    assert b"&id" not in yaml.body, "no part points to another"
    pretty = await scene().run(replace(PLAN_ONLY, target=f"{TARGET}?pretty"))
    assert pretty.body.startswith(b'{\n  "version" : 1,\n')


# --- a destination that dooms the job

HOLDS_RESULTS = replace(
    EXISTING, destination=IndexState(name="flights-out", uuid="u", mappings={"properties": {"ml": {}}})
)


async def test_a_job_that_can_only_fail_is_not_started() -> None:
    one = scene(facts=HOLDS_RESULTS)
    reply = await one.run()
    assert (reply.status, reason(reply)) == (
        400,
        "A field that matches the dest.results_field [ml] already exists; please set a different results_field",
    )
    assert one.effects == ["outcome"]
    assert "documents caller" in one.calls


async def test_of_a_destination_that_is_not_empty_the_cluster_says_so() -> None:
    one = scene(facts=HOLDS_RESULTS, documents=1, forward=answer(400))
    assert (await one.run()).status == 400
    assert one.effects == ["intent", "forward", "outcome"]


async def test_an_existing_destination_without_them_costs_no_call() -> None:
    one = scene(facts=EXISTING)
    assert (await one.run()).status == 200
    assert not any(call.startswith("documents") for call in one.calls)


async def test_a_destination_that_exists_is_looked_into_for_a_plan() -> None:
    one = scene(facts=EXISTING, documents=7)
    told = json.loads((await one.run(PLAN_ONLY)).body)
    assert (told["would_succeed"], told["destination"]["documents"]) == (False, 7)
    assert one.effects == ["outcome"]
    secret = scene(facts=EXISTING, documents=refused_by_cluster(403))
    assert "documents" not in json.loads((await secret.run(PLAN_ONLY)).body)["destination"]
    assert (await scene(facts=EXISTING, documents=UNREACHABLE).run(PLAN_ONLY)).status == 503


# --- index templates


@pytest.mark.parametrize(
    ("create_as", "asked"),
    [(CreateAs.AUTO, "caller"), (CreateAs.CALLER, "caller"), (CreateAs.SERVICE, "service")],
)
async def test_templates_are_asked_about_as_whoever_creates(create_as: CreateAs, asked: str) -> None:
    one = scene()
    assert (await one.run(rules=replace(RULES, create_as=create_as))).status == 200
    assert [call for call in one.calls if call.startswith("given")] == [f"given {asked}"]


async def test_where_nobody_could_create_nobody_is_asked_about_templates() -> None:
    one = scene()
    one.service = None
    assert (await one.run(rules=replace(RULES, create_as=CreateAs.SERVICE))).status == 403
    assert not any(call.startswith("given") for call in one.calls)


async def test_a_template_with_the_results_field_leaves_the_index_to_elasticsearch() -> None:
    """It would fail a job whose index was there before, and starts one that makes the index by itself."""
    one = scene(given=Given(mappings={"properties": {"ml": {"properties": {}}}}))
    assert (await one.run()).status == 200
    assert one.effects == ["intent", "forward", "followed", "outcome"]


# --- guards that warn, exceptions, explanations, and turns


def warnings(reply: Answer) -> list[str]:
    return [value for name, value in reply.headers if name == "Warning"]


async def test_a_guard_that_warns_lets_pass_and_says_so_in_a_header() -> None:
    rules = guarded(guard("w", 'job.id != ""', Mode.WARN), guard("s", 'job.id != ""', Mode.SHADOW))
    cluster = replace(STARTED, headers=(*STARTED.headers, ("Warning", '299 Elasticsearch-8 "deprecated"')))
    one = scene(forward=cluster)
    reply = await one.run(rules=rules)
    assert reply.status == 200
    assert warnings(reply) == ['299 Elasticsearch-8 "deprecated"', '299 Startgate "[w] Mind the gap."']
    verdict = one.outcome["startgate"]["verdict"]
    assert (verdict["allowed"], verdict["warnings"][0]["id"], verdict["shadowed"][0]["id"]) == (True, "w", "s")


async def test_a_refusal_warns_as_well() -> None:
    rules = guarded(guard("w", 'job.id != ""', Mode.WARN), guard("e", 'job.id != ""', message="No."))
    one = scene()
    reply = await one.run(rules=rules)
    assert (reply.status, warnings(reply)) == (403, ['299 Startgate "[w] Mind the gap."'])
    assert reason(reply).endswith("because the guard [e] denies it: No.")
    assert one.effects == ["outcome"]


async def test_an_exception_is_loud_in_log_record_and_answer(caplog: pytest.LogCaptureFixture) -> None:
    rules = replace(guarded(guard("e", 'job.id != ""')), break_glass=(FIRE,))
    one = scene()
    with caplog.at_level(logging.ERROR):
        reply = await one.run(rules=rules)
    assert reply.status == 200
    assert warnings(reply) == [
        '299 Startgate "[fire] break-glass exception: the rules deny this start and let it pass"'
    ]
    assert "of outliers by ann passes by the break-glass exception fire, signed by carol: the outage" in caplog.text
    assert [record["tags"] for record in one.records] == [["break-glass"]] * 2
    assert one.outcome["startgate"]["verdict"]["reasons"][0]["id"] == "e"


async def test_the_record_holds_what_the_verdict_was_made_of() -> None:
    one = scene(held=Held())
    await one.run()
    situation = from_record(one.outcome["startgate"]["situation"])
    assert not judge(RULES, situation).allowed
    assert situation.job.id == "outliers"


EXPLAIN = replace(arrived(), explain=("only",))


async def test_an_explanation_tells_all_and_changes_nothing() -> None:
    one = scene()
    rules = guarded(guard("e", 'job.id != ""'), guard("w", 'job.id != ""', Mode.WARN))
    reply = await one.run(EXPLAIN, rules)
    told = json.loads(reply.body)
    assert (reply.status, told["allowed"], told["explain_only"], told["receipt"]) == (200, False, True, "r1")
    assert [step["id"] for step in told["steps"] if step["kind"] == "guard"] == ["e", "w"]
    assert told["steps"][-1]["seen"] == {"job.id": "outliers"}
    assert one.effects == ["outcome"]
    assert one.outcome["startgate"]["explain_only"] is True
    assert one.outcome["event"]["outcome"] == "success"


async def test_an_explanation_waits_for_no_start() -> None:
    one = scene()
    async with one._lock("outliers"):
        assert (await one.run(EXPLAIN)).status == 200


async def test_an_explanation_of_a_hidden_job_is_refused_as_a_start_is() -> None:
    one = scene(job=refused_by_cluster(404, "resource_not_found_exception", "No known job"))
    assert (await one.run(EXPLAIN)).status == 404


LIMIT = guarded(guard("one", "running.size() >= 1", message="One at a time."))


async def test_starts_of_other_jobs_take_turns_where_a_guard_looks_at_what_is_running() -> None:
    """The second sees what the first has started, though both arrived together."""
    one = scene()
    under_way: list[RunningJob] = []
    first = asyncio.Event()

    async def running() -> tuple[RunningJob, ...]:
        return tuple(under_way)

    async def forward() -> Answer:
        await first.wait()
        job = RunningJob(id="a", analysis="r", sources=(), destination="d", model_memory_limit_bytes=1)
        under_way.append(job)
        return STARTED

    one.cluster.answers |= {"running": running, "forward": forward}
    other = arrived(target=TARGET.replace("outliers", "others"), receipt="r2")
    starts = [spawn(one.run(start, LIMIT), name="start") for start in (arrived(), other)]
    await until(lambda: "forward" in one.calls and one.calls.count("running service") == 2)
    first.set()
    replies = await asyncio.gather(*starts)
    assert [reply.status for reply in replies] == [200, 403]
    assert reason(replies[1]).endswith("because the guard [one] denies it: One at a time.")
    assert one.calls.count("forward") == 1
    assert one.calls.count("running service") == 3  # before its turn, and anew in it


async def test_who_waits_too_long_for_a_turn_is_told_why() -> None:
    one = Scene(limits=GateLimits(forward_limit_s=0.01))
    async with one._lock(flow.EVERY_START):
        reply = await one.run(rules=LIMIT)
    assert reply.status == 409
    assert "a guard on running jobs lets them through one by one" in reason(reply)


async def test_without_such_a_guard_other_jobs_do_not_wait() -> None:
    one = scene()
    async with one._lock(flow.EVERY_START):
        assert (await one.run()).status == 200


async def test_no_job_can_have_the_name_of_the_shared_turn() -> None:
    with pytest.raises(Refusal):
        read_request(arrived(target=TARGET.replace("outliers", flow.EVERY_START)), {})
