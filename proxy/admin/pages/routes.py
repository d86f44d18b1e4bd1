"""The pages and their forms. A page shows what the view of the same name answers; a form does one thing, and then leads
back to a page (303), so that loading that again does not do it again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from proxy.admin.api import HTML, ApiError, Call, Endpoint, Role, Viewer
from proxy.admin.endpoints.plan import peer_of
from proxy.admin.health import Health
from proxy.admin.pages.assets import PREFIX, Assets
from proxy.admin.pages.planned import parts
from proxy.admin.pages.render import Banner, Renderer
from proxy.admin.pages.words import rate
from proxy.admin.shown.journal import Journal, Verification
from proxy.admin.shown.plan import Jobs, JobsQuery, Planned
from proxy.admin.shown.rules import Rules, Tried, TryCase
from proxy.admin.shown.starts import Moment, StartDetail, Starts, StartsQuery
from proxy.admin.shown.traffic import Traffic
from proxy.control.acts import VERIFY
from proxy.gate.standing import Attempt
from proxy.journal.query import Result

# A name with the content's hash in it never means anything else (RFC 8246).
FOR_EVER: Final = "public, max-age=31536000, immutable"
BAR: Final = 1000
TRY: Final = "/rules/try"
# A case of 256 KiB, of which a form writes most characters as three.
FORM_BYTES: Final = 800 * 1024
EXAMPLE: Final = """\
version: 1
roles:
  analyst:
    cluster: [manage_ml]
    indices:
      - {names: [flights], privileges: [read, view_index_metadata]}
      - {names: [flights-ml], privileges: [all]}
identities:
  ada: {roles: [analyst]}
indices:
  flights: {mappings: {properties: {distance: {type: double}}}}
jobs:
  delays:
    source: {index: [flights]}
    dest: {index: flights-ml}
    analysis: {outlier_detection: {}}
    owner: {roles: [analyst]}
cases:
  - name: whoever holds all of it starts the job
    caller: ada
    job: delays
    expect: {verdict: allowed, status: 200}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What pages show, and what forms do; each raises ApiError. A plan is recorded with where the viewer is, the last
    argument."""

    starts: Callable[[Viewer, StartsQuery], Awaitable[Starts]]
    start: Callable[[Viewer, str], Awaitable[StartDetail]]
    jobs: Callable[[Viewer, JobsQuery], Awaitable[Jobs]]
    plan: Callable[[Viewer, str, str], Awaitable[Planned]]
    rules: Callable[[Viewer], Awaitable[Rules]]
    reload: Callable[[Viewer], Awaitable[Attempt]]
    try_case: Callable[[Viewer, TryCase], Awaitable[Tried]]
    traffic: Callable[[Viewer], Awaitable[Traffic]]
    journal: Callable[[Viewer], Awaitable[Journal]]
    verify: Callable[[Viewer], Awaitable[Verification]]
    health: Callable[[], Awaitable[Health]]


class Pages:
    """All of them. Signing in and out is not theirs (`proxy.admin.access`), but what it looks like is."""

    def __init__(self, views: Views, assets: Assets, *, example: str = EXAMPLE) -> None:
        self._views = views
        self._assets = assets
        self._renderer = Renderer(assets)
        self._example = example

    def endpoints(self) -> list[Endpoint]:
        """The table of them."""
        table: list[tuple[str, str, Role, Callable[[Call], Awaitable[object]], str, type | None]] = [
            ("GET", "/", Role.ANYBODY, self.root, "Leads to the starts.", None),
            ("GET", "/starts", Role.OWN, self.starts, "The starts, newest first.", StartsQuery),
            ("GET", "/starts/{receipt}", Role.OWN, self.start, "One start.", None),
            ("GET", "/plan", Role.OWN, self.jobs, "The jobs of the cluster.", JobsQuery),
            ("GET", "/plan/{job}", Role.OWN, self.plan, "What a start of a job would do.", None),
            ("GET", "/rules", Role.READ, self.rules, "The rules in force.", None),
            ("POST", "/rules/reload", Role.WRITE, self.reload, "Reads the rule files again.", None),
            ("POST", TRY, Role.READ, self.try_case, "Judges a case by the rules in force.", None),
            ("GET", "/traffic", Role.READ, self.traffic, "What passes.", None),
            ("GET", "/journal", Role.READ, self.journal, "The journal, its chain and its sinks.", None),
            ("POST", "/journal/verify", Role.WRITE, self.verify, "Has the chain verified.", None),
            ("GET", PREFIX + "{path:.+}", Role.ANYBODY, self.static, "Style, script and plots.", None),
        ]
        return [
            Endpoint(
                method=method,
                path=path,
                role=role,
                handler=handler,
                summary=text,
                query=query,
                body=TryCase if path == TRY else None,
                body_bytes=FORM_BYTES,
                act=VERIFY if path == "/journal/verify" else "",
                media_type=HTML,
            )
            for method, path, role, handler, text, query in table
        ]

    async def root(self, _call: Call) -> web.Response:
        """`GET /`."""
        return _to("/starts")

    async def static(self, call: Call) -> web.Response:
        """`GET /static/…`. Raises ApiError (404)."""
        asset = self._assets.at(call.request.path)
        if asset is None:
            raise ApiError(404, "there is no such file", hint="pages name those that there are")
        kind, _, charset = asset.content_type.partition("; charset=")
        response = web.Response(body=asset.body, content_type=kind, charset=charset or None)
        response.headers["Cache-Control"] = FOR_EVER
        return response

    async def starts(self, call: Call) -> web.Response:
        """`GET /starts`."""
        query: StartsQuery = call.query
        found = await self._views.starts(call.viewer, query)
        asked = {name: value for name, value in asdict(query).items() if value and name not in ("after", "size")}
        return await self._page(
            call,
            "starts.html",
            "Starts",
            here="/starts",
            found=found,
            query=query,
            filtered=bool(asked),
            verdicts=[one.value for one in Result],
            older=urlencode({**asked, "after": found.cursor}, errors="replace"),
            feed_query=f"?{urlencode(asked, errors='replace')}" if asked else "",
        )

    async def start(self, call: Call) -> web.Response:
        """`GET /starts/{receipt}`."""
        found = await self._views.start(call.viewer, call.path["receipt"])
        row = found.row
        follow = call.viewer.authorization is not None and row.verdict in ("granted", "unknown", "open")
        title = f"Start of {row.job}"
        bars = _bars(found.timeline)
        return await self._page(call, "start.html", title, here="/starts", start=found, bars=bars, follow=follow)

    async def jobs(self, call: Call) -> web.Response:
        """`GET /plan`. That the cluster does not show jobs to the viewer is told in the page: the form stays."""
        jobs, problem = Jobs(jobs=(), total=0), None
        try:
            jobs = await self._views.jobs(call.viewer, call.query)
        except ApiError as error:
            problem = error
        return await self._page(call, "jobs.html", "Plan", here="/plan", jobs=jobs, problem=problem, query=call.query)

    async def plan(self, call: Call) -> web.Response:
        """`GET /plan/{job}`."""
        planned = await self._views.plan(call.viewer, call.path["job"], peer_of(call.request))
        title = f"Plan of {planned.job}"
        return await self._page(call, "plan.html", title, here="/plan", planned=planned, created=parts(planned.plan))

    async def rules(self, call: Call) -> web.Response:
        """`GET /rules`."""
        return await self._rules(call, self._example)

    async def _rules(
        self, call: Call, case: str, *, tried: Tried | None = None, problem: ApiError | None = None
    ) -> web.Response:
        rules = await self._views.rules(call.viewer)
        return await self._page(
            call,
            "rules.html",
            "Rules",
            here="/rules",
            rules=rules,
            case=case,
            tried=tried,
            problem=problem,
            status=problem.status if problem else 200,
        )

    async def reload(self, call: Call) -> web.Response:
        """`POST /rules/reload`. What came of it stands on the page that it leads to."""
        await self._views.reload(call.viewer)
        return _to("/rules")

    async def try_case(self, call: Call) -> web.Response:
        """`POST /rules/try`: the page, with what came of the case, and the case as it was sent."""
        case = call.body.case
        try:
            tried = await self._views.try_case(call.viewer, TryCase(case=case))
        except ApiError as error:
            return await self._rules(call, case, problem=error)
        return await self._rules(call, case, tried=tried)

    async def traffic(self, call: Call) -> web.Response:
        """`GET /traffic`."""
        traffic = await self._views.traffic(call.viewer)
        return await self._page(
            call, "traffic.html", "Traffic", here="/traffic", traffic=traffic, tiles=_tiles(traffic)
        )

    async def journal(self, call: Call) -> web.Response:
        """`GET /journal`."""
        journal = await self._views.journal(call.viewer)
        return await self._page(call, "journal.html", "Journal", here="/journal", journal=journal)

    async def verify(self, call: Call) -> web.Response:
        """`POST /journal/verify`."""
        await self._views.verify(call.viewer)
        return _to("/journal")

    def error(self, viewer: Viewer, error: ApiError) -> web.Response:
        """An error, as a page."""
        title = f"{error.status} {HTTPStatus(error.status).phrase}"
        signed_in = viewer.role > Role.ANYBODY
        back, text = ("/starts", "To the starts") if signed_in else ("/sign-in", "Sign in")
        return self._renderer.page(
            "error.html", viewer, title, error=error, back=back, back_text=text, status=error.status
        )

    def sign_in(
        self,
        viewer: Viewer,
        csrf: str,
        next_path: str,
        *,
        how: str,
        problem: ApiError | None = None,
        username: str = "",
    ) -> web.Response:
        """The form to sign in. `csrf` is its token, `next_path` a path of ours to go to then, `how` says with what."""
        return self._renderer.page(
            "sign_in.html",
            viewer,
            "Sign in",
            csrf=csrf,
            next=next_path,
            how=how,
            problem=problem,
            username=username,
            status=problem.status if problem else 200,
        )

    async def _page(
        self, call: Call, template: str, title: str, *, here: str, status: int = 200, **values: object
    ) -> web.Response:
        banners = await self._banners(call.viewer)
        return self._renderer.page(template, call.viewer, title, here=here, banners=banners, status=status, **values)

    async def _banners(self, viewer: Viewer) -> list[Banner]:
        """What is not well, for who may see that."""
        if viewer.role < Role.READ:
            return []
        health = await self._views.health()
        kinds = {True: ("bad", "Clients are affected."), False: ("warn", "Starts are affected.")}
        return [
            Banner(kind, title, f"{one.name}: {one.reason}")
            for one in health.checks
            if not one.ok
            for kind, title in [kinds["traffic" in one.needed_for]]
        ]


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _bars(timeline: tuple[Moment, ...]) -> list[dict[str, str] | None]:
    """Where each step of a timeline stands, in thousandths of the whole: it ends at its moment. What has no duration
    has no bar, and neither has the end of a job: beside minutes nothing else could be seen."""
    timed = [one for one in timeline if one.at_ms is not None and one.duration_ms and one.name != "ended"]
    whole = max((one.at_ms or 0 for one in timed), default=0)
    return [_bar(one, whole) if one in timed and whole else None for one in timeline]


def _bar(one: Moment, whole_ms: float) -> dict[str, str]:
    end, length = (one.at_ms or 0) / whole_ms, (one.duration_ms or 0) / whole_ms
    return {"x": f"{BAR * max(end - length, 0):.1f}", "width": f"{max(BAR * length, 2):.1f}"}


def _tiles(traffic: Traffic) -> list[dict[str, str]]:
    """The figures at the top; the script writes the same (`tiles` in page.js)."""
    told = (
        ("requests", "Requests", rate(traffic.requests_per_s, "1/s")),
        ("errors", "Errors", rate(traffic.errors_per_s, "1/s")),
        ("in", "From clients", rate(traffic.bytes_in_per_s, "bytes/s")),
        ("out", "To clients", rate(traffic.bytes_out_per_s, "bytes/s")),
        ("flight", "In flight", str(traffic.in_flight)),
        ("clients", "Client connections", str(traffic.client_connections)),
    )
    return [{"id": id, "label": label, "text": text} for id, label, text in told]
