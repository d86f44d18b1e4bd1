"""The whole body of the create-index request."""

import pytest

from proxy.destination.body import DestinationBody, conflicts, destination_body
from proxy.destination.conflict import ConflictKind
from proxy.destination.era import Era
from proxy.errors import Refusal
from tests.destination.samples import index, job

LONG, KEYWORD = {"type": "long"}, {"type": "keyword"}
SOURCES = [
    index("a", {"f": LONG}, settings={"index.number_of_shards": "2", "index.number_of_replicas": "0"}),
    index("b", {"g": KEYWORD}, settings={"index.number_of_shards": "1", "index.number_of_replicas": "1"}),
]
META = {
    "creation_date_in_millis": 1700000000000,
    "created_by": "data-frame-analytics",
    "version": {"created": "12.0.0"},
    "analytics": "job-1",
}


def test_what_startgate_creates_has_no_result_fields() -> None:
    body = destination_body(job(), SOURCES, Era.ALLOW_LIST, 1700000000000, results=False)
    assert body == DestinationBody(
        settings={"index.number_of_shards": 2, "index.number_of_replicas": 1},
        mappings={
            "dynamic": False,
            "properties": {"f": LONG, "g": KEYWORD, "ml__incremental_id": LONG},
            "_meta": META,
        },
    )


def test_what_elasticsearch_creates_has_them() -> None:
    body = destination_body(job(), SOURCES, Era.ALLOW_LIST, 1700000000000, results=True)
    assert set(body.mappings["properties"]) == {
        *("f", "g", "ml__incremental_id"),
        *("ml.outlier_score", "ml.feature_influence"),
    }
    plain = destination_body(job(), SOURCES, Era.ALLOW_LIST, 1700000000000, results=False)
    assert body.settings == plain.settings


def test_dependent_types_reach_the_results() -> None:
    classify = job("classification", {"dependent_variable": "g"})
    body = destination_body(classify, SOURCES, Era.ALLOW_LIST, 1, results=True, dependent_types=["keyword"])
    assert body.mappings["properties"]["ml.g_prediction"] == KEYWORD
    without = destination_body(classify, SOURCES, Era.ALLOW_LIST, 1, results=False)
    assert "ml.g_prediction" not in without.mappings["properties"]


def test_runtime_mappings_of_the_job_win() -> None:
    mine = job(runtime={"r": LONG, "s": KEYWORD})
    body = destination_body(mine, [index("a", runtime={"r": KEYWORD, "q": LONG})], Era.ALLOW_LIST, 1, results=False)
    assert body.mappings["runtime"] == {"q": LONG, "r": LONG, "s": KEYWORD}


def test_the_running_number_replaces_a_field_of_its_name() -> None:
    body = destination_body(job(), [index("a", {"ml__incremental_id": KEYWORD})], Era.ALLOW_LIST, 1, results=False)
    assert body.mappings["properties"] == {"ml__incremental_id": LONG}


def test_sources_without_anything_still_make_a_mapping() -> None:
    body = destination_body(job(), [], Era.SORTED_COPY, 1, results=False)
    assert body.mappings["dynamic"] is False
    assert body.mappings["properties"] == {"ml__id_copy": KEYWORD}
    assert body.settings["index.sort.field"] == "ml__id_copy"


def test_the_version_of_an_old_cluster_is_written_as_it_would() -> None:
    body = destination_body(job(version="7.6.0"), [], Era.SHARDS_ONLY, 1, results=False, cluster_version="7.17.24")
    assert body.mappings["_meta"]["version"] == {"created": "7.17.24"}


def test_order_of_sources_never_matters() -> None:
    one = destination_body(job(), SOURCES, Era.ALLOW_LIST, 1, results=True)
    assert destination_body(job(), SOURCES[::-1], Era.ALLOW_LIST, 1, results=True) == one


@pytest.mark.parametrize("results", [False, True])
def test_a_source_field_of_the_results_fields_name_is_refused_before_anything_is_made(results: bool) -> None:
    with pytest.raises(Refusal) as caught:
        destination_body(job(), [index("a", {"ml": {"properties": {}}})], Era.ALLOW_LIST, 1, results=results)
    assert (caught.value.status, caught.value.type) == (400, "status_exception")
    assert "A field that matches the dest.results_field [ml] already exists" in caught.value.reason


def test_all_conflicts_in_the_order_of_a_start() -> None:
    sources = [
        index("a", {"f": LONG}, runtime={"r": LONG}, settings={"index.similarity.default": "bm25"}),
        index("b", {"f": KEYWORD}, runtime={"r": KEYWORD}, settings={"index.similarity.default": "boolean"}),
    ]
    assert [one.kind for one in conflicts(job(), sources)] == [*ConflictKind]
    assert [one.kind for one in conflicts(job(), sources, Era.SHARDS_ONLY)] == [*ConflictKind][:2]
    with pytest.raises(Refusal, match=r"cannot merge \[properties\]"):
        destination_body(job(), sources, Era.ALLOW_LIST, 1, results=False)
