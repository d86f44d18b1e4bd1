"""Requests through the proxy, and the lines that repeat them."""

import asyncio
import json
import shlex
from typing import Any

import pytest
from aiohttp import web

from proxy.demo.client import Client, Got
from proxy.demo.data import ANNA


@pytest.fixture
async def echo(aiohttp_server: Any) -> str:
    """The address of a server that tells what it got."""

    async def answer(request: web.Request) -> web.Response:
        told = {
            "method": request.method,
            "path": request.path_qs,
            "type": request.headers.get("content-type", ""),
            "authorization": request.headers["authorization"],
            "body": await request.text(),
        }
        return web.json_response(told, headers={"X-Startgate-Receipt": "r1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = await aiohttp_server(app)
    return str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize(
    ("body", "kind", "sent"),
    [(None, "", ""), ({"size": 5}, "application/json", '{"size": 5}'), (b"{}\n", "application/x-ndjson", "{}\n")],
)
async def test_a_request_as_somebody(echo: str, body: object, kind: str, sent: str) -> None:
    async with Client(echo) as client:
        got = await client.send(ANNA, "POST", "/a/_search?x=1", body)
    assert got.status == 200
    assert got.receipt == "r1"
    assert got.content["method"] == "POST"
    assert got.content["path"] == "/a/_search?x=1"
    assert got.content["authorization"].startswith("Basic ")
    assert (got.content["body"], got.content["type"] if sent else "") == (sent, kind)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/a/_settings", None), ("POST", "/a/_search", {"q": "it's"}), ("PUT", "/a", {})],
)
async def test_the_curl_line_says_the_same(echo: str, method: str, path: str, body: object) -> None:
    async with Client(echo) as client:
        sent = await client.send(ANNA, method, path, body)
        line = client.curl(ANNA, method, path, body)
    assert "\n" not in line
    process = await asyncio.create_subprocess_exec(*shlex.split(line), stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    told = json.loads(out)
    assert {key: told[key] for key in ("method", "path", "authorization", "body")} == {
        key: sent.content[key] for key in ("method", "path", "authorization", "body")
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"error": {"reason": "no"}, "status": 403}, "no"),
        ({"error": "no handler"}, "no handler"),
        ({"acknowledged": True}, ""),
        (["a list"], ""),
        ({"error": 3}, "3"),
    ],
)
def test_the_reason_of_an_error(content: object, reason: str) -> None:
    assert Got(400, content).reason == reason


async def test_a_closed_client_says_so() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await Client("http://127.0.0.1:9").send(ANNA, "GET", "/")
    await Client("http://127.0.0.1:9").__aexit__(None, None, None)
