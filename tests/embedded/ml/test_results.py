"""Results of the three analyses."""

from typing import Any

import pytest

from proxy.embedded.core.json_text import Json
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    await asker.ok(
        "PUT",
        "/flights",
        {"mappings": {"properties": {"x": {"type": "long"}, "y": {"type": "double"}, "k": {"type": "keyword"}}}},
    )
    documents: list[dict[str, Any]] = [{"x": n, "y": 2.0 * n, "k": "low" if n < 20 else "high"} for n in range(40)]
    await asker.fill("flights", [*documents, {"x": 5}, {"x": 30, "k": "high"}])
    return asker


async def run(ask: Asker, **change: Json) -> list[dict[str, Any]]:
    await ask.ok("PUT", JOB, {**OUTLIERS, **change})
    await ask.ok("POST", f"{JOB}/_start")
    ended = await ask.ended("job")
    assert ended["state"] == "stopped", ended
    body = {"size": 100, "sort": [{"ml__incremental_id": "asc"}]}
    return [hit["_source"] for hit in (await ask.ok("POST", "/flights-out/_search", body))["hits"]["hits"]]


async def counts(ask: Asker) -> dict[str, int]:
    [shown] = (await ask.ok("GET", f"{JOB}/_stats"))["data_frame_analytics"]
    return dict(shown["data_counts"])


async def test_documents_without_all_fields_get_no_outlier_score(ask: Asker) -> None:
    sources = await run(ask)
    assert [n for n, source in enumerate(sources) if "ml" not in source] == [40, 41]
    assert await counts(ask) == {"training_docs_count": 40, "test_docs_count": 0, "skipped_docs_count": 2}


async def test_influence_only_where_wanted(ask: Asker) -> None:
    analysis = {"outlier_detection": {"compute_feature_influence": False, "standardization_enabled": False}}
    sources = await run(ask, analysis=analysis)
    assert all("feature_influence" not in source.get("ml", {}) for source in sources)


async def test_influence_only_of_what_outlies(ask: Asker) -> None:
    sources = await run(ask, analysis={"outlier_detection": {"feature_influence_threshold": 1.0}})
    assert all("feature_influence" not in source.get("ml", {}) for source in sources)


async def test_the_results_field_is_the_jobs_own(ask: Asker) -> None:
    sources = await run(ask, dest={"index": "flights-out", "results_field": "scored"})
    assert 0 <= sources[0]["scored"]["outlier_score"] <= 1


async def test_regression(ask: Asker) -> None:
    analysis = {"regression": {"dependent_variable": "y", "training_percent": 50, "randomize_seed": 7}}
    sources = await run(ask, analysis=analysis)
    found = [source["ml"] for source in sources]
    assert all(isinstance(result["y_prediction"], float) for result in found)
    assert found[40]["is_training"] is False
    trained = sum(result["is_training"] for result in found)
    assert 0 < trained < 40
    assert await counts(ask) == {
        "training_docs_count": trained,
        "test_docs_count": 42 - trained,
        "skipped_docs_count": 0,
    }
    assert sum(abs(source["ml"]["y_prediction"] - source["y"]) for source in sources[:40]) / 40 < 10


async def test_classification(ask: Asker) -> None:
    analysis = {"classification": {"dependent_variable": "k", "prediction_field_name": "guess"}}
    sources = await run(ask, analysis=analysis)
    right = [source["ml"]["guess"] == source["k"] for source in sources if "k" in source]
    assert sum(right) / len(right) > 0.9
    first = sources[0]["ml"]
    assert first["prediction_probability"] == first["top_classes"][0]["class_probability"]
    assert len(first["top_classes"]) <= 2


async def test_classification_without_top_classes(ask: Asker) -> None:
    analysis = {"classification": {"dependent_variable": "k", "num_top_classes": 0}}
    sources = await run(ask, analysis=analysis)
    assert "top_classes" not in sources[0]["ml"]


@pytest.mark.parametrize(
    ("analysis", "text"),
    [
        ({"outlier_detection": {}}, "no documents of the destination have all the fields selected for analysis"),
        ({"regression": {"dependent_variable": "x"}}, "no documents of the destination can be trained on"),
    ],
)
async def test_arrays_are_no_numbers(analysis: dict[str, Any], text: str) -> None:
    ask = Asker()
    await ask.ok("PUT", "/flights", {"mappings": {"properties": {"x": {"type": "long"}, "y": {"type": "long"}}}})
    await ask.fill("flights", [{"x": [1, 2], "y": 1}, {"x": [3, 4], "y": 2}])
    await ask.ok("PUT", JOB, {**OUTLIERS, "analysis": analysis})
    await ask.ok("POST", f"{JOB}/_start")
    ended = await ask.ended("job")
    assert (ended["state"], ended["failure_reason"]) == ("failed", text)
