"""Jobs and source indices for the tests of this folder."""

from collections.abc import Mapping
from typing import Any

from proxy.model import Job, Owner, OwnerKind, SourceFilter, SourceIndex


def job(
    analysis: str = "outlier_detection",
    settings: Mapping[str, Any] | None = None,
    *,
    source_filter: SourceFilter | None = None,
    runtime: Mapping[str, Any] | None = None,
    results_field: str = "ml",
    version: str = "12.0.0",
) -> Job:
    """A job."""
    return Job(
        id="job-1",
        create_time=1,
        version=version,
        sources=("src-*",),
        source_filter=source_filter or SourceFilter(),
        runtime_mappings=runtime or {},
        destination="dest",
        results_field=results_field,
        analysis=analysis,
        analysis_settings=settings or {},
        owner=Owner(kind=OwnerKind.UNKNOWN),
        config={},
    )


def index(
    name: str,
    properties: Mapping[str, Any] | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    runtime: Mapping[str, Any] | None = None,
    **more: Any,
) -> SourceIndex:
    """A source index; parts of the mapping that are None are left out."""
    parts = {"properties": properties, "runtime": runtime, **more}
    mappings = {key: value for key, value in parts.items() if value is not None}
    return SourceIndex(name=name, settings=settings or {}, mappings=mappings)
