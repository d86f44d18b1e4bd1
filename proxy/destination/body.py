"""The whole body of the create-index request (`DestinationIndex.createIndexRequest`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.destination.conflict import Conflict
from proxy.destination.era import Era, meta_version
from proxy.destination.mappings import mapping_conflicts, merge_mappings
from proxy.destination.parts import analysis_parts, parts_conflicts
from proxy.destination.results import id_mapping, result_mappings, results_field_conflict
from proxy.destination.settings import merge_settings, settings_conflicts
from proxy.errors import Refusal
from proxy.model import Job, SourceIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationBody:
    """`settings` flat (`index.number_of_shards`), `mappings` as a create-index request takes them."""

    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]


def conflicts(job: Job, sources: Sequence[SourceIndex], era: Era = Era.ALLOW_LIST) -> tuple[Conflict, ...]:
    """All conflicts, in the order in which a start would meet them: fields, runtime fields, settings, their parts."""
    return mapping_conflicts(job, sources) + settings_conflicts(sources, era) + parts_conflicts(job, sources, era)


def destination_body(
    job: Job,
    sources: Sequence[SourceIndex],
    era: Era,
    now_ms: int,
    *,
    results: bool,
    dependent_types: Sequence[str] = (),
    cluster_version: str | None = None,
) -> DestinationBody:
    """What to create. The order of the sources does not matter.

    `results=False` leaves out the result fields: Elasticsearch adds those itself, and fails a job whose destination
    already has them; and it has the parts of analyzers and fields without which creating the index fails.
    `results=True` is what Elasticsearch itself would create, or fail to. `now_ms` is milliseconds since 1970;
    `cluster_version`, where given, makes `_meta` exact for clusters up to 8.9. Raises Refusal 400, with Elasticsearch's
    texts, at a conflict, or if the sources have a field of the name of the results field.
    """
    mappings = merge_mappings(job, sources)
    settings = merge_settings(sources, era) | ({} if results else analysis_parts(job, sources, era))
    properties = mappings.get("properties", {})
    taken = results_field_conflict(job, properties)
    if taken is not None:
        raise Refusal(400, "status_exception", taken)
    added = id_mapping(era) | (result_mappings(job, dependent_types) if results else {})
    runtime = mappings.get("runtime", {}) | dict(job.runtime_mappings)
    meta = {
        "creation_date_in_millis": now_ms,
        "created_by": "data-frame-analytics",
        "version": {"created": meta_version(era, job.version, cluster_version)},
        "analytics": job.id,
    }
    whole = {"dynamic": False, "properties": properties | added, "runtime": runtime, "_meta": meta}
    return DestinationBody(
        settings=settings, mappings={key: value for key, value in whole.items() if key != "runtime" or value}
    )
