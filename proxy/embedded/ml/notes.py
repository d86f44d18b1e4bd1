"""Notifications: what happens to a job, written where Elasticsearch writes it (`Messages`, `AbstractAuditor`).

Only where the cluster was told to (`Jobs.notes`): each is a document more in the backend.
"""

import logging
import time

from proxy.embedded.endpoint import World
from proxy.embedded.failure import Failure
from proxy.embedded.ml.indices import Indices

logger = logging.getLogger(__name__)

INDEX = ".ml-notifications-000002"
_BODY = {
    "settings": {"index.hidden": True, "number_of_shards": 1, "number_of_replicas": 0},
    # As of NotificationsIndex.
    "mappings": {
        "dynamic": False,
        "properties": {
            "job_id": {"type": "keyword"},
            "level": {"type": "keyword"},
            "message": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 1024}}},
            "timestamp": {"type": "date"},
            "node_name": {"type": "keyword"},
            "job_type": {"type": "keyword"},
        },
    },
}


async def note(world: World, job_id: str, message: str, level: str = "info") -> None:
    """Write one. What fails is logged: no call waits for it or fails of it, as there."""
    if not world.jobs.notes:
        return
    indices = Indices(world.backend)
    written = {
        "job_id": job_id,
        "message": message,
        "level": level,
        "timestamp": time.time_ns() // 1_000_000,
        "node_name": "embedded",
        "job_type": "data_frame_analytics",
    }
    try:
        if await indices.get(INDEX) is None:
            await _create(indices)
        await indices.ask("POST", f"/{INDEX}/_doc?refresh=true", written)
    except Failure as failure:
        logger.warning("the notification %r of %s is lost: %s", message, job_id, failure.reason)


async def _create(indices: Indices) -> None:
    try:
        await indices.create(INDEX, _BODY)
    except Failure as failure:
        if failure.type != "resource_already_exists_exception":  # another job made it meanwhile
            raise
