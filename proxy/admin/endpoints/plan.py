"""`/v1/jobs`, and how the job of a start goes on."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from proxy.admin.api import Call, Endpoint, Role, Viewer
from proxy.admin.shown.plan import Jobs, JobsQuery, Planned
from proxy.admin.shown.starts import Progress, StartDetail
from proxy.admin.views.plan import PlanView

# What the cluster and the gate may answer beside what all endpoints do.
STATUSES = (408,)


def endpoints(view: PlanView, start: Callable[[Viewer, str], Awaitable[StartDetail]]) -> list[Endpoint]:
    """The endpoints over a view; `start` gives the start with a receipt, where the viewer may see it."""

    async def jobs(call: Call) -> object:
        return await view.jobs(call.viewer, call.query)

    async def plan(call: Call) -> object:
        return await view.plan(call.viewer, call.path["id"], peer_of(call.request))

    async def progress(call: Call) -> object:
        found = await start(call.viewer, call.path["receipt"])
        return await view.progress(call.viewer, found.row.job)

    return [
        Endpoint(
            method="GET",
            path="/v1/starts/{receipt}/progress",
            role=Role.OWN,
            handler=progress,
            summary="How the job of a start stands now, as the cluster tells the viewer.",
            answer=Progress,
            statuses=STATUSES,
        ),
        Endpoint(
            method="GET",
            path="/v1/jobs",
            role=Role.OWN,
            handler=jobs,
            summary="Jobs of the cluster, as far as the viewer may see them.",
            query=JobsQuery,
            answer=Jobs,
            statuses=STATUSES,
        ),
        Endpoint(
            method="GET",
            path="/v1/jobs/{id}/plan",
            role=Role.OWN,
            handler=plan,
            summary="What a start of a job would do now, for the viewer; that it was asked is recorded.",
            answer=Planned,
            statuses=STATUSES,
        ),
    ]


def peer_of(request: web.Request) -> str:
    """Where a viewer is connected from, as records tell it; empty for a Unix socket, or where it is gone already."""
    name = request.transport.get_extra_info("peername") if request.transport is not None else None
    if not isinstance(name, tuple) or len(name) < 2:
        return ""
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
