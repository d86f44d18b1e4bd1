"""A job that was started, from the destination to the written results.

All work with the indices that Elasticsearch does with the owner's stored credentials goes through the owner's view of
them; copying documents, as there, does not (`ReindexingStep`).
"""

import asyncio

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.endpoint import World
from proxy.embedded.ml.copying import copy_documents
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.notes import note
from proxy.embedded.ml.pace import Pace
from proxy.embedded.ml.prepare import prepare_destination
from proxy.embedded.ml.results import analyse
from proxy.errors import Refusal
from proxy.model import Stage
from proxy.tasks import spawn


def begin(world: World, job: Job, stage: Stage) -> None:
    """Start the job in the background; its state tells how it goes on."""
    job.state = "started"
    job.failure_reason = None
    job.task = spawn(_run(world, job, stage), name=f"analytics {job.id}")


async def halt(job: Job) -> None:
    """Stop a job in the middle, and wait until it has stopped."""
    task = job.task
    # The state is set by whoever ends last: a task that is cancelled before it began runs no handler of its own.
    if task is not None and not task.done():
        job.state = "stopping"
        task.cancel()
        await asyncio.wait([task])
    job.task = None
    job.state = "stopped"
    job.failure_reason = None


async def _run(world: World, job: Job, stage: Stage) -> None:
    try:
        await _steps(world, job, stage)
    except (Refusal, ElasticError) as failure:
        job.failure_reason = failure.reason
        job.state = "failed"
    except asyncio.CancelledError:
        job.state = "stopped"
        raise
    except Exception as fault:
        job.failure_reason = f"{type(fault).__name__}: {fault}"
        job.state = "failed"
        raise
    else:
        job.state = "stopped"
    finally:
        job.task = None


async def _steps(world: World, job: Job, stage: Stage) -> None:
    owner, internal = Indices(world.seen_by(job.owner)), Indices(world.backend)
    pace = Pace(world.jobs.pace_s)
    await pace.step()
    if stage in (Stage.FIRST_TIME, Stage.RESUMING_REINDEXING):
        # An analysis that was stopped goes on with the destination that it has: that is left alone.
        await prepare_destination(world.node, owner, internal, job, stage)
        await copy_documents(internal, job, pace)
    await analyse(owner, job, pace)
    await note(world, job.id, "Finished analysis")
