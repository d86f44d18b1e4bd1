"""The jobs of the cluster as the viewer may see them, what a start of one would do, and how one goes on.

Jobs and progress are asked of the cluster in the viewer's own name, plans of the gate: nobody sees anything here that
they could not see without us.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from proxy.admin.api import ApiError, Viewer
from proxy.admin.shown.plan import JobRow, Jobs, JobsQuery, Planned
from proxy.admin.shown.starts import Progress
from proxy.admin.views.gate import GateSocket
from proxy.admin.views.needed import authorization_of
from proxy.admin.views.planned import Told, planned
from proxy.cluster.transport import Transport
from proxy.errors import ClusterUnreachable, ConfigError, PassedOn
from proxy.gate.request import ID_LIMIT_CHARS, ID_PATTERN
from proxy.model import Credential
from proxy.settings import ClusterTls, GateLimits

BASE: Final = "/_ml/data_frame/analytics"
SIZE_MAX: Final = 1000
# Somebody waits and looks.
CALL_S: Final = 15.0
# A thousand jobs with the longest configurations that people write by hand.
_LIMITS: Final = GateLimits(cluster_answer_bytes=32 * 1024 * 1024)
# What may be asked for: ids, and `*`. Commas and names with a meaning of their own are not passed on.
_PATTERN: Final = re.compile(r"[a-z0-9_\-.*]{1,256}", re.ASCII)
# Of expressions in a list.
SOURCES_SHOWN: Final = 100


class PlanView:
    """`nodes` and `tls` lead to the cluster; `gate` is the gate's own socket."""

    def __init__(self, nodes: Sequence[str], tls: ClusterTls, gate: Path) -> None:
        self._nodes = tuple(nodes)
        self._tls = tls
        self._gate = GateSocket(gate)
        self._transport: Transport | None = None

    async def jobs(self, viewer: Viewer, query: JobsQuery) -> Jobs:
        """The jobs that are asked for.

        Raises ApiError: 400 for what cannot be asked for; 403, the viewer is no user of the cluster; 503, no usable
        answer of the cluster; and the cluster's own refusals.
        """
        credential = _credential(viewer)
        pattern = _asked(query)
        parameters = f"?size={query.size}&from=0&allow_no_match=true"
        path = f"{BASE}/{quote(pattern, safe='*')}"
        async with _told():
            listed, states = await asyncio.gather(
                self._cluster().ask("GET", path + parameters, credential),
                self._cluster().ask("GET", f"{path}/_stats{parameters}", credential),
            )
        state = {one.get("id"): str(one.get("state", "")) for one in _entries(states)}
        rows = tuple(_row(one, state.get(one.get("id"), "")) for one in _entries(listed))
        total = listed.get("count", 0) if isinstance(listed, Mapping) else 0
        return Jobs(jobs=rows, total=max(len(rows), total if isinstance(total, int) else 0))

    async def plan(self, viewer: Viewer, job: str, peer: str = "") -> Planned:
        """What a start of a job would do now, for the viewer, who is connected from `peer` (`ip:port`).

        The gate records that it was asked. Raises ApiError as `jobs`, and 401, 404: no such job.
        """
        authorization = authorization_of(viewer)
        _known(job)
        plan, explained = await asyncio.gather(
            self._gate.plan(job, authorization, peer), self._gate.explanation(job, authorization, peer)
        )
        for told in (explained, plan):
            _check(told)
        return planned(job, plan, explained)

    async def progress(self, viewer: Viewer, job: str) -> Progress:
        """How a job stands. Raises ApiError as `plan`."""
        credential = _credential(viewer)
        _known(job)
        async with _told():
            found = await self._cluster().ask("GET", f"{BASE}/{job}/_stats", credential)
        for one in _entries(found):
            if one.get("id") == job:
                return _progress(one)
        raise ApiError(503, "the cluster's answer does not hold the job that was asked for")

    async def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.close()

    def _cluster(self) -> Transport:
        """Made when it is first needed: files of certificates that cannot be read are then told to whoever asks."""
        if self._transport is None:
            try:
                self._transport = Transport(self._nodes, self._tls, CALL_S, _LIMITS)
            except ConfigError as failure:
                raise ApiError(503, f"there is no way to the cluster: {failure}") from failure
        return self._transport


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """The cluster's refusals in its own words."""
    try:
        yield
    except PassedOn as refusal:
        raise ApiError(refusal.status, refusal.reason) from refusal
    except ClusterUnreachable as failure:
        raise ApiError(503, f"the cluster gave no usable answer: {failure}") from failure


def _credential(viewer: Viewer) -> Credential:
    return Credential(whose="caller", headers=(("authorization", authorization_of(viewer)),))


def _asked(query: JobsQuery) -> str:
    if not 1 <= query.size <= SIZE_MAX:
        raise ApiError(400, f"{query.size} cannot be asked for at a time", where="size", allowed=f"1 to {SIZE_MAX}")
    pattern = query.id or "*"
    if not _PATTERN.fullmatch(pattern):
        text = "no job can have such an id"
        raise ApiError(400, text, where="id", allowed="a-z 0-9 _ - . and * for any characters; 256 at most")
    # `_all` and `_stats` are no ids to Elasticsearch, but words.
    return "*" if pattern == "_all" else pattern


def _known(job: str) -> None:
    """Raises ApiError 404 for what no job can be called: the cluster would take some of it for something else."""
    if len(job) > ID_LIMIT_CHARS or not ID_PATTERN.fullmatch(job):
        raise ApiError(404, "there is no such job", where="id", allowed="a-z 0-9 _ - . (64 at most)")


def _check(told: Told) -> None:
    """What the gate says that is about neither plan nor verdict."""
    if told.status in (401, 404, 408, 429) or told.status >= 500:
        raise ApiError(told.status if told.status < 500 else 503, told.reason)


def _entries(content: object) -> Iterator[Mapping[str, Any]]:
    found = content.get("data_frame_analytics") if isinstance(content, Mapping) else None
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            yield one


def _row(config: Mapping[str, Any], state: str) -> JobRow:
    source, dest = (_object(config.get(part)) for part in ("source", "dest"))
    index = source.get("index", ())
    names = (index,) if isinstance(index, str) else index if isinstance(index, list) else ()
    return JobRow(
        id=str(config.get("id", "")),
        analysis=next(iter(_object(config.get("analysis"))), ""),
        sources=tuple(str(name) for name in names[:SOURCES_SHOWN]),
        destination=str(dest.get("index", "")),
        state=state,
    )


def _progress(stats: Mapping[str, Any]) -> Progress:
    phases = stats.get("progress")
    return Progress(
        job=str(stats.get("id", "")),
        state=str(stats.get("state", "")),
        node=str(_object(stats.get("node")).get("name", "")),
        phases=tuple(_phase(one) for one in (phases if isinstance(phases, list) else ())),
        failure=str(stats.get("failure_reason") or ""),
    )


def _phase(phase: object) -> tuple[str, int]:
    told = _object(phase)
    percent = told.get("progress_percent", 0)
    return str(told.get("phase", "")), percent if isinstance(percent, int) else 0


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
