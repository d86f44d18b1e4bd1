"""The fields that Elasticsearch adds to a destination for the results of the analysis (`getResultMappings`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.destination.era import Era
from proxy.errors import Refusal
from proxy.model import Job

_DOUBLE = {"type": "double"}
_BOOLEAN = {"type": "boolean"}
_KEYWORD = {"type": "keyword"}


def id_mapping(era: Era) -> dict[str, Any]:
    """The field by which Elasticsearch reads the copied documents in order; it replaces a field of that name."""
    if era is Era.SORTED_COPY:
        return {"ml__id_copy": {"type": "keyword"}}
    return {"ml__incremental_id": {"type": "long"}}


def result_mappings(job: Job, dependent_types: Sequence[str] = ()) -> dict[str, Any]:
    """Result fields by dotted name, as Elasticsearch writes them.

    `dependent_types` are the types that field capabilities give for the dependent variable, in their order; only a
    classification needs them. Raises Refusal 400 where it has none, or where the analysis is not known.
    """
    make = {
        "outlier_detection": _outlier_detection,
        "regression": _regression,
        "classification": _classification,
    }.get(job.analysis)
    if make is None:
        raise Refusal(400, "status_exception", f"the analysis [{job.analysis}] is not known")
    return {f"{job.results_field}.{name}": mapping for name, mapping in make(job, dependent_types).items()}


def results_field_conflict(job: Job, properties: Mapping[str, Any]) -> str | None:
    """Elasticsearch's text if `properties` already has a field of the name of the job's results field, else None."""
    if job.results_field not in properties:
        return None
    return (
        f"A field that matches the dest.results_field [{job.results_field}] already exists; "
        "please set a different results_field"
    )


def _outlier_detection(_job: Job, _types: Sequence[str]) -> dict[str, Any]:
    influence = {"feature_name": _KEYWORD, "influence": _DOUBLE}
    return {"outlier_score": _DOUBLE, "feature_influence": _nested(influence)}


def _regression(job: Job, _types: Sequence[str]) -> dict[str, Any]:
    return {
        "is_training": _BOOLEAN,
        _prediction_field(job): _DOUBLE,
        "feature_importance": _nested({"feature_name": _KEYWORD, "importance": _DOUBLE}),
    }


def _classification(job: Job, types: Sequence[str]) -> dict[str, Any]:
    if not types:
        # The name of the parameter, not of the field: that is what Elasticsearch says.
        raise Refusal(400, "status_exception", "no mappings could be found for required field [dependent_variable]")
    kind = {"type": types[0]}
    classes = {"class_name": kind, "class_probability": _DOUBLE, "class_score": _DOUBLE}
    by_class = _nested({"class_name": _KEYWORD, "importance": _DOUBLE})
    return {
        "is_training": _BOOLEAN,
        "prediction_probability": _DOUBLE,
        "prediction_score": _DOUBLE,
        _prediction_field(job): kind,
        "top_classes": {"type": "nested", "properties": classes},
        "feature_importance": _nested({"feature_name": _KEYWORD, "classes": by_class}),
    }


def _nested(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"dynamic": False, "type": "nested", "properties": dict(properties)}


def _prediction_field(job: Job) -> str:
    given = job.analysis_settings.get("prediction_field_name")
    return str(given) if given else f"{job.analysis_settings.get('dependent_variable')}_prediction"
