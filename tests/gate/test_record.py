"""What goes on record: an allow-list, with who, what, why and how it went; never a secret."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy import clientcert
from proxy.gate import flow, record
from proxy.gate.flight import Destination, Flight, Plan
from proxy.gate.found import Asked, Found
from proxy.journal.entry import LIST_LIMIT, digest
from proxy.journal.mask import MASKABLE
from proxy.journal.screened import ScreenedJournal
from proxy.model import Answer, JobState, Stage
from proxy.privileges import Held
from proxy.rules import (
    NotRecorded,
    Origin,
    Reason,
    ReasonKind,
    Request,
    Situation,
    SourceName,
    Subject,
    Subjects,
    Verdict,
    from_record,
)
from proxy.rules.compiled import BreakGlass
from proxy.settings import Masking
from tests.gate.fakes import (
    ANN,
    BOB,
    KIBANA,
    STARTED,
    TARGET,
    FakeJournal,
    Scene,
    answer,
    arrived,
    known,
    made,
    refused_by_cluster,
)
from tests.gate.samples import guard, guarded
from tests.journal.checking import checked
from tests.journal.making import encode

NOW_MS = 1_700_000_200_000
BODY: dict[str, Any] = {
    "settings": {"index.number_of_shards": "2"},
    "mappings": {"properties": {"a": {"type": "long"}}, "_meta": {"analytics": "outliers"}},
}
CREATE = Plan(step=Destination.CREATE, why="the destination is missing", body=BODY, sources=("flights",))
VERDICT = Verdict(
    reasons=(
        Reason(subject=Subject.CALLER, kind=ReasonKind.UNKNOWN, text="not known"),
        Reason(
            subject=Subject.OWNER,
            kind=ReasonKind.SOURCE,
            text="lacks",
            index="flights",
            privilege="read",
            origin=Origin("rules/start.yml", 12),
        ),
    )
)
DATA = Subjects(data=Subject.CALLER, asked=(Subject.CALLER, Subject.OWNER), intermediary=False)


def flight(**changes: Any) -> Flight:
    start = arrived(
        ("User-Agent", "curl/8"),
        ("X-Opaque-Id", "kibana:1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.2"),
    )
    fields: dict[str, Any] = {"arrived": start, "revision": "abc", "begun_ms": NOW_MS, "begun_s": 5.0}
    return Flight(**fields | changes)


def test_a_plan_is_recorded_as_one_and_as_no_start() -> None:
    asked = replace(flight().arrived, plan=("only",))
    told = record.outcome(judged(arrived=asked, problem="cannot merge"), answer(200), NOW_MS)
    assert (told["event"]["outcome"], told["event"]["reason"]) == ("success", "cannot merge")
    assert told["startgate"]["plan_only"] is True
    assert "created" not in told["startgate"]["destination"]
    denied = record.outcome(judged(arrived=asked, plan=None), answer(403), NOW_MS)
    assert (denied["event"]["outcome"], denied["startgate"]["plan_only"]) == ("failure", True)
    assert "plan_only" not in record.outcome(judged(), answer(200), NOW_MS)["startgate"]


def judged(**changes: Any) -> Flight:
    fields: dict[str, Any] = {
        "job_id": "outliers",
        "caller": ANN,
        "known": known(),
        "subjects": DATA,
        "verdict": Verdict(),
        "plan": CREATE,
    }
    return flight(**fields | changes)


def test_an_intent_says_who_what_and_why() -> None:
    assert record.intent(judged(secondary=BOB), NOW_MS) == {
        "@timestamp": "2023-11-14T22:16:40.000Z",
        "ecs": {"version": "8.11.0"},
        "event": {
            "id": "r1",
            "kind": "event",
            "category": ["configuration"],
            "type": ["access", "allowed"],
            "action": "start-data-frame-analytics",
            "dataset": "startgate.start",
            "module": "startgate",
            "outcome": "unknown",
        },
        "startgate": {
            "format": 1,
            "phase": "intent",
            "receipt": "r1",
            "forwarded": {"for": ["192.0.2.1", "192.0.2.2"]},
            "rules": {"revision": "abc"},
            "job": {
                "id": "outliers",
                "analysis": "outlier_detection",
                "create_time": 1_700_000_000_000,
                "version": "12.0.0",
                "config_sha256": digest(made().config),
                "sources": ["flights"],
                "destination": "flights-out",
                "results_field": "ml",
                "state": "stopped",
                "stage": "first_time",
            },
            "caller": {
                "name": "ann",
                "roles": ["analyst"],
                "realm": {"name": "native1", "type": "native"},
                "authentication_type": "realm",
            },
            "secondary": {
                "name": "bob",
                "roles": ["data"],
                "realm": {"name": "native1", "type": "native"},
                "authentication_type": "realm",
            },
            "owner": {"kind": "roles", "roles": ["analyst"]},
            "subjects": {"data": "caller", "asked": ["caller", "owner"], "intermediary": False},
            "verdict": {"allowed": True, "reasons": [], "steps": []},
            "destination": {
                "index": "flights-out",
                "plan": "create",
                "why": "the destination is missing",
                "source_indices": ["flights"],
                "body_sha256": "76a14ce17c8d7a773b0db709d3401fd9fa396adef62a4e791b14b7be065b0f7e",
                "settings": {"index.number_of_shards": "2"},
                "field_count": 1,
                "meta": BODY["mappings"]["_meta"],
            },
        },
        "source": {"address": "10.1.2.3", "ip": "10.1.2.3", "port": 4567},
        "http": {"request": {"method": "POST"}},
        "url": {"path": "/_ml/data_frame/analytics/outliers/_start"},
        "user_agent": {"original": "curl/8"},
        "labels": {"x_opaque_id": "kibana:1"},
        "trace": {"id": "0af7651916cd43dd8448eb211c80319c"},
        "span": {"id": "b7ad6b7169203331"},
        "client": {"address": "192.0.2.1, 192.0.2.2"},
        "user": {"name": "ann", "roles": ["analyst"]},
    }


def test_equal_bodies_have_equal_hashes() -> None:
    turned = {"mappings": dict(reversed(BODY["mappings"].items())), "settings": BODY["settings"]}
    plans = [
        CREATE,
        Plan(step=Destination.CREATE, why="", body=turned),
        Plan(step=Destination.CREATE, why="", body={**BODY, "settings": {}}),
    ]
    hashes = [record.intent(judged(plan=plan), 0)["startgate"]["destination"]["body_sha256"] for plan in plans]
    assert hashes[0] == hashes[1] != hashes[2]


def test_very_long_settings_are_left_out() -> None:
    body = {**BODY, "settings": {"index.analysis.filter.s.synonyms": ["x" * 100] * 200}}
    told = record.intent(judged(plan=Plan(step=Destination.CREATE, why="", body=body)), 0)["startgate"]["destination"]
    assert told["settings_left_out"] is True
    assert "settings" not in told


def test_origins_are_counted() -> None:
    plan = replace(CREATE, origins={"settings": {"index": 1}, "fields": {"index": 2, "added": 1}})
    told = record.intent(judged(plan=plan), 0)["startgate"]["destination"]
    assert told["origins"] == {"settings": {"index": 1}, "fields": {"index": 2, "added": 1}}
    assert "origins" not in record.intent(judged(), 0)["startgate"]["destination"]


def test_settings_of_the_rules_are_told_with_their_places() -> None:
    laid = {"index.codec": "start.yml:14"}
    told = record.intent(judged(plan=replace(CREATE, overrides=laid)), 0)["startgate"]["destination"]
    assert told["overrides"] == laid
    assert "overrides" not in record.intent(judged(plan=CREATE), 0)["startgate"]["destination"]


@pytest.mark.parametrize("settled", [{"known": None, "plan": Plan(step=Destination.LEAVE, why="w")}, {}])
def test_a_plan_without_a_body_tells_what_it_is(settled: dict[str, Any]) -> None:
    told = record.intent(judged(plan=Plan(step=Destination.LEAVE, why="w")) if not settled else judged(**settled), 0)
    destination = told["startgate"]["destination"]
    assert destination == {
        "index": "" if settled else "flights-out",
        "plan": "leave",
        "why": "w",
        "source_indices": [],
    }


def test_nothing_known_is_a_record_too() -> None:
    empty = flight(arrived=arrived(peer=""), problem="body cannot be parsed")
    told = record.outcome(empty, answer(400), NOW_MS)
    assert told["startgate"]["job"] == {"id": ""}
    assert told["source"] == {"address": ""}
    assert told["event"]["reason"] == "body cannot be parsed"
    assert not {"user", "user_agent", "labels", "trace", "client"} & set(told)
    assert not {"caller", "owner", "verdict", "destination", "cluster"} & set(told["startgate"])


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("10.1.2.3:80", {"address": "10.1.2.3", "ip": "10.1.2.3", "port": 80}),
        ("[::1]:80", {"address": "[::1]", "ip": "::1", "port": 80}),
        ("somewhere:80", {"address": "somewhere", "port": 80}),
        ("unix", {"address": "unix"}),
        ("[::1]:", {"address": "[::1]:"}),
    ],
)
def test_the_peer_is_told(peer: str, source: dict[str, object]) -> None:
    assert record.intent(flight(arrived=arrived(peer=peer)), 0)["source"] == source


CERTIFICATE = clientcert.told({"subject": ((("organizationName", "Example, Inc"),), (("commonName", "ann"),))})


def test_the_way_of_a_request_is_told() -> None:
    start = arrived(("X-Forwarded-For", "192.0.2.1, ,198.51.100.7"), ("Forwarded", "for=192.0.2.1;proto=https"))
    told = record.intent(flight(arrived=replace(start, front="10.0.0.9:40000", certificate=CERTIFICATE)), 0)
    assert told["client"] == {"address": "192.0.2.1, ,198.51.100.7"}
    assert told["startgate"]["forwarded"] == {
        "for": ["192.0.2.1", "198.51.100.7"],
        "header": ["for=192.0.2.1;proto=https"],
    }
    assert told["startgate"]["front"] == {"address": "10.0.0.9"}
    assert told["tls"] == {"client": {"subject": r"CN=ann,O=Example\, Inc"}}


def test_a_request_that_came_straight_tells_of_no_way() -> None:
    told = record.intent(flight(arrived=arrived()), 0)
    assert not {"forwarded", "front"} & set(told["startgate"])
    assert not {"tls", "client"} & set(told)


@pytest.mark.parametrize("certificate", [clientcert.TOO_LONG, "no base64", ""])
def test_a_certificate_that_cannot_be_told_stops_nobody(certificate: str) -> None:
    assert "tls" not in record.intent(flight(arrived=replace(arrived(), certificate=certificate)), 0)


@pytest.mark.parametrize("parent", ["", "00-a-b", "00-a-b-c-d", "00-a-b-01", f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_a_traceparent_that_is_none_is_left_out(parent: str) -> None:
    told = record.intent(flight(arrived=arrived(("traceparent", parent))), 0)
    assert not {"trace", "span"} & set(told)


def test_reasons_name_rule_index_and_privilege() -> None:
    told = record.outcome(judged(verdict=VERDICT, plan=None), answer(403), 0)
    assert told["startgate"]["verdict"] == {
        "allowed": False,
        "reasons": [
            {"subject": "caller", "kind": "unknown", "text": "not known"},
            {
                "subject": "owner",
                "kind": "source",
                "text": "lacks",
                "index": "flights",
                "privilege": "read",
                "rule": "rules/start.yml:12",
            },
        ],
        "steps": [],
    }


def test_what_was_judged_is_recorded_so_that_it_can_be_judged_again() -> None:
    situation = Situation(caller=ANN, secondary=BOB, job=known().job, request=Request(), now_ms=NOW_MS)
    for told in (
        record.intent(judged(situation=situation), NOW_MS),
        record.outcome(judged(situation=situation), answer(200), NOW_MS),
    ):
        assert from_record(told["startgate"]["situation"]) == situation
        assert "source_indices" not in told["startgate"]["job"]
    assert "situation" not in record.intent(judged(), NOW_MS)["startgate"]


def test_what_would_make_a_record_huge_is_left_out_as_a_whole() -> None:
    many = made(source={"index": [f"index-{number:05}" for number in range(3000)]})
    situation = Situation(caller=ANN, secondary=None, job=many, request=Request(), now_ms=NOW_MS)
    told = record.intent(judged(situation=situation), NOW_MS)["startgate"]["situation"]
    assert re.fullmatch(r"it takes \d+ bytes, of 65536 at most", told["omitted"])
    with pytest.raises(NotRecorded, match="it takes"):
        from_record(told)


def test_what_the_sources_stood_for_is_told() -> None:
    names = (SourceName(name="a-1"), SourceName(name="a-2"))
    situation = Situation(caller=ANN, secondary=None, job=known().job, request=Request(), now_ms=NOW_MS, sources=names)
    told = record.outcome(judged(situation=situation, plan=None, verdict=VERDICT), answer(403), NOW_MS)
    assert told["startgate"]["job"]["source_indices"] == ["a-1", "a-2"]


def test_thousands_of_concrete_indices_are_not_written_down() -> None:
    names = tuple(SourceName(name=f"i-{number}") for number in range(2001))
    situation = Situation(caller=ANN, secondary=None, job=known().job, request=Request(), now_ms=NOW_MS, sources=names)
    told = record.intent(judged(situation=situation), NOW_MS)["startgate"]["situation"]
    assert told == {"omitted": "its sources stand for 2001 indices, of 2000 at most"}


def test_an_exception_is_loud_on_record() -> None:
    entry = BreakGlass(
        id="fire",
        from_ms=0,
        until_ms=9,
        users=("ann",),
        jobs=("*",),
        reason="the outage",
        signed_by="carol",
        signature="s",
        origin=Origin("r.yml", 40),
    )
    told = record.intent(judged(verdict=replace(VERDICT, exception=entry)), NOW_MS)
    assert told["tags"] == ["break-glass"]
    assert told["event"]["type"] == ["access", "allowed"]
    assert told["startgate"]["verdict"]["exception"]["id"] == "fire"
    assert len(told["startgate"]["verdict"]["reasons"]) == 2
    assert "tags" not in record.intent(judged(), NOW_MS)


def test_an_explanation_is_recorded_as_one_and_as_no_start() -> None:
    asked = replace(flight().arrived, explain=("only",))
    told = record.outcome(judged(arrived=asked, plan=None, verdict=VERDICT), answer(200), NOW_MS)
    assert (told["event"]["outcome"], told["startgate"]["explain_only"]) == ("success", True)
    assert told["event"]["type"] == ["access", "denied"]
    assert "explain_only" not in record.outcome(judged(), answer(200), NOW_MS)["startgate"]


def test_reasons_are_bounded() -> None:
    many = Verdict(reasons=VERDICT.reasons * LIST_LIMIT)
    told = record.outcome(judged(verdict=many), answer(403), 0)
    assert len(told["startgate"]["verdict"]["reasons"]) == LIST_LIMIT
    assert told["startgate"]["verdict"]["reasons_left_out"] == LIST_LIMIT
    assert "reasons_left_out" not in record.outcome(judged(verdict=VERDICT), answer(403), 0)["startgate"]["verdict"]


@pytest.mark.parametrize(
    ("status", "intended", "by_cluster", "outcome"),
    [
        (200, True, True, "success"),
        (201, True, True, "success"),
        (200, True, False, "failure"),
        (400, False, False, "failure"),
        (400, True, True, "failure"),
        (403, False, False, "failure"),
        (503, False, False, "failure"),
        (503, True, False, "unknown"),
        (500, True, True, "unknown"),
        (408, True, True, "unknown"),
        (429, True, True, "unknown"),
        (504, True, True, "unknown"),
        (409, True, True, "failure"),
    ],
)
def test_the_outcome_is_what_can_be_said(status: int, intended: bool, by_cluster: bool, outcome: str) -> None:
    one = judged(intended=intended, cluster_answer=answer(status) if by_cluster else None)
    told = record.outcome(one, answer(status), 0)
    assert told["event"]["outcome"] == outcome
    assert told["http"]["response"] == {"status_code": status}
    assert told["startgate"].get("cluster") == ({"status": status} if by_cluster else None)


def test_an_outcome_says_what_was_done_and_how_long_it_took() -> None:
    one = judged(
        created=True,
        created_as="caller",
        removal="removed",
        cluster_answer=STARTED,
        marks_ms={"identified": 1.5, "answered": 12.25},
    )
    told = record.outcome(one, STARTED, 0)
    ours = told["startgate"]
    assert (ours["destination"]["created"], ours["destination"]["created_as"]) == (True, "caller")
    assert ours["destination"]["removal"] == "removed"
    assert ours["cluster"] == {"status": 200, "node": "n1"}
    assert ours["timings_ms"] == {"identified": 1.5, "answered": 12.25}
    assert told["event"]["start"] == "2023-11-14T22:16:40.000Z"
    assert told["event"]["duration"] == 12_250_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":{"type":"x","reason":"already finished"},"status":400}', "already finished"),
        (b'{"error":"whoever it is that answers so","status":400}', None),
        (b'{"error":{"reason":7}}', None),
        *((body, None) for body in (b"", b"[]", b"null", b"{}", b'{"error":7}', b"\xff", b"\x1f\x8b\x08", b"---\n")),
    ],
)
def test_the_clusters_reason_for_a_refusal_is_on_record(body: bytes, reason: str | None) -> None:
    told = record.outcome(judged(cluster_answer=Answer(status=400, body=body)), answer(400), 0)
    assert told["event"].get("reason") == reason


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"cluster_answer": STARTED, "intended": True}, "success"),
        ({"intended": True, "problem": "it broke"}, "unknown"),
        ({}, "failure"),
    ],
)
def test_a_bare_outcome_tells_what_cannot_fail_to_be_told(changes: dict[str, Any], outcome: str) -> None:
    told = record.bare_outcome(judged(**changes), answer(200), NOW_MS)
    assert told["event"]["outcome"] == outcome
    assert told["event"]["reason"].endswith("(not all of this start could be put on record; the gate's log says why)")
    assert told["event"]["reason"].startswith(changes.get("problem", "("))
    assert (told["startgate"]["phase"], told["startgate"]["receipt"]) == ("outcome", "r1")
    assert told["startgate"]["job"] == {"id": "outliers"}
    assert told["http"] == {"request": {"method": "POST"}, "response": {"status_code": 200}}
    assert "caller" not in told["startgate"]


@pytest.mark.parametrize(("problem", "reason"), [(None, "no room"), ("it broke", "it broke; no room")])
def test_what_a_client_was_told_otherwise_is_on_record(problem: str | None, reason: str) -> None:
    one = judged(cluster_answer=STARTED, intended=True, problem=problem)
    made = record.outcome(one, answer(200), NOW_MS)
    told = checked(record.told_otherwise(made, 503, "no room"))
    assert (told["event"]["outcome"], told["event"]["reason"]) == ("success", reason)
    assert told["http"] == {**made["http"], "response": {"status_code": 503}}
    assert {**told, "event": made["event"], "http": made["http"]} == made


def test_what_failed_here_is_said_before_what_the_cluster_says() -> None:
    one = judged(problem="not removed", cluster_answer=Answer(status=400, body=b'{"error":{"reason":"no"}}'))
    assert record.outcome(one, answer(400), 0)["event"]["reason"] == "not removed"


def test_the_end_of_a_start_whose_job_was_started_again_names_that_start() -> None:
    told = record.restarted("r1", "outliers", "r2", NOW_MS)
    assert told["event"]["reason"] == "the job stopped, and was started again as r2"
    assert told["event"]["outcome"] == "unknown"
    assert told["startgate"]["end"] == {"state": "stopped", "started_again_as": "r2"}
    assert told["startgate"]["job"] == {"id": "outliers"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null", b'{"node":1}', b"{}", b"\x1f\x8b\x08"])
def test_an_answer_that_names_no_node_is_told_without(body: bytes) -> None:
    told = record.outcome(judged(cluster_answer=Answer(status=200, body=body)), answer(200), 0)
    assert told["startgate"]["cluster"] == {"status": 200}


@pytest.mark.parametrize(
    ("state", "stage", "outcome"),
    [
        ("stopped", Stage.FINISHED, "success"),
        ("stopped", Stage.RESUMING_ANALYZING, "unknown"),
        ("failed", Stage.RESUMING_REINDEXING, "failure"),
        ("started", Stage.RESUMING_REINDEXING, "unknown"),
    ],
)
def test_an_end_says_how_the_job_ended(state: str, stage: Stage, outcome: str) -> None:
    told = record.end("r1", "outliers", JobState(state=state, stage=stage), "why", NOW_MS)
    assert told["event"]["outcome"] == outcome
    assert told["event"]["reason"] == "why"
    assert told["startgate"]["job"] == {"id": "outliers"}
    assert told["startgate"]["end"] == {"state": state, "stage": stage.value}


def test_an_end_that_nobody_saw_is_unknown() -> None:
    told = record.end("r1", "outliers", None, "gone", NOW_MS)
    assert told["event"]["outcome"] == "unknown"
    assert "end" not in told["startgate"]


def test_a_reconciled_outcome_says_so() -> None:
    told = record.reconciled("r1", Found(asked=Asked.REFUSED, refusal="no"), NOW_MS, job={"id": "outliers"})
    assert told["event"]["outcome"] == "unknown"
    assert told["event"]["reason"].endswith("the cluster says: no")
    assert told["startgate"]["reconciled"]["cluster"] == "refused"
    assert "destination" not in told["startgate"]
    assert told["startgate"]["job"] == {"id": "outliers"}


def test_whatever_came_can_be_written_as_one_line() -> None:
    wild = arrived(
        ("User-Agent", "\udcff" * 5000), ("x-opaque-id", "a\nb"), target="/\udc80?q", peer="x" * 5000, receipt="r2"
    )
    one = judged(arrived=wild, problem="\ud800", caller=KIBANA, known=known(made(source={"index": ["ü"] * 3000})))
    line = encode(record.outcome(one, answer(400), 0))
    assert line.count(b"\n") == 1
    assert json.loads(line)["startgate"]["receipt"] == "r2"


SECRET = "5up3r-s3cr3t"
# Every header that is read for a start but those whose values are recorded, and some that nobody reads.
SECRETIVE = (
    *("authorization", "es-secondary-authorization", "es-client-authentication", "cookie", "x-api-key", "host"),
    *("proxy-authorization", "es-secondary-x-client-authentication", "es-security-runas-user", "x-anything", "accept"),
)


@pytest.mark.parametrize("denied", [False, True])
async def test_no_secret_gets_on_record(denied: bool) -> None:
    one = Scene()
    config = {
        "source": {"index": ["flights"], "query": {"term": {"diagnosis": SECRET}}},
        "_meta": {"note": SECRET},
        "description": "all flights",
    }
    one.cluster.answers["job"] = made(**config)
    one.cluster.answers["forward"] = answer(200, json.dumps({"node": "n1", "token": SECRET}).encode())
    if denied:
        one.cluster.answers["held"] = Held()
    headers = [(name, f"Basic {SECRET}") for name in SECRETIVE]
    body = json.dumps({"id": "outliers", "timeout": "20s"}).encode()
    target = f"{TARGET}?pretty&error_trace={SECRET}" if denied else TARGET
    await one.run(arrived(*headers, ("content-type", "application/json"), target=target, body=body))
    assert one.records
    for told in one.records:
        assert SECRET not in str(told)
        assert "Basic" not in str(told)


@pytest.mark.parametrize(
    ("query", "body", "reason"),
    [
        (f"?error_trace={SECRET}", b"", "Failed to parse value […] as only […] or […] are allowed."),
        (f"?error_trace=b]{SECRET}", b"", "Failed to parse value […]…] as only […] or […] are allowed."),
        (f"?error_trace=%35{SECRET[1:]}", b"", "Failed to parse value […] as only […] or […] are allowed."),
        (f"?{SECRET}=1", b"", f"request [{TARGET}] contains unrecognized parameter: […]"),
        (f"?timeout={SECRET}", b"", None),
        ("", json.dumps({"id": SECRET}).encode(), None),
        ("", json.dumps({SECRET: "x"}).encode(), None),
        ("", SECRET.encode(), None),
        (f"?source_content_type=application/json&source={SECRET}", b"", None),
    ],
)
async def test_a_refusal_that_quotes_query_or_body_is_on_record_without_the_quote(
    query: str, body: bytes, reason: str | None
) -> None:
    one = Scene()
    reply = await one.run(arrived(("content-type", "application/json"), target=f"{TARGET}{query}", body=body))
    assert reply.status == 400
    told = one.outcome
    assert SECRET not in str(told)
    assert told["event"]["reason"] == (reason or told["event"]["reason"]) != ""


ALL = Masking(fields=tuple(MASKABLE), key="0123456789abcdef")


DENY = "caller.username == 'ann' || request.user_agent == 'curl/8'"


async def masked(
    *headers: tuple[str, str], masking: Masking = ALL, deny: str = DENY, **answers: Any
) -> list[Mapping[str, Any]]:
    """The records of one start where all is masked that can be."""
    one = Scene()
    one.cluster.answers |= answers
    world = replace(one.world(), journal=ScreenedJournal(one.journal, masking))
    rules = guarded(guard("g", deny, message="Not you."))
    start = replace(arrived(*headers), certificate=CERTIFICATE, front="203.0.113.5:7")
    await flow.start(start, rules, world, lambda _: asyncio.Lock())
    return one.records


async def test_what_is_masked_is_nowhere() -> None:
    headers = (
        *(("es-secondary-authorization", "Basic eA=="), ("X-Forwarded-For", "192.0.2.1"), ("User-Agent", "curl/8")),
        *(("X-Opaque-Id", "kibana:ann"), ("Forwarded", "for=192.0.2.99")),
    )
    key = replace(BOB, api_key_id="k1", api_key_name="bobs key")
    asked: dict[str, Any] = {"identify secondary": key, "held": Held()}
    (told,) = await masked(*headers, **asked)
    text = json.dumps(told)
    for value in ("ann", "bob", "192.0.2.1", "192.0.2.99", "10.1.2.3", "curl", "kibana", "203.0.113.5", "Example"):
        assert not re.search(rf"(?<![A-Za-z]){re.escape(value)}(?![A-Za-z])", text), value
    assert len(told["startgate"]["verdict"]["reasons"]) > 1
    assert told["user"]["name"] == told["startgate"]["caller"]["name"] != told["startgate"]["secondary"]["name"]
    assert told["startgate"]["job"]["id"] == "outliers"


async def test_what_it_takes_to_go_on_after_a_crash_is_the_same_in_masked_records() -> None:
    kept = ("phase", "receipt", "job", "destination", "rules")
    nobody = "caller.username == 'nobody'"
    plain, hidden = await masked(masking=Masking(), deny=nobody), await masked(deny=nobody)
    assert [one["startgate"]["phase"] for one in plain] == ["intent", "outcome"]
    for one, other in zip(plain, hidden, strict=True):
        assert one["user"]["name"] == "ann" != other["user"]["name"]
        assert {key: one["startgate"][key] for key in kept} == {key: other["startgate"][key] for key in kept}
        assert one["startgate"]["destination"]["meta"]
        assert one["event"].get("outcome") == other["event"].get("outcome")


async def test_the_words_of_the_cluster_are_masked_too() -> None:
    text = "action [x] is unauthorized for user [ann] with effective roles [analyst]"
    records = await masked(facts=refused_by_cluster(403, reason=text))
    told = records[-1]
    assert "[ann]" not in json.dumps(records)
    assert "analyst" in json.dumps(told)


async def test_who_is_quoted_at_the_end_is_masked_there() -> None:
    journal = FakeJournal([])
    screened = ScreenedJournal(journal, Masking(fields=("user.name",), key="0123456789abcdef"))
    state = JobState(state="failed", stage=Stage.FIRST_TIME, failure_reason="unauthorized for user [ann]")
    for who in ((ANN, BOB), ()):
        why = "denied for user [ann], for [bob]" if who else state.failure_reason or ""
        await screened.append(record.end("r1", "outliers", state, why, NOW_MS, record.Run(who=who)))
    known_who, nobody = journal.entries
    assert "ann]" not in str(journal.entries)
    assert "bob]" not in str(journal.entries)
    assert known_who["startgate"]["end"]["failure_reason"].startswith("unauthorized for user [masked:")
    assert nobody["event"]["reason"] == "masked:the cluster's words may name somebody"


def test_what_was_read_for_the_plan_tells_what_the_sources_stood_for() -> None:
    told = record.outcome(judged(sources=("b-1", "b-2"), plan=None), answer(403), NOW_MS)
    assert told["startgate"]["job"]["source_indices"] == ["b-1", "b-2"]
    names = (SourceName(name="a-1"),)
    situation = Situation(caller=ANN, secondary=None, job=known().job, request=Request(), now_ms=NOW_MS, sources=names)
    told = record.outcome(judged(situation=situation, sources=("b-1",)), answer(200), NOW_MS)
    assert told["startgate"]["job"]["source_indices"] == ["a-1"], "by these it was judged"
