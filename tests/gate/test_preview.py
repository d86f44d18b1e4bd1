"""The plan as a document: all that a start would do, where it comes from, and all that is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.destination import Era, destination_body
from proxy.errors import Refusal
from proxy.gate.flight import Case, Credentials, Destination, Known, Plan
from proxy.gate.plan import make_plan, untouched
from proxy.gate.ports import Facts, Foretold, Given, Grants, IndexState
from proxy.gate.preview import DEFINITIONS, document, findings, is_remade
from proxy.model import Credential, JobState, SourceIndex, Stage
from proxy.rules import CreateAs, Origin, Override, Rules, Setting, Subject, Subjects, Verdict
from tests.gate.fakes import BOB, FLIGHTS, RULES, STOPPED, known, made, tried
from tests.gate.fakes import grants as grants_of

CALLER = Credential(whose="caller")
SERVICE = Credential(whose="service")
MISSING = Facts(sources=(FLIGHTS,), destination=None)
THERE = IndexState(name="flights-out", uuid="u", mappings={"properties": {"ml__incremental_id": {"type": "long"}}})
RESUMED = JobState(state="stopped", stage=Stage.RESUMING_REINDEXING)
OVERRIDDEN = replace(
    RULES, overrides=(Override("flights-*", (Setting("index.codec", "best_compression", Origin("rules/a.yml", 14)),)),)
)

FROM_FLIGHTS = {"kind": "index", "index": "flights", "text": "from index flights"}
ADDED = {"kind": "added", "text": "added, as Elasticsearch does"}


def case(
    who: Known | None = None, rules: Rules = RULES, data: Subject = Subject.CALLER, *, service: bool = True
) -> Case:
    return Case(
        rules=rules,
        credentials=Credentials(caller=CALLER, secondary=None, service=SERVICE if service else None),
        known=who or known(),
        subjects=Subjects(data=data, asked=(data,), intermediary=False),
    )


def told(
    one: Case,
    facts: Facts | None = MISSING,
    grants: Grants | None = None,
    planned: Plan | Refusal | None = None,
    found_in: int | None = None,
) -> dict[str, Any]:
    """The document, with the plan that the flow itself would make."""

    def attempt() -> Plan:
        plan = untouched(one.known)
        if plan is None:
            assert facts is not None
            plan = make_plan(one.known, facts, grants, 7)
        return plan

    if planned is None:
        reached: Plan | Refusal = tried(attempt)
        planned = reached
    return document(one, findings(one, Verdict(), planned, facts, grants, found_in, 7), "r1")


def mixed(*types: str) -> Facts:
    sources = tuple(
        SourceIndex(name=f"i{at}", settings={}, mappings={"properties": {"x": {"type": kind}, "y": {"type": kind}}})
        for at, kind in enumerate(types)
    )
    return Facts(sources=sources, destination=None)


def test_a_first_start_in_full() -> None:
    one = case()
    body = destination_body(one.known.job, [FLIGHTS], Era.ALLOW_LIST, 7, results=False, cluster_version="8.15.3")
    first = told(one)
    verdict = first.pop("verdict")
    assert first == {
        "version": 1,
        "plan_only": True,
        "receipt": "r1",
        "would_succeed": True,
        "problems": [],
        "job": {
            "id": "outliers",
            "analysis": "outlier_detection",
            "create_time": 1_700_000_000_000,
            "sources": ["flights"],
            "destination": "flights-out",
            "results_field": "ml",
            "state": "stopped",
            "stage": "first_time",
        },
        "cluster": {"version": "8.15.3"},
        "destination": {
            "index": "flights-out",
            "exists": False,
            "step": "create",
            "why": "the destination is missing",
            "created_as": "caller",
            "source_indices": ["flights"],
        },
        "conflicts": [],
        "added_later": first["added_later"],
        "create": {
            "method": "PUT",
            "path": "/flights-out",
            "body": {"settings": body.settings, "mappings": body.mappings},
        },
        "origins": {
            "settings": {"index.number_of_shards": FROM_FLIGHTS, "index.number_of_replicas": FROM_FLIGHTS},
            "properties": {"carrier": FROM_FLIGHTS, "distance": FROM_FLIGHTS, "ml__incremental_id": ADDED},
            "mappings": {"dynamic": ADDED, "_meta": ADDED},
        },
        "effective": None,
    }
    assert [one["field"] for one in first["added_later"]] == ["ml.outlier_score", "ml.feature_influence"]
    assert first["added_later"][0]["mapping"] == {"type": "double"}
    assert (verdict["allowed"], verdict["asked"], verdict["reasons"]) == (True, ["caller"], [])
    assert verdict["caller"]["name"] == "ann"
    assert verdict["owner"] == {"kind": "roles", "roles": ["analyst"]}
    assert [needed["privilege"] for needed in verdict["required"]["source"]] == ["read", "view_index_metadata"]
    assert "rules/start.yml:" in verdict["required"]["cluster"][0]["rule"]


def test_all_conflicts_and_not_the_first_only() -> None:
    found = told(case(), mixed("long", "keyword", "date"))
    assert (found["would_succeed"], "create" in found, found["added_later"]) == (False, False, [])
    assert [one["field"] for one in found["conflicts"]] == ["x", "y"]
    assert found["conflicts"][1]["definitions"] == [
        {"index": f"i{at}", "value": {"type": kind}} for at, kind in enumerate(["long", "keyword", "date"])
    ]
    assert [one["reason"] for one in found["problems"]] == [found["conflicts"][0]["text"]]


def test_a_fleet_of_definitions_is_told_in_part() -> None:
    found = told(case(), mixed(*(f"kind{at:03}" for at in range(DEFINITIONS + 5))))
    (conflict, _) = found["conflicts"]
    assert (conflict["distinct"], len(conflict["definitions"])) == (DEFINITIONS + 5, DEFINITIONS)


def test_an_existing_destination() -> None:
    found = told(case(), replace(MISSING, destination=THERE))
    assert found["would_succeed"] is True
    assert (found["destination"]["step"], found["destination"]["exists"]) == ("existing", True)
    assert "create" not in found
    assert "ml__incremental_id" not in [one["field"] for one in found["added_later"]]
    unversioned = told(case(known(made(version="?"), version=None)), replace(MISSING, destination=THERE))
    assert (unversioned["added_later"], unversioned["conflicts"]) == ([], [])


@pytest.mark.parametrize(
    ("mappings", "analysis", "reason"),
    [
        ({"distance": {"type": "keyword"}}, {"outlier_detection": {}}, "because of differences for field [distance]"),
        ({}, {"classification": {"dependent_variable": "nowhere"}}, "no mappings could be found for field [nowhere]"),
    ],
)
def test_sources_that_the_cluster_refuses_though_the_destination_is_there(
    mappings: dict[str, Any], analysis: dict[str, Any], reason: str
) -> None:
    more = SourceIndex(name="more", settings={}, mappings={"properties": mappings})
    facts = Facts(sources=(FLIGHTS, more), destination=THERE)
    found = told(case(known(made(analysis=analysis))), facts, found_in=0)
    assert found["would_succeed"] is False
    assert any(reason in problem["reason"] for problem in found["problems"]), found["problems"]


def test_a_job_stopped_in_copying_whose_sources_cannot_be_read() -> None:
    gone = Refusal(400, "validation_exception", "Validation Failed: 1: no such index [flights];")
    one = case(known(state=RESUMED))
    plan = untouched(one.known)
    assert plan is not None
    found = findings(one, Verdict(), plan, None, None, None, 7, gone)
    assert gone in found.problems
    assert document(one, found, "r")["would_succeed"] is False


def test_a_destination_that_is_not_empty() -> None:
    found = told(case(), replace(MISSING, destination=THERE), found_in=3)
    assert [one["reason"] for one in found["problems"]] == ["dest index [flights-out] must be empty"]
    assert found["destination"]["documents"] == 3
    assert told(case(), replace(MISSING, destination=THERE), found_in=0)["would_succeed"] is True


def test_an_empty_destination_in_which_the_results_find_no_place() -> None:
    meta = {"created_by": "data-frame-analytics", "version": {"created": "12.0.0"}}
    taken = replace(THERE, mappings={"_meta": meta, "properties": {"ml": {"type": "long"}}})
    (problem,) = told(case(), replace(MISSING, destination=taken), found_in=0)["problems"]
    assert "matches the dest.results_field [ml]" in problem["reason"]
    full = told(case(), replace(MISSING, destination=taken), found_in=1)
    assert [one["reason"] for one in full["problems"]] == ["dest index [flights-out] must be empty"]


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        (JobState(state="stopped", stage=Stage.FINISHED), 400, "Cannot start because the job has already finished"),
        *(
            (
                JobState(state=state, stage=Stage.FIRST_TIME),
                409,
                "Cannot start data frame analytics [outliers] because it has already been started",
            )
            for state in ("started", "starting", "reindexing", "analyzing", "stopping", "failed")
        ),
    ],
)
def test_a_job_that_the_cluster_would_not_start(state: JobState, status: int, reason: str) -> None:
    found = told(case(known(state=state)), None)
    assert found["problems"] == [{"status": status, "type": "status_exception", "reason": reason}]
    assert (found["would_succeed"], found["destination"]["step"]) == (False, "leave")
    assert "exists" not in found["destination"], "nobody looked"


def test_a_job_that_is_resumed_in_analysis_starts() -> None:
    found = told(case(known(state=JobState(state="stopped", stage=Stage.RESUMING_ANALYZING))), None)
    assert (found["would_succeed"], found["added_later"], "remade" in found) == (True, [], False)


def test_a_job_stopped_in_copying_is_offered_a_template() -> None:
    one = case(known(state=RESUMED), OVERRIDDEN)
    found = told(one, replace(MISSING, destination=THERE))
    assert is_remade(one)
    assert (found["would_succeed"], found["destination"]["step"]) == (True, "leave")
    assert found["destination"]["exists"] is True
    assert "deletes the destination and makes it anew" in found["remade"]["text"]
    template = found["remade"]["template"]
    assert (template["method"], template["path"]) == ("PUT", "/_index_template/startgate-outliers")
    assert template["body"]["index_patterns"] == ["flights-out"]
    assert template["body"]["template"]["settings"]["index.codec"] == "best_compression"
    assert template["origins"]["index.codec"]["text"] == "override in rules/a.yml:14"


def test_a_job_whose_destination_cannot_be_made_anew() -> None:
    found = told(case(known(state=RESUMED)), replace(mixed("long", "date"), destination=THERE))
    assert (found["would_succeed"], "template" in found["remade"]) == (False, False)
    assert [one["reason"] for one in found["problems"]] == [found["conflicts"][0]["text"]]
    running = replace(RESUMED, state="started")
    assert "remade" not in told(case(known(state=running)), None)


def test_a_credential_that_is_missing() -> None:
    rules = replace(RULES, create_as=CreateAs.SERVICE)
    assert told(case(rules=rules))["destination"]["created_as"] == "service"
    (problem,) = told(case(rules=rules, service=False))["problems"]
    assert "none is configured" in problem["reason"]


def test_only_what_the_owner_may_see_is_told() -> None:
    narrow = {"indices": [{"names": ["i*"], "privileges": ["all"], "field_security": {"grant": ["x"]}}]}
    found = told(case(data=Subject.OWNER), mixed("long", "long"), grants_of(narrow))
    assert [*found["origins"]["properties"]] == ["x", "ml__incremental_id"]
    conflicting = told(case(data=Subject.OWNER), mixed("long", "date"), grants_of(narrow))
    assert [one["field"] for one in conflicting["conflicts"]] == ["x"]


def test_what_cannot_be_told_exactly_is_one_problem() -> None:
    undecided = {"indices": [{"names": ["other"], "privileges": ["all"], "field_security": {"grant": ["x"]}}]}
    found = told(case(data=Subject.OWNER), mixed("long"), grants_of(undecided))
    assert [one["status"] for one in found["problems"]] == [403]
    assert found["destination"]["source_indices"] == []


def test_every_problem_is_told() -> None:
    refusal = Refusal(400, "validation_exception", "Validation Failed: 1: no such index [flights];")
    one = case(known(state=JobState(state="stopped", stage=Stage.FINISHED)))
    found = told(one, None, planned=refusal)
    assert [problem["status"] for problem in found["problems"]] == [400, 400]
    assert found["problems"][1]["reason"] == refusal.reason


def test_the_secondary_identity_is_named() -> None:
    found = told(case(replace(known(), secondary=BOB)))
    assert found["verdict"]["secondary"]["name"] == "bob"


def test_a_path_is_quoted() -> None:
    one = case(known(made(dest={"index": "<out-{now/d}>", "results_field": "ml"}), STOPPED))
    plan = Plan(step=Destination.CREATE, why="w", body={"settings": {}, "mappings": {}})
    assert told(one, planned=plan)["create"]["path"] == "/%3Cout-%7Bnow%2Fd%7D%3E"


LAID = {"index.codec": Setting("index.codec", "best_compression", Origin("rules/a.yml", 14))}


@pytest.mark.parametrize(
    ("said", "checked", "why"),
    [(Foretold(), True, None), (Foretold(unchecked="it may not know"), False, "it may not know"), (None, None, None)],
)
def test_whether_the_cluster_has_looked_at_the_settings_of_the_rules(
    said: Foretold | None, checked: bool | None, why: str | None
) -> None:
    one = case(rules=OVERRIDDEN)
    planned = make_plan(one.known, MISSING, None, 7, LAID)
    found = document(one, findings(one, Verdict(), planned, MISSING, None, None, 7, foretold=said), "r1")
    assert (found.get("overrides_checked"), found.get("overrides_unchecked_because")) == (checked, why)
    assert found["would_succeed"] is True


def test_without_settings_of_the_rules_nothing_is_said_of_them() -> None:
    one = case()
    planned = make_plan(one.known, MISSING, None, 7)
    found = document(one, findings(one, Verdict(), planned, MISSING, None, None, 7, foretold=Foretold()), "r1")
    assert "overrides_checked" not in found


def test_what_the_cluster_refuses_beforehand_is_a_problem() -> None:
    one = case(rules=OVERRIDDEN)
    planned = make_plan(one.known, MISSING, None, 7, LAID)
    said = Foretold(problem=Refusal(400, "illegal_argument_exception", "unknown value"))
    found = document(one, findings(one, Verdict(), planned, MISSING, None, None, 7, foretold=said), "r1")
    assert found["problems"] == [{"status": 400, "type": "illegal_argument_exception", "reason": "unknown value"}]
    assert (found["would_succeed"], found["overrides_checked"]) == (False, True)


@pytest.mark.parametrize(("legacy", "carrier"), [(True, {"type": "keyword", "ignore_above": 5}), (False, None)])
def test_legacy_templates_are_merged_to_the_bottom(legacy: bool, carrier: dict[str, Any] | None) -> None:
    given = Given(mappings={"properties": {"carrier": {"type": "text", "ignore_above": 5}}}, legacy=legacy)
    found = told(case(), replace(MISSING, given=given))
    assert found["effective"]["mappings"]["properties"]["carrier"] == (carrier or {"type": "keyword"})
