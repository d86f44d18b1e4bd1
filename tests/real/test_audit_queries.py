"""The questions of docs/audit-queries.md and the pictures of the dashboard, on genuine nodes and records of all kinds.

Kibana makes queries of KQL itself: the node gets the same question in Lucene's language.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from proxy.journal import marks
from proxy.journal.chain import genesis, seal
from proxy.journal.entry import Phase
from proxy.journal.fields import FIELDS
from proxy.ship.dashboard import saved_objects
from tests.journal.making import opened, record
from tests.real.node import RealNode
from tests.real.test_ship import make_stream, ship

DOCUMENT = (Path(__file__).parents[2] / "docs" / "audit-queries.md").read_text()
STREAM = "startgate-asked"
ROWS = dict(re.findall(r"^\| ([^|]+) \| `(.+)` \|$", DOCUMENT, flags=re.MULTILINE))
ESQL = re.findall(r"(?:^    .*\n)+", DOCUMENT, flags=re.MULTILINE)
WORDS = re.compile(r"\b(and|or|not)\b")


def outcome(receipt: str, result: str, *, allowed: bool | None = True, **more: Any) -> dict[str, Any]:
    """An outcome of anna's, of a job over flights."""
    ours: dict[str, Any] = dict(more)
    if allowed is not None:
        ours["verdict"] = {"allowed": allowed, "reasons": [], **ours.pop("verdict", {})}
    job = {"id": "j", "source_indices": ["flights-2025", "flights-2026"], "sources": ["flights-*"]}
    return record(receipt, Phase.OUTCOME, result, user="anna", job=job, **ours)


def observed(receipt: str, action: str) -> dict[str, Any]:
    """A call on a job that is no start."""
    made = record(receipt, user="anna", observed={"by": "caller"})
    made["event"] |= {"action": action, "dataset": "startgate.observed"}
    del made["startgate"]["phase"]
    return made


def broken_glass() -> dict[str, Any]:
    made = outcome("exception", "success", verdict={"exception": {"id": "x1", "reason": "a fire"}})
    made["tags"] = ["break-glass"]
    return made


REASON = {"kind": "privilege", "text": "anna lacks read on secret-1", "index": "secret-1", "privilege": "read"}
ELSEWHERE = {"id": "other", "source_indices": ["other"]}
RECORDS: dict[str, dict[str, Any]] = {
    "admin": opened(),
    "granted": outcome("granted", "success", destination={"index": "d", "created": True}),
    "elsewhere": {**(base := outcome("elsewhere", "success")), "startgate": {**base["startgate"], "job": ELSEWHERE}},
    "planned": outcome("planned", "success", plan_only=True),
    "explained": outcome("explained", "success", explain_only=True),
    "denied": outcome("denied", "failure", allowed=False, verdict={"reasons": [REASON]}),
    "refused": outcome("refused", "failure"),
    "no job": outcome("no job", "failure", allowed=None),
    "unknown": outcome("unknown", "unknown"),
    "for bob": outcome("for bob", "success", secondary={"name": "bob"}),
    "by key": outcome("by key", "success", caller={"name": "anna", "api_key": {"id": "k1"}}),
    "before us": outcome("before us", "success", owner={"kind": "roles", "seen": {"known": False}}),
    "exception": broken_glass(),
    "put": observed("put", "put-data-frame-analytics"),
    "update": observed("update", "update-data-frame-analytics"),
    "stop": observed("stop", "stop-data-frame-analytics"),
    "failed": record("failed", Phase.END, "failure", job={"id": "j"}, end={"failure_reason": "out of memory"}),
    "ended": record("ended", Phase.END, "success", job={"id": "j"}),
    "019a3f00": record("019a3f00", Phase.INTENT, "unknown"),
}
SUCCEEDED = {"granted", "elsewhere", "for bob", "by key", "before us", "exception"}
EXPECTED: dict[str, set[str]] = {
    "who started what": SUCCEEDED,
    "who started jobs on this data": (SUCCEEDED | {"planned", "explained"}) - {"elsewhere"},
    "what was denied": {"denied"},
    "who asked for data that they may not have": {"denied"},
    "what was allowed and refused all the same": {"refused"},
    "what was started and failed": {"failed"},
    "of which starts nobody knows what became": {"unknown"},
    "what Kibana sent for somebody": {"for bob"},
    "what was started with an API key": {"by key"},
    "whose job nobody knows who made": {"before us"},
    "which indices the gate made": {"granted"},
    "which exceptions were used": {"exception"},
    "who made or changed jobs": {"put", "update"},
    "what was changed about Startgate itself": {"admin"},
    "all about one start": {"019a3f00"},
}


@pytest.fixture(scope="module")
def asked_node(real_node: RealNode, tmp_path_factory: pytest.TempPathFactory) -> RealNode:
    """A node with all these records in a stream, shipped as any others."""
    folder = tmp_path_factory.mktemp("journal")
    link, lines = genesis("a-journal-to-be-asked"), []
    for name, one in RECORDS.items():
        line, link = seal({**one, "labels": {"x_opaque_id": name}}, link)
        lines.append(line)
    (folder / "starts-000001.jsonl").write_bytes(b"".join(lines))
    make_stream(real_node, STREAM)
    asyncio.run(ship(real_node, folder, STREAM))
    assert real_node.call("POST", f"/{STREAM}/_refresh").status == 200
    return real_node


def lucene(kql: str) -> str:
    """The same question in Lucene's language: of what is used here, only the words differ."""
    return WORDS.sub(lambda word: word[0].upper(), kql)


def search(node: RealNode, kql: str, **more: Any) -> Any:
    """What the node says to a question."""
    query = {"query_string": {"query": lucene(kql) or "*", "analyze_wildcard": True}}
    answer = node.call("POST", f"/{STREAM}/_search", {"query": query, "size": 100, **more})
    assert answer.status == 200, answer.body
    return answer.data


def names(found: Any) -> set[str]:
    """Which records these are."""
    return {hit["_source"]["labels"]["x_opaque_id"] for hit in found["hits"]["hits"]}


def test_each_question_has_an_answer_here() -> None:
    assert ROWS.keys() == EXPECTED.keys()


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("question", EXPECTED)
def test_a_question_finds_what_it_asks_for(asked_node: RealNode, question: str) -> None:
    assert names(search(asked_node, ROWS[question])) == EXPECTED[question]


@pytest.mark.real
@pytest.mark.slow
def test_what_the_dashboard_shows(asked_node: RealNode) -> None:
    """Each picture's query and counts, as Kibana would ask them."""
    shown = {}
    for one in saved_objects(STREAM):
        if one["type"] != "visualization":
            continue
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        state = json.loads(one["attributes"]["visState"])
        answer = search(asked_node, source["query"]["query"], aggs=aggregations(state))
        shown[one["id"].removeprefix(f"startgate-{STREAM}-")] = (names(answer), answer["aggregations"])
    assert {name: found for name, (found, _) in shown.items()} == {
        "over-time": SUCCEEDED | {"denied", "refused", "no job", "unknown"},
        "by-user": SUCCEEDED | {"denied", "refused", "no job", "unknown"},
        "by-job": SUCCEEDED | {"denied", "refused", "no job", "unknown"},
        "denied": {"denied"},
        "failed-later": {"failed"},
        "refused": {"refused", "unknown"},
        "break-glass": {"exception"},
    }
    counts = {name: bucket["doc_count"] for name, bucket in shown["over-time"][1]["3"]["buckets"].items()}
    assert counts == {"granted": len(SUCCEEDED), "denied": 1, "refused": 2, "unknown": 1}
    (reason,) = shown["denied"][1]["5"]["buckets"]
    assert (reason["key"], reason["doc_count"]) == (REASON["text"], 1)


def aggregations(state: Any) -> dict[str, Any]:
    """A picture's own, side by side."""
    asked = {}
    for one in state["aggs"]:
        kind, params = one["type"], one["params"]
        if kind == "terms":
            asked[one["id"]] = {"terms": {"field": params["field"], "size": params["size"], "missing": "-"}}
        elif kind == "max":
            asked[one["id"]] = {"max": {"field": params["field"]}}
        elif kind == "filters":
            named = {f["label"]: {"query_string": {"query": lucene(f["input"]["query"])}} for f in params["filters"]}
            asked[one["id"]] = {"filters": {"filters": named}}
    return asked


def test_fields_in_the_document_exist() -> None:
    """Also those of ES|QL, which no node here can be asked."""
    blocks = [block for block in ESQL if block.strip().startswith("FROM ")]
    assert len(blocks) >= 5
    named = {name for block in blocks for name in re.findall(r"(?:startgate|event|user)\.[\w.]+", block)}
    named |= {name for query in ROWS.values() for name in re.findall(r"([\w.]+):", query)}
    assert {name for name in named if name not in FIELDS} == set()


def test_there_is_a_record_of_each_kind() -> None:
    assert marks.Mark.OPENED.value == RECORDS["admin"]["event"]["action"]
    assert all(
        ("phase" in one["startgate"]) != ("admin" in one["startgate"] or "observed" in one["startgate"])
        for one in RECORDS.values()
    )
