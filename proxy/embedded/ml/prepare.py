"""The destination index of a running job (`DestinationIndex`, `ReindexingStep`)."""

import re
from collections.abc import Mapping
from typing import Any

from proxy.destination import Era, destination_body, result_mappings, results_field_conflict
from proxy.embedded.failure import status_error
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.node import Node
from proxy.embedded.security.store import now_ms
from proxy.model import Stage

_CREATOR = "data-frame-analytics"
_OLDEST = (7, 10, 0)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-.+)?")


async def prepare_destination(node: Node, owner: Indices, internal: Indices, job: Job, stage: Stage) -> None:
    """Make sure that the destination is there and takes the results. Raises `Refusal` with what fails the job."""
    if stage is Stage.RESUMING_REINDEXING or await _incompatible(internal, job):
        await internal.delete(job.destination)
    # What is missing is made and what is there is used as it is; an owner who may not even look fails the job here.
    existing = await owner.get(job.destination)
    dependent_types = await _dependent_types(owner, job)
    if existing is None:
        era = Era.of(await node.version())
        sources = await owner.sources(job.sources)
        body = destination_body(job.values(), sources, era, now_ms(), results=True, dependent_types=dependent_types)
        await owner.create(job.destination, {"settings": dict(body.settings), "mappings": dict(body.mappings)})
        return
    await _adapt(owner, job, existing, dependent_types)


async def _adapt(owner: Indices, job: Job, existing: Mapping[str, Any], dependent_types: tuple[str, ...]) -> None:
    """Add the result fields to an index that is there; nothing else of it is touched."""
    [(name, found)] = existing.items()
    conflict = results_field_conflict(job.values(), found.get("mappings", {}).get("properties", {}))
    if conflict is not None:
        raise status_error(conflict)
    added: dict[str, Any] = {"properties": dict(result_mappings(job.values(), dependent_types))}
    added["properties"].setdefault("ml__incremental_id", {"type": "long"})
    runtime = job.config["source"].get("runtime_mappings")
    await owner.put_mapping(name, added | ({"runtime": runtime} if runtime else {}))


async def _incompatible(internal: Indices, job: Job) -> bool:
    """Whether the destination was made by a job of a version that cannot be continued with."""
    found = await internal.get(job.destination)
    # Only under its concrete name: an alias is never deleted for what it points to.
    if found is None or job.destination not in found:
        return False
    meta = found[job.destination].get("mappings", {}).get("_meta", {})
    if meta.get("created_by") != _CREATOR:
        return False
    version = meta.get("version")
    created = _VERSION.fullmatch(str(version.get("created")) if isinstance(version, Mapping) else "")
    return created is None or tuple(int(part) for part in created.groups()) < _OLDEST


async def _dependent_types(owner: Indices, job: Job) -> tuple[str, ...]:
    if job.dependent is None:
        return ()
    caps = await owner.field_caps(job.sources)
    types = dict(caps.get(job.dependent, {}))
    # A runtime field of the job hides a mapped one of the same name.
    runtime = job.config["source"].get("runtime_mappings", {}).get(job.dependent)
    return (runtime["type"],) if runtime else tuple(types)
