"""Every call goes through the same steps, and whatever goes wrong is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from proxy.admin.access.acts import Acts
from proxy.admin.access.door import Door
from proxy.admin.access.origin import Hosts
from proxy.admin.access.tokens import Tokens
from proxy.admin.api import HTML, ApiError, Call, Endpoint, Handler, Role, Viewer
from proxy.admin.dispatch import Guard, Surface, make_app
from proxy.control.acts import VERIFY
from proxy.settings import AdminLimits, AdminPort
from tests.admin.access.test_acts import Book
from tests.admin.access.test_door import Cluster
from tests.admin.test_decoding import Asked
from tests.admin.visiting import TOKENS, Visit, tokens, visiting

READ: dict[str, Any] = {"authorization": f"Bearer {TOKENS['scraper']}"}
WRITE: dict[str, Any] = {"authorization": f"Bearer {TOKENS['operator']}"}
JSON: dict[str, Any] = {"content-type": "application/json"}


def endpoint(method: str = "GET", path: str = "/v1/x", role: Role = Role.READ, **more: Any) -> Endpoint:
    """One that answers what it was asked."""

    async def answer(call: Call) -> object:
        return {"by": call.viewer.name, "path": dict(call.path), "query": call.query, "body": call.body}

    given: dict[str, Any] = {"handler": answer, "summary": "X.", **more}
    return Endpoint(method=method, path=path, role=role, **given)


def fails(error: Exception) -> Handler:
    async def handler(_call: Call) -> object:
        raise error

    return handler


@asynccontextmanager
async def served(folder: Path, *table: Endpoint, book: Book | None = None) -> AsyncIterator[str]:
    """The address of an application of these endpoints."""

    def error_page(_request: web.Request, viewer: Viewer, error: ApiError) -> web.Response:
        return web.Response(status=error.status, text=f"<p>{viewer.name}: {error.reason}", content_type=HTML)

    limits, acts = AdminLimits(), Acts((book or Book()).record)
    door = Door(limits, Cluster(), Tokens(tokens(folder)), acts)
    guard = Guard(door=door, acts=acts, hosts=Hosts(AdminPort(host="127.0.0.1", port=0)), limits=limits)
    app = make_app(Surface(endpoints=table, plain={}, error_page=error_page), guard)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(url: str, method: str = "GET", data: bytes = b"", **headers: Any) -> tuple[int, str, dict[str, str]]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, URL(url, encoded=True), data=data or None, headers=sent, allow_redirects=False
        ) as answer,
    ):
        return answer.status, await answer.text(), dict(answer.headers)


async def test_what_is_asked_for_comes_as_values(tmp_path: Path) -> None:
    one = endpoint("POST", "/v1/x/{id}", query=Asked, body=Asked)
    async with served(tmp_path, one) as url:
        status, text, _ = await ask(f"{url}/v1/x/a%2Fb?size=3", "POST", b'{"user": "ann"}', **READ, **JSON)
    assert status == 200
    assert '"by":"scraper","path":{"id":"a/b"}' in text
    assert '"query":{"user":"","size":3' in text
    assert '"body":{"user":"ann"' in text


@pytest.mark.parametrize(
    ("role", "shown", "status"),
    [
        (Role.ANYBODY, {}, 200),
        (Role.OWN, {}, 401),
        (Role.READ, {}, 401),
        (Role.READ, READ, 200),
        (Role.WRITE, READ, 403),
        (Role.WRITE, WRITE, 200),
    ],
)
async def test_a_role_is_needed(tmp_path: Path, role: Role, shown: dict[str, Any], status: int) -> None:
    async with served(tmp_path, endpoint(role=role), endpoint("POST", role=role)) as url:
        for method in ("GET", "HEAD", "POST"):
            assert (await ask(f"{url}/v1/x", method, **shown))[0] == status


async def test_errors_are_told_in_json(tmp_path: Path) -> None:
    error = ApiError(409, "under way", where="w", allowed="a", hint="h", headers={"Retry-After": "3"})
    async with served(tmp_path, endpoint(handler=fails(error))) as url:
        status, text, headers = await ask(f"{url}/v1/x", **READ)
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (409, "application/json", "3")
    assert text == '{"status":409,"reason":"under way","where":"w","allowed":"a","hint":"h"}'


async def test_a_fault_of_ours_is_told_by_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path, endpoint(handler=fails(RuntimeError("a secret"))), endpoint("POST")) as url:
        status, text, headers = await ask(f"{url}/v1/x", **READ)
    assert status == 500
    assert "a secret" not in text + str(headers)
    id = text.split("under ")[1].split('"')[0]
    assert id in caplog.text
    assert "a secret" in caplog.text


async def test_what_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    async with served(tmp_path, endpoint(), endpoint("DELETE")) as url:
        status, text, _ = await ask(f"{url}/v1/y")
        assert (status, '"allowed":"/v1/x"' in text) == (404, True)
        status, text, headers = await ask(f"{url}/v1/x", "PUT")
        assert (status, headers["Allow"]) == (405, "DELETE, GET, HEAD")


async def test_a_page_leads_whoever_is_nobody_to_where_they_sign_in(tmp_path: Path) -> None:
    pages = (endpoint("GET", "/p/{id}", media_type=HTML), endpoint("POST", "/p/{id}", media_type=HTML))
    async with served(tmp_path, *pages) as url:
        for method, path, target in (
            ("GET", "/p/a?b=c&d=%2F", "/sign-in?next=%2Fp%2Fa%3Fb%3Dc%26d%3D%252F"),
            ("POST", "/p/a", "/sign-in"),
            ("GET", "/p/%0d%0aX:y", "/sign-in?next=%2Fp%2F%250d%250aX%3Ay"),
        ):
            status, _, headers = await ask(url + path, method, accept="text/html")
            assert (status, headers["Location"]) == (303, target)
        status, text, headers = await ask(f"{url}/p/a", accept="text/html", authorization="Bearer x")
        assert (status, "WWW-Authenticate" in headers) == (303, False)
        assert (await ask(f"{url}/p/a"))[0] == 401, "who wants no page gets none"
        status, text, headers = await ask(f"{url}/p/a?x=1", accept="text/html", **READ)
        assert (status, headers["Content-Type"].partition(";")[0]) == (400, HTML)
        assert text == "<p>scraper: unknown parameter 'x'; none is taken here"


async def test_a_form_is_a_form(tmp_path: Path) -> None:
    page = endpoint("POST", "/p", media_type=HTML, body=Asked)
    form: dict[str, Any] = {"content-type": "application/x-www-form-urlencoded"}
    async with served(tmp_path, page) as url:
        status, text, _ = await ask(f"{url}/p", "POST", b"user=ann&csrf=x", **READ, **form)
        assert (status, '"user":"ann"' in text) == (200, True)
        assert (await ask(f"{url}/p", "POST", b"{}", **READ, **JSON))[0] == 415


async def test_a_stream_is_not_begun_for_a_head(tmp_path: Path) -> None:
    stream = endpoint(media_type="text/event-stream", handler=fails(RuntimeError("begun")))
    async with served(tmp_path, stream) as url:
        status, _, headers = await ask(f"{url}/v1/x", "HEAD", **READ)
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")


async def test_a_body_is_as_long_as_its_endpoint_takes(tmp_path: Path) -> None:
    async with served(tmp_path, endpoint("POST", body=Asked, body_bytes=100)) as url:
        body = b'{"user": "' + b"x" * 88 + b'"}'
        assert len(body) == 100
        assert (await ask(f"{url}/v1/x", "POST", body, **READ, **JSON))[0] == 200
        assert (await ask(f"{url}/v1/x", "POST", body + b" ", **READ, **JSON))[0] == 413


async def test_an_act_is_recorded_before_it_is_done(tmp_path: Path) -> None:
    book = Book()
    acts = (
        endpoint("POST", role=Role.WRITE, act=VERIFY, handler=fails(ApiError(409, "busy"))),
        endpoint("PUT", role=Role.WRITE, act=VERIFY, body=Asked),
    )
    async with served(tmp_path, *acts, book=book) as url:
        assert (await ask(f"{url}/v1/x", "POST", **WRITE))[0] == 409
        assert (await ask(f"{url}/v1/x", "PUT", b"{}", **READ, **JSON))[0] == 403
        assert (await ask(f"{url}/v1/x", "PUT", b"[]", **WRITE, **JSON))[0] == 400
        assert [act.by for act in book.taken if act.action == VERIFY] == ["operator"]
        book.closed = True
        assert (await ask(f"{url}/v1/x", "PUT", b"{}", **WRITE, **JSON))[0] == 503


def test_no_two_have_one_place(tmp_path: Path) -> None:
    guard = Guard.__new__(Guard)
    with pytest.raises(ValueError, match="GET /v1/x is there twice"):
        make_app(Surface(endpoints=(endpoint(), endpoint()), plain={}), guard)


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    "target",
    ["/v1/starts/%00", "/v1/starts/..%2f..", "/v1/starts/%ff", "/starts/%0d%0aSet-Cookie:a=b", "/v1/jobs/%2e%2e/plan"],
)
async def test_odd_paths_are_not_found(visit: Visit, target: str) -> None:
    answer = await visit.ask("GET", target, user="writer")
    assert answer.status in (400, 404), answer.body
    assert "Set-Cookie" not in answer.headers
