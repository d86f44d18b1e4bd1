"""One start, opened: who, why, when, and how it ended."""

from typing import Any

import pytest

from proxy.admin.shown.starts import Judgement, Moment, Who
from proxy.admin.views.detail import STEPS, detail_of
from proxy.journal.fields import FIELDS
from proxy.journal.start import Start
from tests.admin.views.reading import denied, intent, who
from tests.journal.making import granted, record


def start(*records: dict[str, Any]) -> Start:
    """A start with these records."""
    return Start("r", {one["startgate"]["phase"]: one for one in records})


def test_who_asked_whose_job_it_is_and_whose_data() -> None:
    found = detail_of(
        start(
            record(
                "r",
                caller=who("kibana", "reserved", authentication_type="realm"),
                secondary=who("anna", "file1", run_as={"lookup_realm": "native1"}),
                owner={
                    "kind": "api_key",
                    "api_key": {"id": "k1", "name": "nightly"},
                    "seen": {"known": True, "name": "ben", "realm": {"name": "ldap1"}},
                },
                subjects={"data": "secondary"},
            )
        )
    )
    caller, secondary, owner, subject = found.who
    assert caller == Who(
        part="caller", name="kibana", realm="reserved", roles=("r",), authentication="realm", api_key=""
    )
    assert (secondary.name, secondary.realm) == ("anna", "native1, by the credentials of one of file1")
    assert (owner.part, owner.name, owner.realm, owner.authentication) == ("owner", "ben", "ldap1", "api_key")
    assert owner.api_key == "k1 [nightly]"
    assert (subject.part, subject.name, subject.authentication) == ("data subject", "anna", "secondary")


def test_judgements_are_the_steps_with_their_rules() -> None:
    steps = [
        {"kind": "cluster", "outcome": "passed", "text": "may start", "rule": "start.yml:3"},
        {"kind": "source", "outcome": "denied", "text": "no read", "rule": "start.yml:9"},
        {"kind": "guard", "outcome": "warned", "text": "late", "id": "g1", "rule": "guards.yml:1"},
        {"kind": "guard", "outcome": "shadow_denied", "text": "big", "id": "g2", "rule": "guards.yml:5"},
        {"kind": "guard", "outcome": "unknown", "text": "memory", "id": "g3", "rule": "guards.yml:8"},
    ]
    verdict = {
        "allowed": False,
        "steps": steps,
        "reasons": [{"kind": "source", "text": "no read", "rule": "start.yml:9"}],
        "warnings": [{"id": "g1", "message": "late", "rule": "guards.yml:1"}],
        "shadowed": [{"id": "g9", "message": "left out", "rule": "guards.yml:20"}],
    }
    assert detail_of(start(record("r", verdict=verdict))).judgements == (
        Judgement(text="may start", held=True, mode="enforce", rule="start.yml:3"),
        Judgement(text="no read", held=False, mode="enforce", rule="start.yml:9"),
        Judgement(text="late", held=False, mode="warn", rule="guards.yml:1"),
        Judgement(text="big", held=False, mode="shadow", rule="guards.yml:5"),
        Judgement(text="memory (unknown)", held=False, mode="enforce", rule="guards.yml:8"),
        Judgement(text="left out", held=False, mode="shadow", rule="guards.yml:20"),
    )


def test_without_steps_reasons_and_exceptions_are_told() -> None:
    verdict = {
        "allowed": True,
        "reasons": [{"kind": "source", "text": "no read", "rule": "start.yml:9"}],
        "exception": {"id": "e1", "reason": "outage", "signed_by": "ops", "rule": "break-glass.yml:2"},
    }
    first, second = detail_of(start(record("r", verdict=verdict))).judgements
    assert (first.text, first.held) == ("no read", False)
    assert (second.mode, second.held, second.rule) == ("exception", True, "break-glass.yml:2")
    assert "signed by ops: outage" in second.text


def test_the_timeline_goes_from_the_arrival_to_the_end() -> None:
    made = granted("r", url={"path": "/x"})
    outcome, end = made[1], made[2]
    outcome["url"] = {"path": "/_ml/x"}
    outcome["event"]["start"] = "2023-11-14T22:13:20.500Z"
    outcome["startgate"]["timings_ms"] = {"answered": 9.5, "forwarded": 9.0, "identified": 1.0, "judged": 1.0}
    end["event"] |= {"reason": "it has done its work", "duration": 3_600_000_000_000}
    found = detail_of(start(*made)).timeline
    assert [one.name for one in found] == ["arrived", "identified", "judged", "forwarded", "answered", "ended"]
    assert [one.at_ms for one in found] == [0.0, 1.0, 1.0, 9.0, 9.5, 3_599_500.0]
    assert [one.duration_ms for one in found] == [None, 1.0, 0.0, 8.0, 0.5, 3_600_000.0]
    assert (found[0].text, found[-1].text) == ("/_ml/x", "it has done its work")


def test_the_steps_are_those_of_the_records() -> None:
    assert {f"startgate.timings_ms.{name}" for name in STEPS} == {
        name for name in FIELDS if name.startswith("startgate.timings_ms.")
    }


def test_an_open_start_says_so() -> None:
    found = detail_of(start(intent("r")))
    assert found.open
    assert [one.name for one in found.timeline] == ["arrived", "open"]


def test_what_was_done_afterwards_is_told() -> None:
    outcome = record(
        "r",
        outcome="unknown",
        reconciled={"started": "yes", "started_again_as": "q"},
        destination={"index": "out", "removal": "removed"},
        at_s=60,
    )
    outcome["event"]["reason"] = "the gate had gone"
    found = detail_of(start(intent("r"), outcome)).timeline
    assert found[1:] == (
        Moment(name="looked at after a crash", at_ms=60_000.0, duration_ms=None, text="the gate had gone"),
        Moment(name="destination removed", at_ms=None, duration_ms=None, text="removed"),
        Moment(name="started again", at_ms=None, duration_ms=None, text="as q"),
    )


def test_plan_end_and_request_are_told_as_they_are() -> None:
    made = denied("r", destination={"index": "out", "plan": "create"}, rules={"revision": "abc"})
    made |= {"source": {"address": "10.0.0.7"}, "labels": {"x_opaque_id": "o"}, "trace": {"id": "t"}}
    end = granted("r")[2]
    end["startgate"]["end"] = {"state": "stopped"}
    found = detail_of(start(made, end))
    assert (found.peer, found.opaque_id, found.trace_id, found.rules_revision) == ("10.0.0.7", "o", "t", "abc")
    assert found.plan == {"index": "out", "plan": "create"}
    assert found.end == {"state": "stopped"}
    assert found.records == (made, end)


@pytest.mark.parametrize("odd", [None, 1, "x", [], [1], {}, {"steps": 1, "reasons": [1, {}]}, True])
def test_odd_records_are_opened_all_the_same(odd: object) -> None:
    made = record("r")
    made["startgate"] |= dict.fromkeys(("caller", "owner", "subjects", "verdict", "timings_ms", "end", "rules"), odd)
    made["event"]["start"] = odd
    assert detail_of(start(made)).row.receipt == "r"
