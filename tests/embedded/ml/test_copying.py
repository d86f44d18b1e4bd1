"""Copying documents."""

from typing import Any

import pytest

from proxy.embedded.core.json_text import Json
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"


async def run(ask: Asker, **change: Json) -> dict[str, Any]:
    await ask.ok("PUT", JOB, {**OUTLIERS, **change})
    await ask.ok("POST", f"{JOB}/_start")
    return await ask.ended("job")


async def copied(ask: Asker) -> list[dict[str, Any]]:
    body = {"size": 1000, "sort": [{"ml__incremental_id": "asc"}]}
    found = await ask.ok("POST", "/flights-out/_search", body)
    return [hit["_source"] for hit in found["hits"]["hits"]]


async def test_documents_keep_id_and_order() -> None:
    ask = Asker()
    await ask.flights()
    await run(ask)
    sources = await copied(ask)
    assert [source["ml__incremental_id"] for source in sources] == list(range(60))
    one = await ask.ok("GET", "/flights-out/_doc/3")
    assert one["_source"]["delay"] == 3
    assert one["_source"]["ml__incremental_id"] == 3


async def test_the_query_and_the_filter_choose() -> None:
    ask = Asker()
    await ask.flights()
    source = {"index": "flights", "query": {"range": {"delay": {"gte": 3}}}, "_source": {"excludes": ["origin"]}}
    await run(ask, source=source)
    sources = await copied(ask)
    assert 0 < len(sources) < 60
    assert all(source["delay"] >= 3 and "origin" not in source for source in sources)


async def test_a_document_that_does_not_fit_fails_the_job() -> None:
    ask = Asker()
    await ask.flights()
    await ask.ok("PUT", "/flights-out", {"mappings": {"properties": {"origin": {"type": "long"}}}})
    ended = await run(ask)
    assert ended["state"] == "failed"
    assert "[origin]" in ended["failure_reason"]


async def test_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.embedded.ml.copying.MAX_DOCUMENTS", 10)
    ask = Asker()
    await ask.flights()
    ended = await run(ask)
    assert (ended["state"], ended["failure_reason"]) == (
        "failed",
        "the embedded cluster copies at most [10] documents but there are [60]",
    )
