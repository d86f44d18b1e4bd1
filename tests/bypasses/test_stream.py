"""The starts of all replicas, from their data stream."""

import json
from typing import Any

import pytest

from proxy.bypasses import stream
from proxy.bypasses.model import Beginning
from proxy.bypasses.recorded import Gathering
from proxy.errors import ClusterUnreachable, PassedOn
from tests.cluster.nodes import ANN, Script, Seen, node, refusal, reply, transport
from tests.journal.making import BEGIN_MS, granted

SEARCH = "POST /startgate-audit/_search"
JOB = {"id": "j", "create_time": 5}


def beginnings(*journals: tuple[str, int, int]) -> bytes:
    buckets = [{"key": name, "first": {"value": seq}, "time": {"value": ms}} for name, seq, ms in journals]
    return reply(200, {"aggregations": {"journals": {"buckets": buckets}}})


def page(*records: Any) -> bytes:
    found = [{"_id": f"d{number}", "_source": one, "sort": ["a", number]} for number, one in enumerate(records)]
    return reply(200, {"hits": {"hits": found}})


async def read(script: Script) -> tuple[Gathering, int, list[Seen]]:
    gathering = Gathering()
    async with node(script) as one, transport(one.url) as opened:
        count = await stream.read(opened, ANN, "startgate-audit", gathering)
    return gathering, count, one.seen


async def test_all_pages_of_all_journals() -> None:
    intent, outcome = granted("r1", end=None, job=JOB)
    other = granted("r2", at_s=60, end=None, job=JOB)
    answers = [beginnings(("a", 1.0, BEGIN_MS), ("b", 4.0, BEGIN_MS + 5)), page(intent, outcome), page(*other), page()]  # type: ignore[arg-type]  # an aggregation answers with fractions
    gathering, count, seen = await read({SEARCH: answers})
    known = gathering.recorded()
    assert count == 4
    assert known.beginnings == (Beginning(ms=BEGIN_MS, first=True), Beginning(ms=BEGIN_MS + 5, first=False))
    assert [one.receipt for one in known.starts] == ["r1", "r2"]
    assert [json.loads(one.body).get("search_after") for one in seen[1:]] == [None, ["a", 1], ["a", 1]]
    assert all("allow_partial_search_results=false" in one.line for one in seen)


async def test_what_is_asked_for_is_what_is_read() -> None:
    """Of a record, only what `Gathering` looks at: it gives the same answer to the part as to the whole."""
    intent, outcome, end = granted("r1", job=JOB, rules={"revision": "x"})
    end["startgate"]["end"] = {"state": "stopped"}
    whole, part = Gathering(), Gathering()
    for one in (intent, outcome, end):
        whole.add(one)
        shown = {name: one[name] for name in stream.FIELDS if name in one}
        part.add(shown | {"startgate": _ours(one)})
    assert part.recorded() == whole.recorded()


def _at(record: Any, name: str) -> Any:
    for key in name.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _ours(record: Any) -> dict[str, Any]:
    """What `_source` would give of `startgate`."""
    ours: dict[str, Any] = {}
    for name in stream.FIELDS:
        above, _, last = name.removeprefix("startgate.").rpartition(".")
        value = _at(record, name)
        if name.startswith("startgate.") and value is not None:
            place = ours
            for key in filter(None, above.split(".")):
                place = place.setdefault(key, {})
            place[last] = value
    return ours


@pytest.mark.parametrize(
    "answers",
    [
        [reply(200, {})],
        [reply(200, {"aggregations": {"journals": {"buckets": [{"key": "a"}]}}})],
        [beginnings(("a", None, 1))],  # type: ignore[arg-type]  # no such field in the mapping
        [beginnings(), reply(200, {})],
        [beginnings(), reply(200, {"hits": {"hits": [{"_source": {}}]}})],
        [beginnings(), page({"@timestamp": "then"})],
        [beginnings(), reply(200, {"hits": {"hits": [5]}})],
        [refusal(503)],
    ],
)
async def test_answers_that_cannot_be_used(answers: list[bytes]) -> None:
    with pytest.raises(ClusterUnreachable):
        await read({SEARCH: answers})


async def test_a_stream_that_may_not_be_read() -> None:
    with pytest.raises(PassedOn):
        await read({SEARCH: refusal(403)})
