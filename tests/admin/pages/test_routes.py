"""The pages: whatever a name, a reason or a file holds, a page has the same elements, and shows it as text."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.admin.api import ApiError, Call, Endpoint, Role, Viewer
from proxy.admin.health import Health, Judged
from proxy.admin.pages.assets import STATIC, Assets
from proxy.admin.pages.routes import Pages, Views
from proxy.admin.shown.journal import Journal, Verification
from proxy.admin.shown.plan import Jobs, JobsQuery, Planned
from proxy.admin.shown.rules import Rules, Tried, TryCase
from proxy.admin.shown.starts import Moment, StartDetail, Starts
from proxy.admin.shown.traffic import Traffic
from proxy.gate.standing import Attempt
from tests.admin.pages.made import made

OLGA = Viewer(name="olga", realm="native1", role=Role.WRITE, authorization="Basic x", csrf="its-token")
Client = TestClient[web.Request, web.Application]
# What has broken out of pages before: out of elements, attributes, scripts, comments, URLs, and by code points that
# browsers, terminals and readers of right-to-left text take for something else.
HOSTILE = [
    "<script>alert(1)</script>",
    "</td></tr></table><h1>owned</h1>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "<img src=x onerror=alert(1)>",
    "</textarea><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "<!--", "-->", "<![CDATA[", "&lt;script&gt;", "&#x3c;b&#x3e;", "{{ 7*7 }}", "{% raw %}", "${7*7}",
    "\u202eevil\u202c", "\u2028\u2029", "\ufeff<b>", "\x00<b>\x1b[31m", "\ud800<b>",
    "//evil.example/x", "\\\\evil", "../../../etc/passwd", "a\r\nSet-Cookie: x=1", "%3Cscript%3E", "`", "A" * 3000,
]  # fmt: skip


class Structure(HTMLParser):
    """The elements of a page and the names of their attributes, and where links and forms lead."""

    in_line = False

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.targets: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A file of rules has as many lines as it has.
        if (tag, attrs[:1]) == ("div", [("class", "line")]):
            self.in_line = True
        if not self.in_line:
            self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        self.in_line = self.in_line and tag != "div"


def always(kind: Any, text: str, **fixed: object) -> Callable[..., Awaitable[Any]]:
    async def answer(*_: object) -> Any:
        return replace(made(kind, text), **fixed)

    return answer


def views(text: str) -> Views:
    """Views whose every answer holds `text` wherever it can."""
    checks = (
        Judged(name=text, ok=False, needed_for=("starts",), reason=text),
        Judged(name="traffic", ok=False, needed_for=("traffic",), reason=text),
        Judged(name="well", ok=True, needed_for=("traffic",), reason=text),
    )
    return Views(
        starts=always(Starts, text),
        start=always(
            StartDetail, text, records=({text: text},), row=replace(made(StartDetail, text).row, verdict="open")
        ),
        jobs=always(Jobs, text),
        plan=always(Planned, text, plan={"create": {"body": {"settings": {text: text}}}, "added_later": []}),
        rules=always(Rules, text),
        reload=always(Attempt, text),
        try_case=always(Tried, text),
        traffic=always(Traffic, text),
        journal=always(Journal, text),
        verify=always(Verification, text),
        health=always(Health, text, checks=checks),
    )


def application(text: str, role: Role = Role.WRITE) -> web.Application:
    """The pages as an application, for a viewer of that role."""
    pages = Pages(views(text), Assets())
    app = web.Application()

    def served(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            query = msgspec.convert(dict(request.query), endpoint.query, strict=False) if endpoint.query else None
            viewer = replace(OLGA, role=role)
            form = dict(await request.post())
            body = msgspec.convert(form, endpoint.body) if endpoint.body else None
            call = Call(viewer=viewer, path=dict(request.match_info), query=query, body=body, request=request)
            try:
                response = await endpoint.handler(call)
            except ApiError as error:
                return pages.error(viewer, error)
            assert isinstance(response, web.StreamResponse)
            return response

        return serve

    for endpoint in pages.endpoints():
        app.router.add_route(endpoint.method, endpoint.path, served(endpoint))
    return app


async def client_of(app: web.Application) -> Client:
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture(name="client")
async def make_client() -> AsyncIterator[Client]:
    client = await client_of(application("ann"))
    yield client
    await client.close()


PAGES = [
    "/starts",
    "/starts?user=ann&verdict=denied",
    "/starts/r1",
    "/plan",
    "/plan/churn",
    "/rules",
    "/traffic",
    "/journal",
]


# The structure of each page where nothing in it is hostile.
TAME: dict[str, Structure] = {}


async def structure(text: str, path: str, *, form: dict[str, str] | None = None) -> tuple[Structure, str]:
    client = await client_of(application(text))
    async with client:
        answer = await (client.get(path) if form is None else client.post(path, data=form))
        assert answer.status == 200
        page = await answer.text()
        return Structure(page), page


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("path", PAGES)
async def test_hostile_texts_are_inert(path: str, hostile: str) -> None:
    tame = TAME.get(path) or TAME.setdefault(path, (await structure("ann", path))[0])
    told, page = await structure(hostile, path)
    assert told.elements == tame.elements
    assert "<script>alert" not in page
    # No link leaves the page's own origin, whatever it was made of.
    assert not [one for one in told.targets if one != "#main" and re.fullmatch(r"/([^/\\].*)?", one) is None]


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_case_and_what_came_of_it_are_inert(hostile: str) -> None:
    tame, _ = await structure("ann", "/rules/try", form={"case": "ann", "csrf": "its-token"})
    told, _ = await structure(
        hostile, "/rules/try", form={"case": hostile.encode(errors="replace").decode(), "csrf": "x"}
    )
    assert told.elements == tame.elements


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=40))
async def test_any_text_is_inert(text: str) -> None:
    for path in ("/starts", "/plan/churn"):
        assert (await structure(text, path))[0].elements == (await structure("ann", path))[0].elements


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_style_and_no_script_of_its_own(client: Client, path: str) -> None:
    told = Structure(await (await client.get(path)).text())
    inline = [names for tag, names in told.elements if tag == "script" and "src" not in names]
    assert not inline
    assert not [names for _, names in told.elements if "style" in names or any(name.startswith("on") for name in names)]


@pytest.mark.parametrize("path", PAGES)
async def test_every_table_has_headings_and_every_field_a_label(client: Client, path: str) -> None:
    page = await (await client.get(path)).text()
    assert page.count("<table") == page.count("<thead")
    assert "<th>" not in page
    assert page.count("<h1>") == 1


async def test_the_root_leads_to_the_starts(client: Client) -> None:
    answer = await client.get("/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/starts")


@pytest.mark.parametrize(("form", "leads"), [("/rules/reload", "/rules"), ("/journal/verify", "/journal")])
async def test_a_form_leads_back_to_its_page(client: Client, form: str, leads: str) -> None:
    answer = await client.post(form, data={"csrf": "its-token"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, leads)


async def test_style_may_be_kept_for_ever(client: Client) -> None:
    path = Assets().path("page.css")
    answer = await client.get(path)
    assert (answer.status, answer.content_type) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await client.get(path.replace("page.css", "page.cs"))).status == 404


@pytest.mark.parametrize(("role", "forms"), [(Role.OWN, 0), (Role.READ, 0), (Role.WRITE, 1)])
async def test_only_who_may_change_something_is_shown_how(role: Role, forms: int) -> None:
    client = await client_of(application("ann", role))
    async with client:
        assert (await (await client.get("/rules")).text()).count('action="/rules/reload"') == forms
        assert (await (await client.get("/journal")).text()).count('action="/journal/verify"') == forms


async def test_what_is_not_well_is_told_to_who_may_see_it() -> None:
    for role, count in ((Role.OWN, 0), (Role.READ, 2)):
        client = await client_of(application("ann", role))
        async with client:
            assert (await (await client.get("/starts")).text()).count('class="banner') == count


async def test_the_filter_is_kept_over_pages(client: Client) -> None:
    page = await (await client.get("/starts?user=ann%26b&size=2")).text()
    assert 'value="ann&amp;b"' in page
    assert 'href="/starts?user=ann%26b&amp;after=ann"' in page
    assert 'data-feed="/v1/starts/feed?user=ann%26b"' in page


async def test_a_case_that_cannot_be_judged_is_shown_with_its_fault() -> None:
    async def refuse(*_: object) -> Tried:
        raise ApiError(422, "unknown key `jobb`", where="case:3:1", hint="did you mean `job`?")

    pages = Pages(replace(views("ann"), try_case=refuse), Assets())
    app = web.Application()

    async def serve(request: web.Request) -> web.StreamResponse:
        body = TryCase(case=str((await request.post())["case"]))
        return await pages.try_case(Call(viewer=OLGA, path={}, query=None, body=body, request=request))

    app.router.add_post("/rules/try", serve)
    client = await client_of(app)
    async with client:
        answer = await client.post("/rules/try", data={"case": "jobb: 1"})
        page = await answer.text()
    assert answer.status == 422
    assert all(text in page for text in ("unknown key `jobb`", "case:3:1", "did you mean `job`?", "jobb: 1"))


async def test_jobs_that_the_cluster_does_not_show_leave_the_page_whole() -> None:
    async def refuse(*_: object) -> Jobs:
        raise ApiError(403, "you are no user of the cluster", hint="sign in as one")

    pages = Pages(replace(views("ann"), jobs=refuse), Assets())
    app = web.Application()

    async def serve(request: web.Request) -> web.StreamResponse:
        return await pages.jobs(Call(viewer=OLGA, path={}, query=JobsQuery(), body=None, request=request))

    app.router.add_get("/plan", serve)
    client = await client_of(app)
    async with client:
        answer = await client.get("/plan")
        page = await answer.text()
    assert answer.status == 200
    assert "you are no user of the cluster sign in as one" in page


async def test_a_step_of_the_timeline_ends_at_its_moment() -> None:
    timeline = (
        Moment(name="arrived", at_ms=0.0, duration_ms=None, text=""),
        Moment(name="identified", at_ms=3.0, duration_ms=3.0, text=""),
        Moment(name="judged", at_ms=4.0, duration_ms=1.0, text=""),
        Moment(name="ended", at_ms=60_000.0, duration_ms=59_996.0, text=""),
    )
    pages = Pages(replace(views("ann"), start=always(StartDetail, "ann", timeline=timeline)), Assets())
    app = web.Application()

    async def serve(request: web.Request) -> web.StreamResponse:
        return await pages.start(Call(viewer=OLGA, path={"receipt": "r"}, query=None, body=None, request=request))

    app.router.add_get("/start", serve)
    client = await client_of(app)
    async with client:
        page = await (await client.get("/start")).text()
    assert re.findall(r'<rect x="([\d.]+)" width="([\d.]+)"', page) == [("0.0", "750.0"), ("750.0", "250.0")]


def test_every_name_of_the_script_is_one_of_its_own() -> None:
    """Constants in capitals are not checked by any browser before they are used."""
    script = (STATIC / "page.js").read_text()
    code = re.sub(r"//.*|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", "", script)
    used = set(re.findall(r"\b[A-Z][A-Z_]{2,}\b", code))
    made = set(re.findall(r"^const ([A-Z_]+) =", script, re.MULTILINE))
    assert used - made <= {"CSS", "CLOSED", "JSON", "URL"}
