"""What Elasticsearch itself adds to a destination once the job runs (`DestinationIndex.updateMappingsToDestIndex`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.destination.era import Era
from proxy.destination.results import id_mapping, result_mappings
from proxy.errors import Refusal
from proxy.model import Job

# Field capabilities name the family of a type (`MappedFieldType.familyTypeName`).
_FAMILIES = {"constant_keyword": "keyword", "wildcard": "keyword", "match_only_text": "text"}
# Aliases do not point to aliases.
_HOPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A field that is added later: `section` is `properties` or `runtime`; `mapping` is empty where it cannot be told
    from the mappings alone; `why` is what it is for."""

    section: str
    name: str
    mapping: Mapping[str, Any] = field(repr=False)
    why: str


def added_later(job: Job, era: Era, mappings: Mapping[str, Any], *, existing: bool) -> tuple[Addition, ...]:
    """What is added when the copying begins. `mappings` are the destination's before that; `existing` says that the
    index is not made of this plan: then it also lacks what Elasticsearch brings along at creation."""
    added = [
        Addition(section="properties", name=name, mapping=mapping, why="holds results of the analysis")
        for name, mapping in _results(job, mappings).items()
    ]
    if existing:
        added += [
            Addition(section="properties", name=name, mapping=mapping, why="orders the copied documents")
            for name, mapping in id_mapping(era).items()
            if name not in mappings.get("properties", {})
        ]
        added += [
            Addition(section="runtime", name=name, mapping=mapping, why="is in the job's source.runtime_mappings")
            for name, mapping in job.runtime_mappings.items()
        ]
    return tuple(added)


def _results(job: Job, mappings: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    kind = field_type(mappings, str(job.analysis_settings.get("dependent_variable", "")))
    try:
        return result_mappings(job, () if kind is None else (kind,))
    except Refusal:
        # The type of the predicted value, or the analysis, is not known here: the cluster will know it.
        return {job.results_field: {}}


def field_type(mappings: Mapping[str, Any], path: str) -> str | None:
    """The type that field capabilities give for the field of this dotted path; None where there is none."""
    for _ in range(_HOPS):
        found = mappings.get("runtime", {}).get(path) or _at(mappings.get("properties", {}), path)
        if found is None or found.get("type") is None:
            return None
        if found["type"] != "alias":
            return str(_FAMILIES.get(found["type"], found["type"]))
        path = str(found.get("path"))
    return None


def _at(properties: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The definition at a dotted path, through objects and multi-fields; a name may itself hold dots."""
    held = properties.get(path)
    if isinstance(held, Mapping):
        return held
    pieces = path.split(".")
    for end in range(len(pieces) - 1, 0, -1):
        parent = properties.get(".".join(pieces[:end]))
        if isinstance(parent, Mapping):
            below = {**parent.get("properties", {}), **parent.get("fields", {})}
            found = _at(below, ".".join(pieces[end:]))
            if found is not None:
                return found
    return None
