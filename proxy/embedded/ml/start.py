"""The checks of `_start`, in Elasticsearch's order (`TransportStartDataFrameAnalyticsAction`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.destination import merge_mappings
from proxy.embedded.endpoint import Context, Reply, World
from proxy.embedded.failure import Failure, not_found, status_error
from proxy.embedded.ml.config import consistent_id
from proxy.embedded.ml.fields import Selected, select_fields
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.notes import note
from proxy.embedded.ml.run import begin
from proxy.embedded.ml.validation import validate_source_and_destination
from proxy.embedded.node import NODE_ID
from proxy.embedded.params import time_seconds
from proxy.embedded.request import Request
from proxy.embedded.shapes import TEXT, shaped
from proxy.model import Stage

_PARSER = "cluster:admin/xpack/ml/data_frame/analytics/start"
_NO_NODE = "persistent task is awaiting node assignment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A job whose checks went well: the fields it takes, and how many documents have them all."""

    fields: tuple[Selected, ...]
    rows: int


async def start(context: Context) -> Reply:
    """`POST _ml/data_frame/analytics/{id}/_start`. Raises `Failure` 400, 404, 409, 429."""
    expression = read_start(context.request)
    world = context.world
    found = world.jobs.expand(expression)
    if len(found) != 1:
        raise status_error(f"Expected a single match for data frame analytics [{expression}] but got [{len(found)}]")
    job = found[0]
    stage, running = job.stage(), job.state != "stopped"
    await prepare(world, job, stage)
    if world.jobs.by_id.get(job.id) is not job:
        raise not_found(f"No known data frame analytics with id [{job.id}]")
    # A job that ends while its next start is checked was not stopped at the stage that was checked.
    if running or job.state != "stopped":
        raise _already_started(job)
    node = _assign(world, job, stage)
    if node:
        await note(world, job.id, "Starting analytics on node [embedded]")
    await note(world, job.id, "Started analytics")
    return 200, {"acknowledged": True, "node": node}


def read_start(request: Request) -> str:
    """The id of a start request; body and parameters are checked on the way. Raises `Failure` 400."""
    body = request.record()
    id_ = request.variables["id"]
    if body is None:
        request.params.seconds("timeout", 20.0)
    else:
        request.refuse_unknown(body, ("id", "timeout"), _PARSER)
        body = shaped(body, {"id": TEXT, "timeout": TEXT})
        consistent_id(body, id_)
        time_seconds(body.get("timeout", "20s"), "timeout")
    request.params.finish(request.path, "id")
    return id_


async def prepare(world: World, job: Job, stage: Stage) -> Prepared:
    """Every check before the task is made, with the owner's view of the indices. Raises `Failure`."""
    indices, internal = Indices(world.seen_by(job.owner)), Indices(world.backend)
    # Names and the query are checked without anybody's privileges; from here on the owner's count, never the caller's.
    await validate_source_and_destination(internal, job.sources, job.destination)
    await internal.search(job.sources, {"size": 0, "query": job.config["source"]["query"]})
    fields = select_fields(job, await indices.field_caps(job.sources))
    if job.analysis == "classification":
        await _check_classes(indices, job)
    await _check_stage(indices, job, stage)
    merge_mappings(job.values(), await indices.sources(job.sources))
    included = [field for field in fields if field.included]
    if all(field.required for field in included):
        excluding = f" (excluding fields [{job.dependent}])" if job.dependent else ""
        raise status_error(f"at least one field must be included in the analysis{excluding}")
    rows = await indices.count(job.sources, rows_query(job, included))
    if not rows:
        raise status_error(_no_documents(job))
    return Prepared(fields=fields, rows=rows)


def rows_query(job: Job, included: Sequence[Selected]) -> dict[str, Any]:
    """Which source documents take part: those of the job's query that have every field that must be there."""
    needed = [field.name for field in included if job.analysis == "outlier_detection" or field.required]
    exist = [{"exists": {"field": name}} for name in needed]
    return {"bool": {"filter": [job.config["source"]["query"], *exist]}}


async def _check_classes(indices: Indices, job: Job) -> None:
    field = job.dependent or ""
    counted = await indices.search(
        job.sources,
        {
            "size": 0,
            "query": job.config["source"]["query"],
            "aggs": {"classes": {"cardinality": {"field": field}}},
        },
    )
    classes = int(counted["aggregations"]["classes"]["value"])
    if classes < 2:
        raise status_error(f"Field [{field}] must have at least [2] distinct values but there were [{classes}]")
    if classes > 100:
        raise status_error(
            f"Field [{field}] must have at most [100] distinct values but there were at least [{classes}]"
        )


async def _check_stage(indices: Indices, job: Job, stage: Stage) -> None:
    if stage is Stage.FINISHED:
        raise status_error("Cannot start because the job has already finished")
    if stage is not Stage.FIRST_TIME:
        return
    try:
        found = await indices.search([job.destination], {"size": 0, "track_total_hits": True})
    except Failure as failure:
        if failure.status != 404:
            raise
        return
    if _total(found):
        raise status_error(f"dest index [{job.destination}] must be empty")


def _total(found: Mapping[str, Any]) -> int:
    return int(found["hits"]["total"]["value"])


def _no_documents(job: Job) -> str:
    return (
        f"Unable to start {job.id} as no documents in the source indices [{','.join(job.sources)}] contained all the"
        " fields selected for analysis. If you are relying on automatic field selection then there are currently"
        " mapped fields that do not exist in any indexed documents, and you will have to switch to explicit field"
        " selection and include only fields that exist in indexed documents."
    )


def _already_started(job: Job) -> Failure:
    cause = {
        "type": "resource_already_exists_exception",
        "reason": f"task with id {{data_frame_analytics-{job.id}}} already exist",
    }
    reason = f"Cannot start data frame analytics [{job.id}] because it has already been started"
    return Failure(409, "status_exception", reason, caused_by=cause)


def _assign(world: World, job: Job, stage: Stage) -> str:
    """Put the job on a node and begin; the node's id, or an empty text for one that waits for a node."""
    if world.jobs.nodes:
        begin(world, job, stage)
        return NODE_ID
    if not job.config["allow_lazy_start"]:
        reason = f"Could not start data frame analytics task, allocation explanation [{_NO_NODE}]"
        raise status_error(reason, 429)
    job.state = "starting"
    return ""
