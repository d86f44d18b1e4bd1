"""The analysis of the copied documents, and its results in the destination."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.embedded.failure import status_error
from proxy.embedded.ml.copying import MAX_DOCUMENTS
from proxy.embedded.ml.fields import BOOLEAN, NUMERIC, select_fields
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.numbers import mixed_rows, number, numeric_rows, value_at
from proxy.embedded.ml.pace import Pace
from proxy.embedded.outliers import DEFAULT_NEIGHBOURS, outliernesses, scores, standardised
from proxy.embedded.predictions import classifications, regressions

_BATCH = 500
_DEFAULT_THRESHOLD = 0.1


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    source: Mapping[str, Any]


async def analyse(owner: Indices, job: Job, pace: Pace) -> None:
    """Read the destination, compute, write the results. Raises `Refusal` with what fails the job."""
    documents = await _load(owner, job, pace)
    if job.analysis == "outlier_detection":
        results = await _outliers(owner, job, documents, pace)
    else:
        results = await _predictions(owner, job, documents, pace)
    await _write(owner, job, documents, results, pace)


async def _load(owner: Indices, job: Job, pace: Pace) -> list[_Document]:
    await pace.step()
    # With the owner's credentials (`AbstractDataFrameAnalyticsStep.refreshDestAsync`): this is where an owner without
    # `manage` or `maintenance` on the destination fails.
    await owner.refresh(job.destination)
    body = {"size": MAX_DOCUMENTS, "sort": [{"ml__incremental_id": "asc"}]}
    found = await owner.search([job.destination], body)
    job.progress["loading_data"] = 100
    return [_Document(hit["_id"], hit["_source"]) for hit in found["hits"]["hits"]]


async def _features(owner: Indices, job: Job) -> list[tuple[str, bool]]:
    """Names of the features, and whether each is a category."""
    fields = select_fields(job, await owner.field_caps(job.sources))
    return [
        (field.name, not set(field.types) <= NUMERIC | BOOLEAN)
        for field in fields
        if field.included and not field.required
    ]


Results = list[dict[str, Any] | None]


async def _outliers(owner: Indices, job: Job, documents: Sequence[_Document], pace: Pace) -> Results:
    await pace.step()
    names = [name for name, _ in await _features(owner, job)]
    rows = numeric_rows([document.source for document in documents], names)
    complete = [row for row in rows if row is not None]
    job.counts["skipped_docs_count"] = len(rows) - len(complete)
    job.counts["training_docs_count"] = len(complete)
    # Without a field every document has all of them, and nothing that could be compared.
    if not names or not complete:
        raise status_error("no documents of the destination have all the fields selected for analysis")
    points = standardised(complete) if job.settings["standardization_enabled"] else complete
    found = []
    for outlierness in outliernesses(points, job.settings.get("n_neighbors", DEFAULT_NEIGHBOURS)):
        found.append(outlierness)
        job.progress["computing_outliers"] = 99 * len(found) // len(points)
        await pace.part(len(found), len(points))
    scored = scores([outlierness.distance for outlierness in found], job.settings["outlier_fraction"])
    shown = iter([_outlier(job, names, score, o.influences) for score, o in zip(scored, found, strict=True)])
    job.progress["computing_outliers"] = 100
    job.peak_bytes = len(points) * (len(names) + 4) * 8
    return [None if row is None else next(shown) for row in rows]


def _outlier(job: Job, names: Sequence[str], score: float, influences: Sequence[float]) -> dict[str, Any]:
    shown: dict[str, Any] = {"outlier_score": score}
    threshold = job.settings.get("feature_influence_threshold", _DEFAULT_THRESHOLD)
    if job.settings["compute_feature_influence"] and score >= threshold:
        ordered = sorted(zip(names, influences, strict=True), key=lambda pair: -pair[1])
        shown["feature_influence"] = [{"feature_name": name, "influence": share} for name, share in ordered]
    return shown


async def _predictions(owner: Indices, job: Job, documents: Sequence[_Document], pace: Pace) -> Results:
    for phase in ("feature_selection", "coarse_parameter_search", "fine_tuning_parameters"):
        await pace.step()
        job.progress[phase] = 100
    features = await _features(owner, job)
    rows = standardised(mixed_rows([document.source for document in documents], features))
    targets = [value_at(document.source, job.dependent or "") for document in documents]
    training = _training(job, targets)
    if not any(training):
        raise status_error("no documents of the destination can be trained on")
    job.counts["training_docs_count"] = sum(training)
    job.counts["test_docs_count"] = len(training) - sum(training)
    predicted = []
    for prediction in _predicted(job, rows, targets, training):
        predicted.append(prediction)
        job.progress["final_training"] = 99 * len(predicted) // len(rows)
        await pace.part(len(predicted), len(rows))
    job.progress["final_training"] = 100
    return [{**found, "is_training": trained} for found, trained in zip(predicted, training, strict=True)]


def _training(job: Job, targets: Sequence[Any]) -> list[bool]:
    # A job's own seed makes the choice repeatable, as in Elasticsearch.
    chooser = random.Random(job.settings["randomize_seed"])  # noqa: S311 -- no secret hangs on it
    share = job.settings["training_percent"] / 100.0
    return [target is not None and chooser.random() < share for target in targets]


def _predicted(
    job: Job, rows: Sequence[tuple[float, ...]], targets: Sequence[Any], training: Sequence[bool]
) -> Iterator[dict[str, Any]]:
    """One result a row, lazily."""
    field = job.settings["prediction_field_name"]
    known = [index for index, trained in enumerate(training) if trained]
    trained_rows = [rows[index] for index in known]
    if job.analysis == "regression":
        numbers = [number(targets[index]) or 0.0 for index in known]
        return ({field: value} for value in regressions(trained_rows, numbers, rows))
    votes = classifications(trained_rows, [str(targets[index]) for index in known], rows)
    by_text = {str(target): target for target in targets}
    return (_classified(job, field, found, by_text) for found in votes)


def _classified(job: Job, field: str, votes: Sequence[tuple[str, float]], by_text: Mapping[str, Any]) -> dict[str, Any]:
    name, share = votes[0]
    count = job.settings["num_top_classes"]
    top = [
        {"class_name": by_text[other], "class_probability": part, "class_score": part}
        for other, part in (votes if count == -1 else votes[:count])
    ]
    shown = {field: by_text[name], "prediction_probability": share, "prediction_score": share}
    return shown | ({"top_classes": top} if top else {})


async def _write(owner: Indices, job: Job, documents: Sequence[_Document], results: Results, pace: Pace) -> None:
    rf = job.config["dest"]["results_field"]
    pairs = [
        (document.id, {**document.source, rf: result})
        for document, result in zip(documents, results, strict=True)
        if result is not None
    ]
    for first in range(0, len(pairs), _BATCH):
        await pace.step()
        await owner.index(job.destination, pairs[first : first + _BATCH])
        job.progress["writing_results"] = 99 * first // len(pairs)
    await owner.refresh(job.destination)
    for phase in job.progress:
        job.progress[phase] = 100
