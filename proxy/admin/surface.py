"""All that the admin port serves, put together from its areas. What they do in the background ends with it.

How something is added:

1. A view is a class of async methods `(viewer, …) -> shown.*` that raise `ApiError`. It is made from `Parts` in
   `surface.opened`, where what has to run in the background is entered, too.
2. `endpoints/<area>.py` has `endpoints(view, …) -> list[Endpoint]`. A handler gets a `Call`: `call.viewer` (with
   `viewer.authorization` for calls to the cluster, and `viewer.csrf` for forms), `call.path["receipt"]`, `call.query`
   and `call.body` as values of the endpoint's types, all checked. It answers a value, which is told as JSON, or a
   response; headers for browsers are added to any response just before its head is written, streams too.
3. A page is an endpoint with `media_type=HTML`. Its `body` is the type of its form, as which a POST is decoded; the
   form has the hidden field `csrf` with `viewer.csrf`, or a script sends that in `X-Startgate-CSRF`. An `ApiError` that
   it raises is told by the surface's `error_page`; who is not signed in is led to `/sign-in?next=…`.
4. `act=` has a call recorded before it is served (the names are in `control.acts`), and refused where it cannot be.
   A `GET` never changes anything; one with `act` may be recorded, as an export is.
5. What lasts, such as a feed, asks `door.still_allowed(viewer)` every few seconds. What a page asks for by itself has
   the header `X-Startgate-Background: 1`, so that it does not keep a session alive.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from proxy.admin import openapi
from proxy.admin.api import ApiError, Endpoint, Viewer
from proxy.admin.dispatch import Surface
from proxy.admin.endpoints import health, journal, log, plan, rules, session, sign_in, starts, traffic
from proxy.admin.health import STARTS
from proxy.admin.pages.assets import Assets
from proxy.admin.pages.routes import Pages, Views
from proxy.admin.parts import Parts
from proxy.admin.shown.traffic import TrafficQuery
from proxy.admin.views.data import Data
from proxy.admin.views.plan import PlanView
from proxy.admin.views.rules import RulesView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Areas:
    data: Data
    rules: RulesView
    plan: PlanView


@asynccontextmanager
async def opened(parts: Parts) -> AsyncIterator[Surface]:
    """Everything, while it is served."""
    settings = parts.settings
    areas = _Areas(
        data=Data(settings, parts.collector, lambda: parts.own(lambda _telling: None)),
        rules=RulesView(Path(settings.control) if settings.control else None),
        plan=PlanView(settings.nodes, settings.cluster_tls, Path(settings.gate_socket)),
    )
    try:
        async with areas.data.running():
            yield surface(parts, areas)
    finally:
        await areas.plan.close()


def surface(parts: Parts, areas: _Areas) -> Surface:
    """The table of everything."""
    pages = Pages(_views(parts, areas), Assets())

    def error_page(_request: web.Request, viewer: Viewer, error: ApiError) -> web.StreamResponse:
        return pages.error(viewer, error)

    api = _api(parts, areas)
    people = [*pages.endpoints(), *sign_in.endpoints(parts.door, pages.sign_in)]
    table = (*api, *openapi.endpoints(api), *people)
    return Surface(endpoints=table, plain=parts.admin.plain(), error_page=error_page, ending=areas.data.feed.close)


def _api(parts: Parts, areas: _Areas) -> list[Endpoint]:
    data, door = areas.data, parts.door
    return [
        *session.endpoints(door),
        *health.endpoints(parts.admin.health),
        *starts.endpoints(data.starts, data.start, data.feed, door.still_allowed),
        *plan.endpoints(areas.plan, data.start.one),
        *rules.endpoints(areas.rules),
        *traffic.endpoints(data.traffic),
        *journal.endpoints(data.journal),
        *log.endpoints(parts.control),
    ]


def described() -> dict[str, Any]:
    """The description of the API, without anything that is served."""
    # Endpoints keep what they are made from for their handlers alone, and none of those is called.
    parts = cast(Parts, _Nothing())
    api = _api(parts, cast(_Areas, _Nothing()))
    return openapi.document([*api, *openapi.endpoints(api)])


class _Nothing:
    """Has everything, which is nothing."""

    def __getattr__(self, _name: str) -> "_Nothing":
        return self


def _views(parts: Parts, areas: _Areas) -> Views:
    """What the pages show, by the same views."""
    data = areas.data
    return Views(
        starts=data.starts.list,
        start=data.start.one,
        jobs=areas.plan.jobs,
        plan=areas.plan.plan,
        rules=areas.rules.rules,
        reload=areas.rules.reload,
        try_case=areas.rules.try_case,
        traffic=lambda viewer: data.traffic.show(viewer, TrafficQuery()),
        journal=data.journal.show,
        verify=data.journal.verify,
        health=lambda: parts.admin.health(STARTS),
    )
