"""What the gate refuses by itself, beside what the cluster says of the same start without it: the same status and text,
never more refusals, and nothing left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stack import Replied, Stack, whole

LONG, WORD, TEXT = {"type": "long"}, {"type": "keyword"}, {"type": "text"}
ROWS = [{"n": number, "k": "ab"[number % 2], "same": "x", "flag": True} for number in range(12)]
FIELDS = {"n": LONG, "k": WORD, "same": WORD, "flag": {"type": "boolean"}}
OUTLIERS: dict[str, Any] = {"outlier_detection": {}}


def predict(kind: str, name: str) -> dict[str, Any]:
    """An analysis that predicts a field."""
    return {kind: {"dependent_variable": name}}


# Fields of the sources (one mapping each), analysis, rows, what else the job has, and what the cluster says to it.
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[Any], dict[str, Any], str]] = {
    "goes": ([FIELDS], OUTLIERS, ROWS, {}, ""),
    "two sources": ([FIELDS, {"z": LONG}], OUTLIERS, ROWS, {}, ""),
    "regression goes": ([FIELDS], predict("regression", "n"), ROWS, {}, ""),
    "classification goes": ([FIELDS], predict("classification", "k"), ROWS, {}, ""),
    "no such variable to number": (
        [FIELDS, {}],
        predict("regression", "gone"),
        ROWS,
        {},
        "required field [gone] is missing; analysis requires fields [gone]",
    ),
    "no such variable to classify": (
        [FIELDS],
        predict("classification", "gone"),
        ROWS,
        {},
        "no mappings could be found for field [gone]",
    ),
    "below an object": (
        [{"o": {"properties": {"n": LONG, "m": LONG}}}],
        predict("regression", "o.n"),
        [],
        {},
        "no doc",
    ),
    "no field": ([{}], OUTLIERS, [], {}, "at least one field must be included in the analysis"),
    "words alone": ([{"k": WORD, "same": TEXT}], OUTLIERS, ROWS, {}, "at least one field must be included in the"),
    "variable alone": ([{"n": LONG}], predict("regression", "n"), [], {}, "(excluding fields [n])"),
    "wrong type": ([FIELDS], predict("regression", "k"), ROWS, {}, "invalid types [keyword]"),
    "one class": ([FIELDS], predict("classification", "same"), ROWS, {}, "must have at least [2] distinct values"),
    "no documents": ([FIELDS], OUTLIERS, [], {}, "Unable to start"),
    "asked for what is not there": (
        [FIELDS],
        OUTLIERS,
        ROWS,
        {"analyzed_fields": {"includes": ["gone"]}},
        "no mappings could be found for field [gone]",
    ),
    "conflict": ([{"n": LONG}, {"n": WORD}], predict("regression", "gone"), [], {}, "required field [gone]"),
    "conflict alone": ([{"n": LONG}, {"n": WORD}], OUTLIERS, [], {}, "cannot merge [properties] mappings"),
    "runtime": (
        [FIELDS],
        predict("regression", "r"),
        ROWS,
        {"source": {"runtime_mappings": {"r": {"type": "long"}}}},
        "",
    ),
}


async def prepare(stack: Stack, case: str) -> None:
    """The sources of a case and two equal jobs, with a destination each."""
    mappings, analysis, rows, more, _ = CASES[case]
    for number, fields in enumerate(mappings):
        await stack.ok("PUT", f"/s{number}", {"mappings": {"dynamic": False, "properties": fields}})
    for row in rows:
        await stack.ok("POST", "/s0/_doc?refresh=true", row)
    source = {"index": [f"s{number}" for number in range(len(mappings))], **more.get("source", {})}
    for job in ("direct", "gated"):
        body = {"source": source, "dest": {"index": f"{job}-out"}, "analysis": analysis}
        extra = {key: value for key, value in more.items() if key != "source"}
        await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body | extra)


def told(answer: Replied) -> tuple[int, Any]:
    """Status and body, with the job's name taken out."""
    body = {"acknowledged": True} if answer.status == 200 else answer.json
    text = json.dumps(body, sort_keys=True)
    return answer.status, json.loads(text.replace("gated", "direct"))


@pytest.mark.parametrize("case", CASES)
async def test_the_gate_refuses_as_the_cluster_would(case: str, tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        await prepare(stack, case)
        direct = await stack.call("POST", "/_ml/data_frame/analytics/direct/_start", direct=True)
        gated = await stack.start("gated")
        assert told(gated) == told(direct)
        assert CASES[case][-1] in ("" if direct.status == 200 else direct.reason)
        left = await stack.call("GET", "/gated-out", direct=True)
        if gated.status != 200:
            assert left.status == 404
        else:
            assert (await stack.ended("gated"))["state"] == (await stack.ended("direct"))["state"]


@pytest.mark.parametrize(("rows", "text"), [(1, "dest index [gated-out] must be empty"), (0, "A field that matches")])
async def test_a_destination_that_holds_results(rows: int, text: str, tmp_path: Path) -> None:
    """The cluster refuses one that is not empty; where it is, it grants the start, and the job fails with the text."""
    async with whole(tmp_path) as stack:
        await prepare(stack, "goes")
        for job in ("direct", "gated"):
            await stack.ok("PUT", f"/{job}-out", {"mappings": {"properties": {"ml": {"properties": {"x": LONG}}}}})
            for _ in range(rows):
                await stack.ok("POST", f"/{job}-out/_doc?refresh=true", {"n": 1})
        direct = await stack.call("POST", "/_ml/data_frame/analytics/direct/_start", direct=True)
        gated = await stack.start("gated")
        assert (gated.status, gated.reason[: len(text)]) == (400, text)
        if rows:
            assert told(gated) == told(direct)
        else:
            assert (await stack.ended("direct"))["failure_reason"] == gated.reason
        assert (await stack.ended("gated"))["state"] == "stopped"
