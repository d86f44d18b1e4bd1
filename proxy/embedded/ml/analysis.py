"""The `analysis` part of a job: what may be set, within which bounds, and what it is where it is not set."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure, status_error
from proxy.embedded.request import Request

_METHODS = ("lof", "ldof", "distance_kth_nn", "distance_knn")
_LOSS_FUNCTIONS = ("mse", "msle", "huber")
_OBJECTIVES = ("maximize_accuracy", "maximize_minimum_recall")


@dataclass(frozen=True, slots=True)
class _Bound:
    """A test of a value, and what it must be in Elasticsearch's words."""

    holds: Callable[[Any], bool]
    text: str


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(low: float, high: float, text: str, *, above: bool = False) -> _Bound:
    return _Bound(lambda v: _number(v) and (v > low if above else v >= low) and v <= high, f"must be in {text}")


_NOT_NEGATIVE = _Bound(lambda v: _number(v) and v >= 0, "must be a non-negative double")
_NOT_NEGATIVE_INT = _Bound(lambda v: _whole(v) and v >= 0, "must be a non-negative integer")
_POSITIVE = _Bound(lambda v: _number(v) and v > 0, "must be a positive double")
_POSITIVE_INT = _Bound(lambda v: _whole(v) and v > 0, "must be a positive integer")
_UNIT = _within(0, 1, "[0, 1]")
_SHARE = _within(0, 1, "(0, 1]", above=True)
_FLAG = _Bound(lambda v: isinstance(v, bool), "must be a boolean")
_TEXT = _Bound(lambda v: isinstance(v, str), "must be a string")
_ANY = _Bound(lambda v: True, "")


def _one_of(words: tuple[str, ...]) -> _Bound:
    return _Bound(lambda v: v in words, f"must be one of [{', '.join(words)}]")


_BOOSTED = {
    "lambda": _NOT_NEGATIVE,
    "gamma": _NOT_NEGATIVE,
    "alpha": _NOT_NEGATIVE,
    "eta": _within(0.001, 1, "[0.001, 1]"),
    "eta_growth_rate_per_tree": _within(0.5, 2, "[0.5, 2.0]"),
    "max_trees": _Bound(lambda v: _whole(v) and 1 <= v <= 2000, "must be in [1, 2000]"),
    "feature_bag_fraction": _SHARE,
    "num_top_feature_importance_values": _NOT_NEGATIVE_INT,
    "max_optimization_rounds_per_hyperparameter": _Bound(lambda v: _whole(v) and 0 <= v <= 20, "must be in [0, 20]"),
    "downsample_factor": _SHARE,
    "soft_tree_depth_limit": _NOT_NEGATIVE,
    "soft_tree_depth_tolerance": _Bound(
        lambda v: _number(v) and v >= 0.01, "must be a double greater than or equal to 0.01"
    ),
}
_SUPERVISED = {
    "dependent_variable": _TEXT,
    **_BOOSTED,
    "prediction_field_name": _TEXT,
    "training_percent": _Bound(lambda v: _number(v) and 0 < v <= 100, "must be a positive double in (0, 100]"),
    "randomize_seed": _Bound(_whole, "must be a long"),
    "feature_processors": _ANY,
    "early_stopping_enabled": _FLAG,
}
_KNOWN: Mapping[str, Mapping[str, _Bound]] = {
    "outlier_detection": {
        "n_neighbors": _POSITIVE_INT,
        "method": _one_of(_METHODS),
        "feature_influence_threshold": _UNIT,
        "compute_feature_influence": _FLAG,
        "outlier_fraction": _UNIT,
        "standardization_enabled": _FLAG,
    },
    "regression": {**_SUPERVISED, "loss_function": _one_of(_LOSS_FUNCTIONS), "loss_function_parameter": _POSITIVE},
    "classification": {
        **_SUPERVISED,
        "class_assignment_objective": _one_of(_OBJECTIVES),
        "num_top_classes": _Bound(
            lambda v: _whole(v) and (v == -1 or 0 <= v <= 1000),
            "must be an integer in [0, 1000] or a special value -1",
        ),
    },
}


def parse_analysis(request: Request, value: Json) -> dict[str, Any]:
    """`{"<name>": {…}}` with all defaults filled in. Raises `Failure` 400 with Elasticsearch's texts."""
    name, settings = _named(value)
    request.refuse_unknown(settings, _KNOWN[name], name)
    for key, given in settings.items():
        bound = _KNOWN[name][key]
        if given is not None and not bound.holds(given):
            raise status_error(f"[{key}] {bound.text}")
    if name == "outlier_detection":
        return {name: _outlier(settings)}
    if not settings.get("dependent_variable"):
        raise Failure(400, "parse_exception", "[dependent_variable] must be a non-empty string")
    return {name: _supervised(name, settings)}


def _named(value: Json) -> tuple[str, Mapping[str, Any]]:
    """The one analysis that there is, and what is set under it."""
    if value is None:
        raise Failure(400, "illegal_argument_exception", "[analysis] must not be null.")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise Failure(400, "parsing_exception", "[analysis] must hold exactly one analysis type")
    [(name, settings)] = value.items()
    if name not in _KNOWN:
        reason = f"unable to parse DataFrameAnalysis with name [{name}]: parser not found"
        raise Failure(400, "named_object_not_found_exception", reason)
    if not isinstance(settings, Mapping):
        raise Failure(400, "parsing_exception", f"[{name}] must be an object")
    return name, settings


def _outlier(settings: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: settings[key] for key in ("n_neighbors", "method", "feature_influence_threshold") if key in settings}
    return shown | {
        "compute_feature_influence": settings.get("compute_feature_influence", True),
        "outlier_fraction": settings.get("outlier_fraction", 0.05),
        "standardization_enabled": settings.get("standardization_enabled", True),
    }


def _supervised(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    dependent = settings["dependent_variable"]
    shown: dict[str, Any] = {"dependent_variable": dependent}
    shown |= {key: settings[key] for key in _BOOSTED if key in settings}
    if name == "classification":
        shown["class_assignment_objective"] = settings.get("class_assignment_objective", "maximize_minimum_recall")
        shown["num_top_classes"] = settings.get("num_top_classes", 2)
    shown["prediction_field_name"] = settings.get("prediction_field_name", f"{dependent}_prediction")
    shown["training_percent"] = float(settings.get("training_percent", 100.0))
    # The seed only makes a random choice repeatable: no secret hangs on it.
    shown["randomize_seed"] = settings.get("randomize_seed", random.getrandbits(63))
    if name == "regression":
        shown["loss_function"] = settings.get("loss_function", "mse")
        if "loss_function_parameter" in settings:
            shown["loss_function_parameter"] = settings["loss_function_parameter"]
    if "feature_processors" in settings:
        shown["feature_processors"] = settings["feature_processors"]
    return shown | {"early_stopping_enabled": settings.get("early_stopping_enabled", True)}
