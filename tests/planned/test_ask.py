"""What is sent to whom, and what is made of each answer: never a start by mistake."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from aiohttp import web

from proxy.errors import CannotServe, ExitStatus
from proxy.planned.ask import EXPLANATION, Asking, Told, ask
from tests.stack import whole

PLAN = {"plan_only": True, "version": 1, "would_succeed": True}
RECEIPT = {"X-Startgate-Receipt": "r1"}
ERROR = {"error": {"type": "security_exception", "reason": "you lack it"}, "status": 403}


@asynccontextmanager
async def answering(
    status: int, content: object, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Something that answers each call so; its base address, and what it was sent."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        return web.Response(status=status, body=body, headers=headers or {})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "localhost", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        yield f"{'https' if tls else 'http'}://localhost:{port}", seen
    finally:
        await runner.cleanup()


async def told(status: int, content: object, headers: dict[str, str] | None = None) -> Told:
    async with answering(status, content, headers) as (url, _):
        return await ask("flights", Asking(url=url))


async def test_what_is_sent() -> None:
    async with answering(200, PLAN, RECEIPT) as (url, seen):
        await ask("a/b", Asking(url=url + "/", authorization="ApiKey abc"))
        await ask("flights", Asking(url=f"{url}/behind"))
    first, second = seen
    assert (first.method, first.raw_path) == ("POST", "/_ml/data_frame/analytics/a%2Fb/_start?startgate_plan=only")
    assert first.headers.getall("X-Startgate-Plan") == ["only"]
    assert first.headers["Authorization"] == "ApiKey abc"
    assert second.path == "/behind/_ml/data_frame/analytics/flights/_start"
    assert "Authorization" not in second.headers


@pytest.mark.parametrize("would", [True, False])
async def test_a_plan(would: bool) -> None:
    found = await told(200, PLAN | {"would_succeed": would}, RECEIPT)
    assert (found.status, found.would_succeed, found.content["version"]) == (200, would, 1)


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_a_refusal_of_the_gate_is_what_a_start_would_get(status: int) -> None:
    found = await told(status, ERROR, RECEIPT)
    assert (found.status, found.would_succeed, found.content) == (status, False, ERROR)


@pytest.mark.parametrize(
    ("status", "content", "headers", "exit_status", "text"),
    [
        (200, {"acknowledged": True, "node": "n"}, RECEIPT, ExitStatus.INVALID, "with no plan"),
        (200, PLAN | {"version": 2}, RECEIPT, ExitStatus.INVALID, "of this version"),
        (200, b"<html>", {}, ExitStatus.INVALID, "with no plan"),
        (200, b"[1]", {}, ExitStatus.INVALID, "with no plan"),
        (200, b"\xff", {}, ExitStatus.INVALID, "with no plan"),
        (401, ERROR, RECEIPT, ExitStatus.INVALID, "does not know who asks .* you lack it"),
        (400, ERROR, {}, ExitStatus.INVALID, "is no gate of Startgate's that has plans; nothing was started"),
        (405, {"error": "not allowed"}, {}, ExitStatus.INVALID, "It answered: not allowed"),
        (302, b"", {"Location": "/elsewhere"}, ExitStatus.INVALID, "status 302"),
        (503, {"error": {"reason": "the gate is down"}}, {}, ExitStatus.UNREACHABLE, "the gate is down"),
        (503, ERROR, RECEIPT, ExitStatus.UNREACHABLE, "you lack it"),
        (502, b"", {}, ExitStatus.UNREACHABLE, "status 502"),
    ],
)
async def test_what_is_no_answer(
    status: int, content: Any, headers: dict[str, str], exit_status: ExitStatus, text: str
) -> None:
    with pytest.raises(CannotServe, match=text) as raised:
        await told(status, content, headers)
    assert raised.value.exit_status == exit_status


async def test_nobody_there(unused_tcp_port: int) -> None:
    with pytest.raises(
        CannotServe, match=f"no plan from http://127.0.0.1:{unused_tcp_port}: Connection refused"
    ) as raised:
        await ask("flights", Asking(url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert raised.value.exit_status == ExitStatus.UNREACHABLE


async def test_nobody_answers_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.planned.ask.TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(CannotServe, match=r"no plan from .*: .*(imeout|within)"):
            await ask("flights", Asking(url=url))


async def test_over_tls() -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with answering(200, PLAN, RECEIPT, server) as (url, _):
        assert (await ask("flights", Asking(url=url, context=trusting))).would_succeed
        with pytest.raises(CannotServe, match="certificate") as raised:
            await ask("flights", Asking(url=url))
    assert raised.value.exit_status == ExitStatus.UNREACHABLE


async def test_elasticsearch_itself_starts_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        await stack.ok("PUT", "/flights", {"mappings": {"properties": {"delay": {"type": "long"}}}})
        job = {"source": {"index": "flights"}, "dest": {"index": "out"}, "analysis": {"outlier_detection": {}}}
        await stack.ok("PUT", "/_ml/data_frame/analytics/j", job)
        with pytest.raises(CannotServe, match=r"unrecognized parameter: \[startgate_plan\]"):
            await ask("j", Asking(url=stack.cluster.url, authorization=stack.cluster.superuser))
        proxied = Asking(url=f"http://127.0.0.1:{stack.port}", authorization=stack.cluster.superuser)
        assert (await ask("j", proxied)).would_succeed
        [stats] = (await stack.ok("GET", "/_ml/data_frame/analytics/j/_stats"))["data_frame_analytics"]
        assert stats["state"] == "stopped"
        assert (await stack.call("GET", "/out", direct=True)).status == 404


async def test_an_explanation_is_asked_for_likewise_and_of_somebody_else() -> None:
    content = {"explain_only": True, "version": 1, "allowed": True}
    async with answering(200, content, RECEIPT) as (url, seen):
        told = await ask("a/b", Asking(url=url, run_as="bob"), EXPLANATION)
        with pytest.raises(CannotServe, match="answered with no plan"):
            await ask("a/b", Asking(url=url))
    assert told.allowed
    assert not told.would_succeed
    first, _ = seen
    assert first.raw_path == "/_ml/data_frame/analytics/a%2Fb/_start?startgate_explain=only"
    assert first.headers.getall("X-Startgate-Explain") == ["only"]
    assert first.headers.getall("es-security-runas-user") == ["bob"]
    assert "X-Startgate-Plan" not in first.headers


async def test_an_older_gate_that_explains_nothing_starts_nothing() -> None:
    refused = {"error": {"reason": "unrecognized parameter: [startgate_explain]"}, "status": 400}
    async with answering(400, refused, RECEIPT) as (url, _):
        told = await ask("flights", Asking(url=url), EXPLANATION)
    assert (told.status, told.allowed) == (400, False)
    async with answering(200, {"acknowledged": True}, RECEIPT) as (url, _):
        with pytest.raises(CannotServe, match="answered with no explanation that this version understands"):
            await ask("flights", Asking(url=url), EXPLANATION)
