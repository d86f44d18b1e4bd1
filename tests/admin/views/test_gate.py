"""What is sent to the gate's socket, and what its answers may be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from proxy.admin.api import ApiError
from proxy.admin.views import gate
from proxy.admin.views.gate import GateSocket

Answer = Callable[[web.Request], web.StreamResponse]


@asynccontextmanager
async def answering(path: Path, answer: Answer) -> AsyncIterator[list[web.Request]]:
    """Something at a socket."""
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        yield seen
    finally:
        await runner.cleanup()


async def test_nothing_is_sent_but_who_asks_for_what_from_where(tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    headers = {"X-Startgate-Receipt": "r1"}
    async with answering(path, lambda _: web.json_response({"a": 1}, headers=headers)) as seen:
        told = await GateSocket(path).plan("a.b-c", "Basic eDp5", "192.0.2.7:1")
        await GateSocket(path).explanation("a b/é", "Basic eDp5", "")
    assert (told.status, told.content, told.receipt) == (200, {"a": 1}, "r1")
    plan, explanation = seen
    assert plan.method == "POST"
    assert plan.raw_path == "/_ml/data_frame/analytics/a.b-c/_start?startgate_plan=only"
    assert {name.lower(): value for name, value in plan.headers.items()} == {
        "host": "gate",
        "x-startgate-plan": "only",
        "x-startgate-peer": "192.0.2.7:1",
        "authorization": "Basic eDp5",
        "accept": "application/json",
        "x-opaque-id": "startgate-admin",
        "content-length": "0",
    }
    assert explanation.raw_path == "/_ml/data_frame/analytics/a%20b%2F%C3%A9/_start?startgate_explain=only"
    assert explanation.headers["x-startgate-explain"] == "only"


async def test_refusals_are_no_failures(tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    async with answering(path, lambda _: web.json_response({"error": {"reason": "no"}}, status=403)):
        told = await GateSocket(path).plan("a", "x", "")
    assert (told.status, told.reason, told.receipt) == (403, "no", "")


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"\xff", b""])
async def test_what_is_no_document_is_told(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "g.sock"
    async with answering(path, lambda _: web.Response(body=body)):
        with pytest.raises(ApiError, match="the gate's answer is no") as caught:
            await GateSocket(path).plan("a", "x", "")
    assert caught.value.status == 503


async def test_documents_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DOCUMENT_BYTES", 1000)
    path = tmp_path / "g.sock"
    async with answering(path, lambda _: web.Response(body=b'{"a": "%s"}' % (b"x" * 2000))):
        with pytest.raises(ApiError, match="startgate plan"):
            await GateSocket(path).plan("a", "x", "")


async def test_a_gate_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "TIMEOUT_S", 0.05)
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_unix_server(silent, tmp_path / "g.sock"):
        with pytest.raises(ApiError, match=r"did not answer within 0\.05 s"):
            await GateSocket(tmp_path / "g.sock").plan("a", "x", "")
        await asyncio.wait_for(left.wait(), 20)


async def test_where_no_gate_is(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="the gate does not answer") as caught:
        await GateSocket(tmp_path / "gone.sock").plan("a", "x", "")
    assert caught.value.status == 503
