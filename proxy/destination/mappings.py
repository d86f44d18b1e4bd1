"""The mapping that the sources have in common (`MappingsMerger`).

Only `properties` and `runtime` are copied, whole top-level entries at a time: two objects that differ in one field
below them conflict. All else at the root of a source's mapping (`dynamic`, `_meta`, `dynamic_templates`, …) is dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.destination.conflict import Collected, Conflict, ConflictKind
from proxy.destination.distinct import by_mappings
from proxy.destination.sourcefilter import is_field_excluded
from proxy.errors import Refusal
from proxy.model import Job, SourceFilter, SourceIndex

_SECTIONS = (ConflictKind.PROPERTIES, ConflictKind.RUNTIME)


def merge_mappings(job: Job, sources: Sequence[SourceIndex]) -> dict[str, Any]:
    """`dynamic: false`, then `properties` and `runtime` of the sources merged, each only if there are any.

    The order of the sources does not matter. Raises Refusal 400 `status_exception` at a conflict.
    """
    merged: dict[str, Any] = {"dynamic": False}
    for kind in _SECTIONS:
        fields = _collect(kind, job, sources).merged()
        if fields:
            merged[kind.value] = fields
    return merged


def mapping_conflicts(job: Job, sources: Sequence[SourceIndex]) -> tuple[Conflict, ...]:
    """All conflicts between the mappings of the sources: fields first, then runtime fields, each by name."""
    return tuple(conflict for kind in _SECTIONS for conflict in _collect(kind, job, sources).conflicts())


def _collect(kind: ConflictKind, job: Job, sources: Sequence[SourceIndex]) -> Collected:
    collected = Collected(kind)
    excluded: dict[str, bool] = {}
    for source in by_mappings(sources):
        fields = _section(source, kind.value)
        if job.source_filter != SourceFilter():
            for name in fields.keys() - excluded.keys():
                excluded[name] = is_field_excluded(job.source_filter, name)
            fields = {name: definition for name, definition in fields.items() if not excluded[name]}
        collected.add(source.name, fields)
    return collected


def _section(source: SourceIndex, key: str) -> Mapping[str, Any]:
    section = source.mappings.get(key, {})
    if not isinstance(section, Mapping):
        raise Refusal(400, "status_exception", f"the mapping of index [{source.name}] cannot be read: bad [{key}]")
    return section
