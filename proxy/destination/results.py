"""The fields that Elasticsearch adds for results."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.model import Job


def result_mappings(job: Job, dependent_types: Sequence[str] = ()) -> dict[str, Any]:
    """Result fields by dotted name; `dependent_types` are the field-caps types of the dependent variable, in order."""
    raise NotImplementedError


def results_field_conflict(job: Job, properties: Mapping[str, Any]) -> str | None:
    """Elasticsearch's text if `properties` already holds the job's results field, else None."""
    raise NotImplementedError
