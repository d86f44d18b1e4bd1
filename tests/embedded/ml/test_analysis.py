"""What may be set under `analysis`."""

import json
from typing import Any

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.failure import Failure
from proxy.embedded.ml.analysis import parse_analysis
from proxy.embedded.request import Request


def parse(value: object) -> dict[str, Any]:
    body = json.dumps(value).encode()
    call = Call(method="PUT", target="/", headers=(("content-type", "application/json"),), body=body)
    return parse_analysis(Request(call, {}), value)


def test_outlier_detection_has_defaults() -> None:
    assert parse({"outlier_detection": {}}) == {
        "outlier_detection": {
            "compute_feature_influence": True,
            "outlier_fraction": 0.05,
            "standardization_enabled": True,
        }
    }
    given = {"n_neighbors": 4, "method": "lof", "feature_influence_threshold": 0.5, "outlier_fraction": 0.3}
    assert (
        parse({"outlier_detection": given})["outlier_detection"] | given
        == parse({"outlier_detection": given})["outlier_detection"]
    )


def test_supervised_analyses_have_defaults() -> None:
    found = parse({"regression": {"dependent_variable": "y", "eta": 0.5}})["regression"]
    assert isinstance(found.pop("randomize_seed"), int)
    assert found == {
        "dependent_variable": "y",
        "eta": 0.5,
        "prediction_field_name": "y_prediction",
        "training_percent": 100.0,
        "loss_function": "mse",
        "early_stopping_enabled": True,
    }
    found = parse({"classification": {"dependent_variable": "y", "randomize_seed": 3}})["classification"]
    assert list(found) == [
        "dependent_variable",
        "class_assignment_objective",
        "num_top_classes",
        "prediction_field_name",
        "training_percent",
        "randomize_seed",
        "early_stopping_enabled",
    ]
    given = {"dependent_variable": "y", "loss_function_parameter": 2.0, "feature_processors": []}
    found = parse({"regression": given})["regression"]
    assert found["loss_function_parameter"] == 2.0
    assert found["feature_processors"] == []


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("outlier_detection", {"n_neighbors": 0}, "[n_neighbors] must be a positive integer"),
        ("outlier_detection", {"n_neighbors": -1}, "[n_neighbors] must be a positive integer"),
        ("outlier_detection", {"outlier_fraction": 1.1}, "[outlier_fraction] must be in [0, 1]"),
        (
            "outlier_detection",
            {"feature_influence_threshold": -0.1},
            "[feature_influence_threshold] must be in [0, 1]",
        ),
        (
            "outlier_detection",
            {"method": "x"},
            "[method] must be one of [lof, ldof, distance_kth_nn, distance_knn]",
        ),
        ("outlier_detection", {"compute_feature_influence": 1}, "[compute_feature_influence] must be a boolean"),
        ("regression", {}, "[dependent_variable] must be a non-empty string"),
        ("regression", {"dependent_variable": 1}, "[dependent_variable] must be a string"),
        ("regression", {"lambda": -1}, "[lambda] must be a non-negative double"),
        ("regression", {"eta": 0.0001}, "[eta] must be in [0.001, 1]"),
        ("regression", {"max_trees": 2001}, "[max_trees] must be in [1, 2000]"),
        ("regression", {"feature_bag_fraction": 0}, "[feature_bag_fraction] must be in (0, 1]"),
        ("regression", {"loss_function_parameter": 0}, "[loss_function_parameter] must be a positive double"),
        (
            "classification",
            {"num_top_classes": -2},
            "[num_top_classes] must be an integer in [0, 1000] or a special value -1",
        ),
        (
            "classification",
            {"training_percent": 0},
            "[training_percent] must be a positive double in (0, 100]",
        ),
    ],
)
def test_bounds(name: str, settings: dict[str, object], text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse({name: settings})
    assert caught.value.reason == text
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, r"\[analysis\] must not be null"),
        ({}, "exactly one"),
        ([], "exactly one"),
        ({"outlier_detection": {}, "regression": {}}, "exactly one"),
        ({"clustering": {}}, r"\[clustering\]: parser not found"),
        ({"outlier_detection": 1}, "must be an object"),
        ({"outlier_detection": {"n_neighbours": 1}}, r"unknown field \[n_neighbours\] did you mean \[n_neighbors\]"),
    ],
)
def test_shapes(value: object, text: str) -> None:
    with pytest.raises((Failure, ElasticError), match=text):
        parse(value)
