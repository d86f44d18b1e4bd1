"""Records as values: field names, bounds, nothing that was not named."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.journal import entry
from proxy.journal.chain import canonical
from proxy.journal.entry import LIST_LIMIT, TEXT_LIMIT_CHARS, Phase
from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter

JOB = Job(
    id="outliers",
    create_time=1_700_000_000_000,
    version="12.0.0",
    sources=("flights-*", "more"),
    source_filter=SourceFilter(),
    runtime_mappings={},
    destination="flights-out",
    results_field="ml",
    analysis="outlier_detection",
    analysis_settings={},
    owner=Owner(kind=OwnerKind.UNKNOWN),
    config={"source": {"query": {"term": {"diagnosis": "very secret"}}}},
)


@pytest.mark.parametrize(
    ("now_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_700_000_000_999, "2023-11-14T22:13:20.999Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_timestamps_are_utc_to_the_millisecond(now_ms: int, text: str) -> None:
    assert entry.timestamp(now_ms) == text


def test_what_is_no_time_is_not_read() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        entry.time_ms("yesterday")


@given(st.integers(0, 253_402_300_799_999))
def test_timestamps_read_back_as_they_were(now_ms: int) -> None:
    """Up to the end of the year 9999."""
    back = datetime.fromisoformat(entry.timestamp(now_ms))
    assert back.tzinfo == UTC
    assert entry.time_ms(entry.timestamp(now_ms)) == now_ms


@pytest.mark.parametrize(
    ("phase", "outcome", "types"),
    [
        (Phase.INTENT, "unknown", ["access", "info"]),
        (Phase.OUTCOME, "success", ["access", "info"]),
        (Phase.OUTCOME, "failure", ["access", "denied"]),
        (Phase.END, "failure", ["change"]),
    ],
)
def test_a_frame_names_event_and_receipt(phase: Phase, outcome: str, types: list[str]) -> None:
    record = entry.frame(phase, "r1", 0, outcome=outcome)
    assert record == {
        "@timestamp": "1970-01-01T00:00:00.000Z",
        "ecs": {"version": "8.11.0"},
        "event": {
            "id": "r1",
            "kind": "event",
            "category": ["configuration"],
            "type": types,
            "action": "start-data-frame-analytics",
            "dataset": "startgate.start",
            "module": "startgate",
            "outcome": outcome,
        },
        "startgate": {"format": 1, "phase": phase.value, "receipt": "r1"},
    }


def test_a_reason_is_put_into_the_event_and_bounded() -> None:
    record = entry.frame(Phase.OUTCOME, "r1", 0, outcome="failure", reason="x" * 5000)
    assert record["event"]["reason"] == "x" * TEXT_LIMIT_CHARS + "…[5000 characters]"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("ü" * TEXT_LIMIT_CHARS, "ü" * TEXT_LIMIT_CHARS),
        ("ü" * (TEXT_LIMIT_CHARS + 1), "ü" * TEXT_LIMIT_CHARS + "…[1025 characters]"),
        ("half \ud83d pair", "half \\ud83d pair"),
    ],
)
def test_texts_are_bounded(text: str, kept: str) -> None:
    assert entry.cut(text) == kept


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_a_client_chose_can_be_written(text: str) -> None:
    """Any text at all, lone surrogates too, comes out as one line of JSON."""
    line = canonical({"text": entry.cut(text)})
    assert line.count(b"\n") == 0
    assert isinstance(json.loads(line)["text"], str)


@pytest.mark.parametrize("count", [0, 1, LIST_LIMIT])
def test_lists_within_the_limit_are_whole(count: int) -> None:
    assert entry.cut_list(["i"] * count) == ["i"] * count


def test_longer_lists_say_how_long_they_were() -> None:
    kept = entry.cut_list([*["i"] * LIST_LIMIT, "j"])
    assert len(kept) == LIST_LIMIT + 1
    assert kept[-1] == "…[1001 entries]"


def test_an_identity_is_told_in_the_clusters_words() -> None:
    who = Identity(username="ann", roles=("a", "b"), realm="native1", realm_type="native", lookup_realm="native1")
    assert entry.identity(who) == {
        "name": "ann",
        "roles": ["a", "b"],
        "realm": {"name": "native1", "type": "native"},
        "authentication_type": "realm",
    }


def test_run_as_and_api_keys_are_told() -> None:
    who = Identity(
        username="ann",
        realm="_es_api_key",
        realm_type="_es_api_key",
        lookup_realm="native1",
        authentication_type="api_key",
        api_key_id="id1",
    )
    told = entry.identity(who)
    assert told["run_as"] == {"lookup_realm": "native1"}
    assert told["api_key"] == {"id": "id1"}
    assert entry.identity(replace(who, api_key_name="n"))["api_key"] == {"id": "id1", "name": "n"}


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        (Owner(kind=OwnerKind.UNKNOWN), {"kind": "unknown"}),
        (Owner(kind=OwnerKind.ROLES, roles=("r",)), {"kind": "roles", "roles": ["r"]}),
        (
            Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n"),
            {"kind": "api_key", "api_key": {"id": "k", "name": "n"}},
        ),
        (
            Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/kibana"),
            {"kind": "service_account", "service_account": "elastic/kibana"},
        ),
    ],
)
def test_an_owner_is_told_as_far_as_known(owner: Owner, told: dict[str, object]) -> None:
    assert entry.owner(owner) == told


def test_a_job_is_told_without_its_query() -> None:
    told = entry.job(JOB)
    assert told == {
        "id": "outliers",
        "analysis": "outlier_detection",
        "create_time": 1_700_000_000_000,
        "sources": ["flights-*", "more"],
        "destination": "flights-out",
        "results_field": "ml",
    }
    assert "secret" not in str(told)


def test_equal_values_have_one_digest() -> None:
    one, other = {"a": 1, "b": {"ü": [1.5], "c": None}}, {"b": {"c": None, "ü": [1.5]}, "a": 1}
    assert entry.digest(one) == entry.digest(other) != entry.digest({**one, "a": "1"})
    assert entry.digest(one) == hashlib.sha256('{"a":1,"b":{"c":null,"ü":[1.5]}}'.encode()).hexdigest()


def test_what_is_of_no_start_says_so() -> None:
    record = entry.administrative(
        "startgate-rules-reload", "a1", 1_700_000_000_123, outcome="failure", reason="x" * 2000
    )
    assert record["event"] | {"reason": ""} == {
        "id": "a1",
        "kind": "event",
        "category": ["configuration"],
        "type": ["change"],
        "action": "startgate-rules-reload",
        "dataset": "startgate.admin",
        "module": "startgate",
        "outcome": "failure",
        "reason": "",
    }
    assert record["event"]["reason"] == entry.cut("x" * 2000)
    assert record["startgate"] == {"format": 1, "admin": {}}
    assert record["@timestamp"] == "2023-11-14T22:13:20.123Z"
    assert "reason" not in entry.administrative("other", "a2", 0, outcome="success")["event"]
