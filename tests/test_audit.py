"""The journal for human eyes."""

from collections.abc import Mapping
from typing import Any

import pytest

from proxy import audit
from proxy.journal import query
from proxy.journal.events import Event
from proxy.journal.query import Kind
from proxy.journal.read import Start


def record(phase: str, outcome: str, **more: Any) -> Mapping[str, Any]:
    """A record with what the table looks at; `startgate` in `more` is laid over the frame's."""
    ours = {"phase": phase, "receipt": "r" * 32, **more.pop("startgate", {})}
    reason = {"reason": more.pop("reason")} if "reason" in more else {}
    return {
        "@timestamp": "2026-11-24T06:00:00.000Z",
        "event": {"outcome": outcome, **reason},
        "startgate": ours,
        **more,
    }


def start(*records: Mapping[str, Any]) -> Start:
    """A start with these records."""
    return Start("r" * 32, {one["startgate"]["phase"]: one for one in records})


GRANTED = record(
    "outcome",
    "success",
    http={"response": {"status_code": 200}},
    url={"path": "/_ml/data_frame/analytics/flights/_start"},
    source={"address": "127.0.0.1"},
    user={"name": "anna"},
    startgate={
        "rules": {"revision": "abc"},
        "caller": {"name": "anna", "roles": ["analyst"], "realm": {"name": "native1"}},
        "owner": {"kind": "roles", "roles": ["analyst"]},
        "subjects": {"data": "owner", "asked": ["caller", "owner"], "intermediary": True},
        "job": {"id": "flights", "analysis": "outlier_detection", "sources": ["a", "b"], "destination": "out"},
        "verdict": {"allowed": True, "reasons": []},
        "destination": {
            "index": "out",
            "plan": "create",
            "why": "it is missing",
            "created": True,
            "created_as": "caller",
            "body_sha256": "f00",
        },
    },
)
PLANNED = record("outcome", "success", startgate={"plan_only": True, "destination": {"index": "o", "plan": "create"}})
DENIED = record(
    "outcome",
    "failure",
    reason="all in one line",
    http={"response": {"status_code": 403}},
    user={"name": "ben"},
    startgate={
        "job": {"id": "flights"},
        "verdict": {
            "allowed": False,
            "reasons": [
                {"text": "no read on [a]", "rule": "rules/start.yml:15"},
                {"text": "no index on [out]"},
            ],
        },
    },
)
REFUSED = record("outcome", "failure", reason="cannot merge", startgate={"verdict": {"allowed": True}})
EARLY = record("outcome", "failure", reason="no such job", http={"response": {"status_code": 404}})
UNKNOWN = record("outcome", "unknown", reason="timed out")
INTENT = record("intent", "unknown", user={"name": "anna"}, startgate={"job": {"id": "flights"}})
END = record("end", "failure", reason="the job ran out of memory", startgate={"end": {"state": "failed"}})


@pytest.mark.parametrize(
    ("records", "result"),
    [
        ([GRANTED], "granted"),
        ([PLANNED], "planned"),
        ([record("outcome", "success", startgate={"explain_only": True})], "explained"),
        ([record("outcome", "failure", startgate={"plan_only": True, "verdict": {"allowed": False}})], "denied"),
        ([INTENT, GRANTED, END], "granted"),
        ([DENIED], "denied"),
        ([REFUSED], "refused"),
        ([EARLY], "refused"),
        ([UNKNOWN], "unknown"),
        ([INTENT], "open"),
    ],
)
def test_results(records: list[Mapping[str, Any]], result: str) -> None:
    assert query.result(start(*records)) == result
    assert result in audit.STYLES


def test_a_granted_start_in_a_line() -> None:
    row = audit.row(start(INTENT, GRANTED, END))
    assert row.receipt == "r" * audit.RECEIPT_SHOWN
    assert (row.user, row.job, row.result, row.status) == ("anna", "flights", "granted", "200")
    assert row.destination == "out (created)"
    assert row.ended == "failed"
    assert row.why == "the job ran out of memory"
    assert row.time == "2026-11-24 06:00:00"


def test_that_a_job_stopped_needs_no_reason() -> None:
    end = record("end", "success", reason="the job stopped", startgate={"end": {"state": "stopped"}})
    row = audit.row(start(INTENT, GRANTED, end))
    assert (row.ended, row.why) == ("stopped", "")


def test_an_end_that_is_not_known_says_why() -> None:
    row = audit.row(start(INTENT, GRANTED, record("end", "unknown", reason="it was started again")))
    assert (row.ended, row.why) == ("not known", "it was started again")


def test_a_denied_start_says_why() -> None:
    row = audit.row(start(DENIED))
    assert row.why == "all in one line"
    assert row.destination == "-"
    assert row.ended == "-"


def test_without_a_text_every_reason_of_the_verdict_is_named() -> None:
    verdict = {"allowed": False, "reasons": [{"text": "no read"}, {"text": "no index"}]}
    assert audit.row(start(record("outcome", "failure", startgate={"verdict": verdict}))).why == "no read; no index"


def test_what_is_not_recorded_is_a_dash() -> None:
    row = audit.row(start(record("outcome", "failure")))
    assert (row.user, row.job, row.status, row.why) == ("-", "-", "-", "")


def test_a_destination_that_was_there_is_told_by_its_plan() -> None:
    for step, told in {"existing": "used as it is", "leave": "left as it is", "other": "other"}.items():
        plan = {"index": "out", "plan": step, "created": False}
        row = audit.row(start(record("outcome", "success", startgate={"destination": plan})))
        assert row.destination == f"out ({told})"


def test_the_table_holds_every_start_and_why_below_it() -> None:
    lines = [line.plain for line in audit.table([start(DENIED), start(GRANTED), start(INTENT)], "  ")]
    assert lines[0].split()[:5] == ["time", "(UTC)", "result", "status", "user"]
    assert [line.split()[2] for line in lines[1:] if "2026" in line] == ["denied", "granted", "open"]
    assert lines[2] == "      all in one line"
    assert all(line.startswith("  ") and line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("receipts", "length"),
    [
        ([], 12),
        (["a" * 32], 12),
        (["a" * 12 + "b" * 20, "c" * 32], 12),
        (["a" * 12 + "b" * 20, "a" * 12 + "c" * 20], 13),
        (["a" * 31 + "b", "a" * 32], 32),
        (["a" * 32, "a" * 32], 12),
        (["short", "short"], 12),
    ],
)
def test_receipts_are_shown_so_long_that_they_differ(receipts: list[str], length: int) -> None:
    assert audit.distinct(receipts) == length


def test_starts_of_one_millisecond_can_be_told_apart_in_the_table() -> None:
    twins = [Start("a" * 12 + other * 20, start(DENIED).records) for other in "bc"]
    lines = [line.plain for line in audit.table(twins)]
    assert [line.split()[-1] for line in lines if "denied" in line] == ["a" * 12 + "b", "a" * 12 + "c"]


def test_no_starts_are_a_heading() -> None:
    assert len(audit.table([])) == 1


def test_one_start_in_full() -> None:
    details = list(audit.details(start(INTENT, GRANTED, END)))
    told = dict(details)
    assert told["receipt"] == "r" * 32
    assert told["result"] == "granted 200"
    assert told["caller"] == "anna (realm native1; analyst)"
    assert told["job owner"] == "roles: analyst"
    assert told["decided on"] == (
        "the index privileges of the caller and the job's owner, for whom a trusted intermediary asked"
    )
    assert told["job"] == "flights (outlier_detection)"
    assert told["copies"] == "a, b -> out"
    assert told["destination"] == "out, created: it is missing"
    assert told["created as"] == "caller"
    assert told["body sha256"] == "f00"
    assert told["job ended"] == "2026-11-24T06:00:00.000Z failed: the job ran out of memory"
    assert "secondary" not in told
    assert "removal" not in told


def test_what_the_request_said_of_itself_and_how_long_it_took() -> None:
    one = record(
        "outcome",
        "success",
        source={"address": "10.0.0.1"},
        client={"address": "192.0.2.7"},
        tls={"client": {"subject": "CN=ann"}},
        user_agent={"original": "curl/8"},
        labels={"x_opaque_id": "op-1"},
        trace={"id": "0af7"},
        startgate={
            "caller": {
                "name": "ann",
                "roles": ["a"],
                "realm": {"name": "r"},
                "api_key": {"id": "k1", "name": "nightly"},
                "run_as": {"lookup_realm": "ldap"},
            },
            "front": {"address": "10.0.0.5"},
            "cluster": {"node": "node-1"},
            "timings_ms": {"answered": 9.5, "identified": 1, "judged": 4.25, "odd": None},
            "verdict": {"warnings": [{"message": "Too big.", "rule": "r.yml:9"}]},
            "chain": {"seq": 7},
        },
    )
    told = dict(audit.details(start(one)))
    assert told["caller"] == "ann (realm r; a; API key k1 [nightly]; through another's credentials, own realm ldap)"
    assert (told["from"], told["forwarded for"], told["front"]) == ("10.0.0.1", "192.0.2.7", "10.0.0.5")
    assert (told["certificate"], told["user agent"]) == ("CN=ann", "curl/8")
    assert (told["opaque id"], told["trace"], told["node"]) == ("op-1", "0af7", "node-1")
    assert told["timings"] == "identified 1 ms, judged 4.25 ms, answered 9.5 ms, odd None ms"
    assert told["warnings"] == "Too big. (r.yml:9)"
    assert told["records"] == "outcome 7"


def test_every_reason_comes_with_its_rule() -> None:
    verdicts = [text for heading, text in audit.details(start(DENIED)) if heading == "verdict"]
    assert verdicts == ["no read on [a] (rules/start.yml:15)", "no index on [out]"]


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        ({"kind": "api_key", "api_key": {"id": "k1"}}, "api_key: k1"),
        ({"kind": "service_account", "service_account": "elastic/kibana"}, "service_account: elastic/kibana"),
        ({"kind": "unknown"}, "unknown"),
    ],
)
def test_owners_of_every_kind(owner: Mapping[str, Any], text: str) -> None:
    told = dict(audit.details(start(record("outcome", "failure", startgate={"owner": owner}))))
    assert told["job owner"] == text


SEEN = {"known": True, "name": "ann", "realm": {"name": "r"}, "action": "put-x", "time": "2026", "by": "caller"}


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (SEEN, "ann (realm r), put-x of 2026"),
        (SEEN | {"by": "secondary"}, "ann (realm r), put-x of 2026; another called for them"),
        ({"known": False, "why": "before our time"}, "not known: before our time"),
        (None, None),
    ],
)
def test_who_last_changed_the_job(seen: Mapping[str, Any] | None, text: str | None) -> None:
    owner = {"kind": "unknown"} | ({} if seen is None else {"seen": seen})
    told = dict(audit.details(start(record("outcome", "failure", startgate={"owner": owner}))))
    assert told.get("job last changed by") == text


def test_an_open_start_and_one_of_unknown_end() -> None:
    told = dict(audit.details(start(INTENT, record("end", "unknown"))))
    assert told["result"] == "open"
    assert told["job ended"].endswith(" not known")
    told = dict(
        audit.details(start(record("outcome", "unknown", startgate={"caller": {"name": "x"}, "verdict": "odd"})))
    )
    assert told["caller"] == "x (realm None; no roles)"


@pytest.mark.parametrize("odd", [None, "inc-7", []])
def test_an_exception_that_let_a_start_pass_is_told(odd: object) -> None:
    used = {"id": "inc-7", "reason": "role mapping broken", "signed_by": "ops", "rule": "rules/x.yml:3"}
    for exception, told in (
        (used, ["inc-7 let it pass, signed by ops (rules/x.yml:3): role mapping broken"]),
        (odd, []),
    ):
        one = start(record("outcome", "success", startgate={"verdict": {"allowed": True, "exception": exception}}))
        assert [text for heading, text in audit.details(one) if heading == "break-glass"] == told


def test_what_a_job_came_to_is_told() -> None:
    end = {
        "state": "failed",
        "failure_reason": "no memory",
        "documents": {"training": 80, "skipped": 2},
        "peak_memory_bytes": 1234567,
    }
    told = dict(audit.details(start(GRANTED, record("end", "failure", startgate={"end": end}))))
    assert told["failure"] == "no memory"
    assert told["documents"] == "training 80, skipped 2"
    assert told["peak memory"] == "1,234,567 bytes"


@pytest.mark.parametrize(
    ("admin", "text"),
    [
        (
            {"journal": {"file": "starts-000002.jsonl", "after": "starts-000001.jsonl", "why": "size"}},
            "file starts-000002.jsonl, after starts-000001.jsonl, why size",
        ),
        ({"journal": {"file": "f", "first_seq": 1, "first_hash": "ab", "torn": {}}}, "file f, first seq 1"),
        ({"rules": {"before": "a", "after": "b"}}, "rules before a, rules after b"),
        ({}, ""),
    ],
)
def test_a_change_to_startgate_says_what_it_was_about(admin: Mapping[str, Any], text: str) -> None:
    told: dict[str, Any] = {"event": {"outcome": "success"}, "startgate": {"admin": admin}}
    assert audit.event_cells(Event(Kind.ADMIN, told, b""))["reason"] == text
    told["event"]["reason"] = "the reason"
    assert audit.event_cells(Event(Kind.ADMIN, told, b""))["reason"] == "the reason"
