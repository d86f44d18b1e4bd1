"""`_ml/data_frame/analytics`: the endpoints but for `_start` and `_explain`, and the table of them all."""

from collections.abc import Sequence
from typing import Any

from proxy.embedded.endpoint import Context, Endpoint, Handler, Reply
from proxy.embedded.failure import Failure, bad_request, not_found, status_error
from proxy.embedded.ml.config import consistent_id, parse_config, parse_update
from proxy.embedded.ml.explain import explain
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.notes import note
from proxy.embedded.ml.permission import require_on_indices
from proxy.embedded.ml.run import halt
from proxy.embedded.ml.start import start
from proxy.embedded.ml.validation import validate_source_and_destination
from proxy.embedded.node import NODE_ID
from proxy.embedded.routes import Routes
from proxy.embedded.security.store import now_ms

_TIMEOUT_S = 20.0


async def put(context: Context) -> Reply:
    """Create a job that belongs to the caller (the secondary one where sent). Raises `Failure` 400, 403."""
    request, world = context.request, context.world
    id_ = request.variables["id"]
    body = request.record()
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    config = parse_config(request, body, id_, world.jobs.memory_cap)
    request.params.finish(request.path, "id")
    owner = None if context.caller is None else context.caller.owner
    sources, destination = config["source"]["index"], config["dest"]["index"]
    # Names are resolved from the cluster's state, whoever asks: a caller learns here whether a source exists.
    await validate_source_and_destination(Indices(world.backend), sources, destination)
    if world.security is not None and owner is not None:
        require_on_indices(world.security, owner, id_, sources, destination)
    version = await world.node.config_version()
    if id_ in world.jobs.by_id:
        reason = f"A data frame analytics with id [{id_}] already exists"
        raise Failure(400, "resource_already_exists_exception", reason)
    job = Job(config=config, create_time=now_ms(), version=version, owner=owner)
    world.jobs.by_id[id_] = job
    await note(world, id_, f"Created analytics with type [{job.analysis}]")
    return 200, job.json()


def _page(context: Context, jobs: Sequence[Job]) -> Sequence[Job]:
    first, size = context.request.params.whole("from", 0), context.request.params.whole("size", 100)
    if first < 0 or size < 0:
        name, value = ("from", first) if first < 0 else ("size", size)
        raise bad_request(f"Parameter [{name}] must be a non-negative number; was [{value}]")
    return jobs[first : first + size]


def _expanded(context: Context) -> list[Job]:
    allow = context.request.params.flag("allow_no_match", default=True)
    return context.world.jobs.expand(context.request.variables.get("id", "_all"), allow_no_match=allow)


async def get(context: Context) -> Reply:
    """Configurations by id, pattern, list, or all; `count` is of all, whatever the page. Raises `Failure` 404."""
    exclude = context.request.params.flag("exclude_generated")
    jobs = _expanded(context)
    page = _page(context, jobs)
    context.request.params.finish(context.request.path, "id")
    return 200, {"count": len(jobs), "data_frame_analytics": [job.json(generated=not exclude) for job in page]}


async def stats(context: Context) -> Reply:
    """State and progress by id, pattern, list, or all. Raises `Failure` 404."""
    context.request.params.flag("verbose")
    jobs = _expanded(context)
    page = _page(context, jobs)
    context.request.params.finish(context.request.path, "id")
    return 200, {"count": len(jobs), "data_frame_analytics": [_stats(job) for job in page]}


def _stats(job: Job) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": job.id, "state": job.state}
    if job.failure_reason is not None:
        shown["failure_reason"] = job.failure_reason
    shown |= {
        "progress": [{"phase": phase, "progress_percent": percent} for phase, percent in job.progress.items()],
        "data_counts": dict(job.counts),
        "memory_usage": {"peak_usage_bytes": job.peak_bytes, "status": "ok"},
    }
    if job.state == "started":
        shown["node"] = {
            "id": NODE_ID,
            "name": "embedded",
            "ephemeral_id": NODE_ID,
            "transport_address": "127.0.0.1:9300",
            "attributes": {},
        }
        shown["assignment_explanation"] = ""
    elif job.state == "starting":
        shown["assignment_explanation"] = "persistent task is awaiting node assignment."
    return shown


async def stop(context: Context) -> Reply:
    """Stop jobs, in the middle of whatever they do. Raises `Failure` 404, and 409 for failed ones without force."""
    request = context.request
    body = request.record()
    if body is not None:
        request.refuse_unknown(body, ("id", "timeout", "force", "allow_no_match"), "stop_data_frame_analytics_request")
        consistent_id(body, request.variables["id"])
    force = request.params.flag("force")
    request.params.seconds("timeout", _TIMEOUT_S)
    jobs = _expanded(context)
    request.params.finish(request.path, "id")
    failed = [job for job in jobs if job.state == "failed"]
    if failed and not force:
        if len(jobs) == 1:
            raise status_error(
                f"cannot close data frame analytics [{failed[0].id}] because it failed, use force stop instead", 409
            )
        raise status_error("one or more data frame analytics are in failed state, use force stop instead", 409)
    for job in jobs:
        await halt(job)
        await note(context.world, job.id, "Stopped analytics (forced)" if force else "Stopped analytics")
    return 200, {"stopped": True}


def _known(context: Context) -> Job:
    id_ = context.request.variables["id"]
    job = context.world.jobs.by_id.get(id_)
    if job is None:
        raise not_found(f"No known data frame analytics with id [{id_}]")
    return job


async def update(context: Context) -> Reply:
    """Change a stopped job, which then belongs to the caller. Raises `Failure` 400, 404, 409."""
    request = context.request
    body = request.record()
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    changes = parse_update(request, body, request.variables["id"], context.world.jobs.memory_cap)
    request.params.finish(request.path, "id")
    job = _known(context)
    if job.state != "stopped":
        raise status_error(f"Cannot update analytics [{job.id}] unless it's stopped", 409)
    job.config.update(changes)
    if context.caller is not None:
        job.owner = context.caller.owner
    return 200, job.json()


async def delete(context: Context) -> Reply:
    """Delete a job, not its destination. Raises `Failure` 404, and 409 for one that runs unless forced."""
    request = context.request
    force = request.params.flag("force")
    request.params.seconds("timeout", 60.0)
    request.params.finish(request.path, "id")
    job = _known(context)
    if job.state != "stopped":
        if not force:
            raise status_error(f"Cannot delete data frame analytics [{job.id}] while its status is [{job.state}]", 409)
        await halt(job)
    context.world.jobs.by_id.pop(job.id, None)
    await note(context.world, job.id, "Deleted analytics")
    return 200, {"acknowledged": True}


_BASE = "/_ml/data_frame/analytics"
_ADMIN = "cluster:admin/xpack/ml/data_frame/analytics/"
_MONITOR = "cluster:monitor/xpack/ml/data_frame/analytics/"
_ENDPOINTS: tuple[tuple[tuple[str, ...], str, str, Handler], ...] = (
    (("GET",), "", _MONITOR + "get", get),
    (("GET",), "/_stats", _MONITOR + "stats/get", stats),
    (("GET", "POST"), "/_explain", _ADMIN + "explain", explain),
    (("GET",), "/{id}", _MONITOR + "get", get),
    (("PUT",), "/{id}", _ADMIN + "put", put),
    (("DELETE",), "/{id}", _ADMIN + "delete", delete),
    (("GET",), "/{id}/_stats", _MONITOR + "stats/get", stats),
    (("POST",), "/{id}/_start", _ADMIN + "start", start),
    (("POST",), "/{id}/_stop", _ADMIN + "stop", stop),
    (("POST",), "/{id}/_update", _ADMIN + "update", update),
    (("GET", "POST"), "/{id}/_explain", _ADMIN + "explain", explain),
)


def add_machine_learning(table: Routes[Endpoint]) -> None:
    """Put all `_ml` endpoints into the table."""
    for methods, template, action, handler in _ENDPOINTS:
        table.add(methods, _BASE + template, Endpoint(handler, action))
