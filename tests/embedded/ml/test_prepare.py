"""The destination of a running job: made, adapted, or made anew."""

from typing import Any

import pytest

from proxy.embedded.core.json_text import Json
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"
VERSION = {"created": "12.0.0"}


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    await asker.flights()
    return asker


async def run(ask: Asker, **change: Json) -> dict[str, Any]:
    await ask.ok("PUT", JOB, {**OUTLIERS, **change})
    await ask.ok("POST", f"{JOB}/_start")
    return await ask.ended("job")


async def destination(ask: Asker) -> dict[str, Any]:
    return dict((await ask.ok("GET", "/flights-out"))["flights-out"])


async def test_one_is_made_from_the_sources(ask: Asker) -> None:
    await ask.ok("PUT", "/flights2", {"settings": {"number_of_shards": 3, "number_of_replicas": 0}})
    await run(ask, source={"index": ["flights", "flights2"]})
    found = await destination(ask)
    assert found["settings"]["index"]["number_of_shards"] == "3"
    assert found["settings"]["index"]["number_of_replicas"] == "1"
    mappings = found["mappings"]
    assert mappings["dynamic"] == "false"
    assert mappings["_meta"]["created_by"] == "data-frame-analytics"
    assert mappings["_meta"]["analytics"] == "job"
    assert mappings["properties"]["ml__incremental_id"] == {"type": "long"}
    assert mappings["properties"]["ml"]["properties"]["outlier_score"] == {"type": "double"}
    assert {"delay", "distance", "origin"} < set(mappings["properties"])


async def test_an_existing_one_gets_only_result_fields(ask: Asker) -> None:
    body = {"settings": {"number_of_shards": 2}, "mappings": {"properties": {"delay": {"type": "double"}}}}
    await ask.ok("PUT", "/flights-out", body)
    uuid = (await destination(ask))["settings"]["index"]["uuid"]
    ended = await run(ask, source={"index": "flights", "runtime_mappings": {"twice": {"type": "long"}}})
    assert ended["state"] == "stopped", ended
    found = await destination(ask)
    assert found["settings"]["index"]["uuid"] == uuid
    assert found["mappings"]["properties"]["delay"] == {"type": "double"}
    assert found["mappings"]["properties"]["ml__incremental_id"] == {"type": "long"}
    assert "outlier_score" in found["mappings"]["properties"]["ml"]["properties"]
    assert found["mappings"]["runtime"] == {"twice": {"type": "long"}}
    assert "_meta" not in found["mappings"]


async def test_an_existing_one_that_has_the_results_field_fails_the_job(ask: Asker) -> None:
    await ask.ok("PUT", "/flights-out", {"mappings": {"properties": {"ml": {"properties": {"a": {"type": "long"}}}}}})
    ended = await run(ask)
    assert ended["state"] == "failed"
    assert ended["failure_reason"] == (
        "A field that matches the dest.results_field [ml] already exists; please set a different results_field"
    )


async def test_a_source_that_has_the_results_field_fails_the_job(ask: Asker) -> None:
    await ask.ok("PUT", "/flights/_mapping", {"properties": {"ml": {"type": "keyword"}}})
    ended = await run(ask)
    assert ended["state"] == "failed"
    assert "dest.results_field [ml] already exists" in ended["failure_reason"]


@pytest.mark.parametrize(
    ("meta", "anew"),
    [
        ({"created_by": "data-frame-analytics", "version": VERSION}, False),
        ({"created_by": "data-frame-analytics", "version": {"created": "7.10.0"}}, False),
        ({"created_by": "data-frame-analytics", "version": {"created": "7.9.3"}}, True),
        ({"created_by": "data-frame-analytics", "version": {"created": "what"}}, True),
        ({"created_by": "data-frame-analytics", "version": "8.0.0"}, True),
        ({"created_by": "data-frame-analytics"}, True),
        ({"created_by": "somebody"}, False),
        ({}, False),
    ],
)
async def test_one_of_an_incompatible_version_is_made_anew(ask: Asker, meta: dict[str, Any], anew: bool) -> None:
    await ask.ok("PUT", "/flights-out", {"mappings": {"_meta": meta, "properties": {"mine": {"type": "long"}}}})
    assert (await run(ask))["state"] == "stopped"
    assert ("mine" not in (await destination(ask))["mappings"]["properties"]) is anew


async def test_settings_that_do_not_agree_fail_the_job(ask: Asker) -> None:
    for name, b in (("s1", 0.5), ("s2", 0.6)):
        await ask.ok("PUT", f"/{name}", {"settings": {"similarity": {"mine": {"type": "BM25", "b": b}}}})
    ended = await run(ask, source={"index": ["flights", "s1", "s2"]})
    assert ended["state"] == "failed"
    assert ended["failure_reason"].startswith(
        "cannot merge settings because of differences for index.similarity; specified as ["
    )


async def test_the_type_of_what_is_predicted(ask: Asker) -> None:
    await run(ask, analysis={"classification": {"dependent_variable": "origin"}})
    found = (await destination(ask))["mappings"]["properties"]["ml"]["properties"]
    assert found["origin_prediction"] == {"type": "keyword"}
