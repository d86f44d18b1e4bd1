"""`_explain`: which fields a job would take, and how much memory it would need."""

import math

from proxy.embedded.endpoint import Context, Reply
from proxy.embedded.failure import bad_request, status_error
from proxy.embedded.ml.config import parse_config
from proxy.embedded.ml.fields import select_fields
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.start import rows_query

_PLACEHOLDER = "explained"


async def explain(context: Context) -> Reply:
    """Explain a job by id or a configuration in the body, not both. Raises `Failure` 400, 404."""
    job = await _explained(context)
    indices = Indices(context.world.seen_by(job.owner))
    fields = select_fields(job, await indices.field_caps(job.sources))
    included = [field for field in fields if field.included]
    rows = await indices.count(job.sources, rows_query(job, included)) if included else 0
    if not rows:
        raise status_error(
            f"Unable to estimate memory usage as no documents in the source indices [{','.join(job.sources)}]"
            " contained all the fields selected for analysis. If you are relying on automatic field selection then"
            " there are currently mapped fields that do not exist in any indexed documents, and you will have to"
            " switch to explicit field selection and include only fields that exist in indexed documents."
        )
    size = math.ceil(rows * (len(included) + 4) * 8 / 1024) + 2
    return 200, {
        "field_selection": [field.json() for field in fields],
        "memory_estimation": {
            "expected_memory_without_disk": f"{size}kb",
            "expected_memory_with_disk": f"{max(size // 2, 1) + 1}kb",
        },
    }


async def _explained(context: Context) -> Job:
    request = context.request
    id_ = request.variables.get("id")
    body = request.record()
    request.params.finish(request.path, "id")
    if id_ is not None and body is not None:
        raise bad_request("Please either provide a job [id] or the config object but not both")
    if id_ is not None:
        found = context.world.jobs.expand(id_)
        if len(found) != 1:
            raise bad_request(f"expected only one config but matched [{', '.join(job.id for job in found)}]")
        return found[0]
    if body is None:
        raise bad_request("Please provide a job [id] or the config object")
    named = str(body.get("id", _PLACEHOLDER))
    complete = {"dest": {"index": "explained-destination"}, **body}
    config = parse_config(request, complete, named, context.world.jobs.memory_cap)
    owner = None if context.caller is None else context.caller.owner
    return Job(config=config, create_time=0, version="0.0", owner=owner)
