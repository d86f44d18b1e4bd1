"""Copying the source documents into the destination, as Elasticsearch's reindex does for a job."""

from typing import Any

from proxy.embedded.core.filtering import source as filtered_source
from proxy.embedded.failure import status_error
from proxy.embedded.ml.config import source_filter
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.jobs import Job
from proxy.embedded.ml.pace import Pace

# What one search may return (`index.max_result_window`): more would need a cursor, and the embedded cluster is small.
MAX_DOCUMENTS = 10_000
_BATCH = 500


async def copy_documents(internal: Indices, job: Job, pace: Pace) -> None:
    """Copy what the job's query matches, by ascending sequence number, numbered from 0. Raises `Refusal`."""
    # The first percent is what tells a later start that reindexing had begun.
    job.progress["reindexing"] = 1
    hits = await _matching(internal, job)
    kept = source_filter(job.config)
    for first in range(0, len(hits), _BATCH):
        await pace.step()
        batch = hits[first : first + _BATCH]
        await internal.index(
            job.destination,
            [
                (
                    hit["_id"],
                    {**filtered_source(hit["_source"], kept.includes, kept.excludes), "ml__incremental_id": number},
                )
                for number, hit in enumerate(batch, first)
            ],
        )
        job.progress["reindexing"] = max(1, min(99, 100 * (first + len(batch)) // len(hits)))
    await internal.refresh(job.destination)
    job.progress["reindexing"] = 100


async def _matching(internal: Indices, job: Job) -> list[dict[str, Any]]:
    found = await internal.search(
        job.sources,
        {
            "query": job.config["source"]["query"],
            "size": MAX_DOCUMENTS,
            "sort": [{"_seq_no": "asc"}],
            "track_total_hits": True,
        },
    )
    total = found["hits"]["total"]["value"]
    if total > MAX_DOCUMENTS:
        raise status_error(f"the embedded cluster copies at most [{MAX_DOCUMENTS}] documents but there are [{total}]")
    return list(found["hits"]["hits"])
