"""The fields for results, by analysis."""

from typing import Any

import pytest

from proxy.destination.era import Era
from proxy.destination.results import id_mapping, result_mappings, results_field_conflict
from proxy.errors import Refusal
from tests.destination.samples import job

DOUBLE, BOOLEAN, KEYWORD = {"type": "double"}, {"type": "boolean"}, {"type": "keyword"}


def nested(**properties: Any) -> dict[str, Any]:
    """A nested field that takes no other fields."""
    return {"dynamic": False, "type": "nested", "properties": properties}


def test_outlier_detection() -> None:
    assert result_mappings(job(results_field="out")) == {
        "out.outlier_score": DOUBLE,
        "out.feature_influence": nested(feature_name=KEYWORD, influence=DOUBLE),
    }


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"dependent_variable": "price"}, "ml.price_prediction"),
        ({"dependent_variable": "a.b", "prediction_field_name": ""}, "ml.a.b_prediction"),
        ({"dependent_variable": "price", "prediction_field_name": "guess"}, "ml.guess"),
    ],
)
def test_regression(settings: dict[str, Any], field: str) -> None:
    assert result_mappings(job("regression", settings)) == {
        "ml.is_training": BOOLEAN,
        field: DOUBLE,
        "ml.feature_importance": nested(feature_name=KEYWORD, importance=DOUBLE),
    }


def test_classification_takes_the_first_type_of_its_dependent_variable() -> None:
    assert result_mappings(job("classification", {"dependent_variable": "kind"}), ["ip", "keyword"]) == {
        "ml.is_training": BOOLEAN,
        "ml.prediction_probability": DOUBLE,
        "ml.prediction_score": DOUBLE,
        "ml.kind_prediction": {"type": "ip"},
        "ml.top_classes": {
            "type": "nested",
            "properties": {"class_name": {"type": "ip"}, "class_probability": DOUBLE, "class_score": DOUBLE},
        },
        "ml.feature_importance": nested(feature_name=KEYWORD, classes=nested(class_name=KEYWORD, importance=DOUBLE)),
    }


def test_classification_without_its_dependent_variable_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        result_mappings(job("classification", {"dependent_variable": "kind"}))
    assert caught.value.reason == "no mappings could be found for required field [dependent_variable]"
    assert (caught.value.status, caught.value.type) == (400, "status_exception")


def test_an_analysis_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refusal, match=r"the analysis \[guess\] is not known") as told:
        result_mappings(job("guess"))
    assert (told.value.status, told.value.type) == (400, "status_exception")


def test_the_field_of_the_running_number() -> None:
    assert id_mapping(Era.SORTED_COPY) == {"ml__id_copy": {"type": "keyword"}}
    assert id_mapping(Era.SHARDS_ONLY) == id_mapping(Era.ALLOW_LIST) == {"ml__incremental_id": {"type": "long"}}


def test_a_field_of_the_name_of_the_results_field() -> None:
    assert results_field_conflict(job(), {"mlx": {}, "a": {"properties": {"ml": {}}}}) is None
    assert results_field_conflict(job(), {"ml": {}}) == (
        "A field that matches the dest.results_field [ml] already exists; please set a different results_field"
    )
