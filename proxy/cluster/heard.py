"""What the cluster itself knows of starts, through whichever door they came: notifications, jobs, tasks.

Machine learning writes a notification for most that happens to a job, into indices that begin as `NOTES` (`Messages`,
`DataFrameAnalyticsAuditor`). They name no user, are written without anybody waiting for it, and so may be missing.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.cluster.jobs import BASE, job_of, stage_of, text_of
from proxy.cluster.running import LISTED
from proxy.cluster.transport import Transport, quoted
from proxy.errors import ClusterUnreachable, PassedOn
from proxy.model import Credential, Owner, Stage

NOTES = ".ml-notifications-*"
# The most that one page of a search may hold (index.max_result_window).
PAGE = 10_000
# DataFrameAnalyticsTask's description, and the action of its persistent task (`MlTasks`).
TASK_PREFIX = "data_frame_analytics-"
TASK_NAME = "xpack/ml/data_frame/analytics"
_ANY_INDEX = "expand_wildcards=open,hidden&ignore_unavailable=true&allow_no_indices=true"


@dataclass(frozen=True, slots=True)
class Note:
    """One notification about a job: when, in milliseconds since 1970, and its text."""

    job: str
    ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Notifications in their order. `oldest_ms` is the time of the oldest that there is about anything, None where
    there is none."""

    notes: tuple[Note, ...]
    oldest_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNow:
    """A job as it stands. `ran`: some of its work is done, so that it was started at some time."""

    id: str
    create_time: int
    state: str
    ran: bool
    owner: Owner


async def may_read_notes(transport: Transport, credential: Credential) -> bool:
    """Whether notifications may be read: who may not is told nothing, since a wildcard stands for what one may see.

    On a cluster without security everybody may.
    """
    body = {"index": [{"names": [NOTES], "privileges": ["read"]}]}
    try:
        content = await transport.ask("POST", "/_security/user/_has_privileges", credential, body=body, safe=True)
    except (PassedOn, ClusterUnreachable):
        # No security, or no cluster: the question itself will show.
        return True
    return isinstance(content, Mapping) and content.get("has_all_requested") is True


async def notes(transport: Transport, credential: Credential, since_ms: int) -> Notes:
    """The notifications about data frame analytics from a time on.

    Raises:
        PassedOn: the cluster would not tell; ClusterUnreachable: no usable answer.
    """
    found: dict[tuple[str, str], Note] = {}
    since = since_ms
    while True:
        hits = await _page(transport, credential, since)
        known = len(found)
        found |= {(hit["_index"], hit["_id"]): note for hit in hits if (note := _note(hit)) is not None}
        # The next page begins with the last time of this one, since several may have it.
        if len(hits) < PAGE or len(found) == known:
            break
        since = _sorted_by(hits[-1])
    oldest = await _search(transport, credential, {"size": 1, "_source": False, "sort": _by_time()})
    return Notes(
        notes=tuple(sorted(found.values(), key=lambda note: note.ms)),
        oldest_ms=_sorted_by(oldest[0]) if oldest else None,
    )


async def _page(transport: Transport, credential: Credential, since: int) -> Sequence[Mapping[str, Any]]:
    about = [
        {"term": {"job_type": "data_frame_analytics"}},
        {"range": {"timestamp": {"gte": since, "format": "epoch_millis"}}},
    ]
    return await _search(
        transport,
        credential,
        {
            "size": PAGE,
            "query": {"bool": {"filter": about}},
            "_source": ["job_id", "message"],
            "sort": _by_time(),
            "track_total_hits": False,
        },
    )


def _by_time() -> list[Any]:
    return [{"timestamp": {"order": "asc", "unmapped_type": "date"}}]


async def _search(transport: Transport, credential: Credential, body: object) -> Sequence[Mapping[str, Any]]:
    path = f"/{quoted(NOTES)}/_search?{_ANY_INDEX}"
    content = await transport.ask("POST", path, credential, body=body, safe=True)
    try:
        hits: Sequence[Mapping[str, Any]] = content["hits"]["hits"]
        if content["_shards"]["failed"]:
            raise ClusterUnreachable(f"POST /{NOTES}/_search: a shard did not answer")
    except (KeyError, TypeError) as failure:
        raise ClusterUnreachable(f"POST /{NOTES}/_search: the answer lacks {failure}") from failure
    return hits


def _sorted_by(hit: Mapping[str, Any]) -> int:
    """A date that is sorted by comes in milliseconds, whatever form it has in the document."""
    try:
        return int(hit["sort"][0])
    except (KeyError, TypeError, IndexError, ValueError) as failure:
        raise ClusterUnreachable(f"POST /{NOTES}/_search: a hit lacks {failure}") from failure


def _note(hit: Mapping[str, Any]) -> Note | None:
    source = hit.get("_source")
    if not isinstance(source, Mapping) or not all(isinstance(source.get(key), str) for key in ("job_id", "message")):
        return None
    return Note(source["job_id"], _sorted_by(hit), source["message"])


async def jobs_now(transport: Transport, credential: Credential) -> tuple[JobNow, ...]:
    """All jobs, in order of id.

    Raises:
        PassedOn: the cluster would not tell; ClusterUnreachable: no usable answer, or more jobs than it lists.
    """
    query = f"?size={LISTED}"
    stats, configs = await asyncio.gather(
        transport.ask("GET", f"{BASE}/_stats{query}", credential), transport.ask("GET", f"{BASE}{query}", credential)
    )
    try:
        states = {text_of(one["id"], "an id"): one for one in _all(stats)}
        # One that was made or deleted in between is in one of the two alone.
        return tuple(_job_now(one, states[one["id"]]) for one in _all(configs) if one["id"] in states)
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET {BASE}/_stats: the answer lacks {failure}") from failure


def _all(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = content["data_frame_analytics"]
    if int(content["count"]) > len(listed):
        raise ClusterUnreachable(f"GET {BASE}: there are more than {LISTED} jobs, which cannot be listed at once")
    return listed


def _job_now(config: Mapping[str, Any], stats: Mapping[str, Any]) -> JobNow:
    job = job_of(config)
    progress = [(text_of(one["phase"], "a phase"), int(one["progress_percent"])) for one in stats["progress"]]
    return JobNow(
        id=job.id,
        create_time=job.create_time,
        state=text_of(stats["state"], "a state"),
        ran=stage_of(progress) is not Stage.FIRST_TIME,
        owner=job.owner,
    )


async def tasks_now(transport: Transport, credential: Credential) -> dict[str, int]:
    """The jobs that have a task on a node: since when, in milliseconds since 1970. A task that moves to another node
    begins anew there.

    Raises:
        PassedOn: the cluster would not tell; ClusterUnreachable: no usable answer.
    """
    path = f"/_tasks?actions={TASK_NAME}*&detailed=true"
    content = await transport.ask("GET", path, credential)
    try:
        return dict(_tasks(content["nodes"]))
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET /_tasks: the answer lacks {failure}") from failure


def _tasks(nodes: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for node in nodes.values():
        for task in node["tasks"].values():
            description = str(task.get("description", ""))
            if task["action"] == f"{TASK_NAME}[c]" and description.startswith(TASK_PREFIX):
                yield description.removeprefix(TASK_PREFIX), int(task["start_time_in_millis"])
