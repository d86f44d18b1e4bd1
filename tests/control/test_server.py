"""The control API on a real socket."""

import asyncio
import logging
import os
import re
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.control import server
from proxy.control.peer import Peer
from proxy.control.rules import RuleCalls
from proxy.errors import CannotServe
from tests.control.gates import controlled
from tests.gate.test_generation import KEPT


async def call(path: Path, method: str, target: str, data: bytes | None = None) -> tuple[int, Any]:
    """Status and body of one call."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as session,
        session.request(method, f"http://gate{target}", data=data) as response,
    ):
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def test_it_tells_how_the_rules_stand(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        status, told = await call(path, "GET", "/v1/rules")
        assert status == 200
        assert told["revision"] == scene.rules.current.revision
        assert told["files"] == [str(tmp_path / "rules" / "start.yml")]
        assert told["last_attempt"]["trigger"] == "boot"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["loaded_at"])
        assert told["break_glass"] == []
        assert scene.journal.entries == [], "nothing was changed"


async def test_it_reloads_and_tells_what_came_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    me = f"user {os.geteuid()}, process {os.getpid()}"
    async with controlled(tmp_path) as (path, scene):
        scene.write(KEPT)
        status, told = await call(path, "POST", "/v1/rules/reload")
        assert (status, told["outcome"], told["by"]) == (200, "loaded", me)
        assert told["after"] == scene.rules.current.revision
        scene.write("version: 7")
        status, told = await call(path, "POST", "/v1/rules/reload")
        assert (status, told["outcome"]) == (422, "refused")
        assert set(told["faults"][0]) == {"where", "message", "line", "column"}
        assert scene.journal.told() == [("control", "loaded"), ("control", "refused")]
        assert [one["startgate"]["admin"]["by"] for one in scene.journal.entries] == [me, me]
    assert f"control: POST /v1/rules/reload by {me}: 200" in caplog.text
    assert f"control: POST /v1/rules/reload by {me}: 422" in caplog.text


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/rule", 404),
        ("POST", "/v1/rules", 405),
        ("GET", "/v1/rules/reload", 405),
        ("DELETE", "/v1/rules", 405),
    ],
)
async def test_other_calls_are_refused_in_json_and_change_nothing(
    tmp_path: Path, method: str, target: str, status: int
) -> None:
    async with controlled(tmp_path) as (path, scene):
        found, told = await call(path, method, target)
        assert found == status
        assert target in told["error"]
        assert scene.journal.entries == []


@pytest.mark.parametrize("peer", [Peer(pid=1, uid=os.geteuid() + 1), None])
async def test_other_users_are_refused_whatever_they_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, peer: Peer | None
) -> None:
    """The socket's mode keeps them out; this holds also where somebody has opened that."""
    monkeypatch.setattr(server, "peer_of", lambda _transport: peer)
    async with controlled(tmp_path) as (path, scene):
        for method, target in (("GET", "/v1/rules"), ("POST", "/v1/rules/reload"), ("GET", "/x")):
            status, told = await call(path, method, target)
            assert status == 403
            assert told == {"error": f"only user {os.geteuid()} is served, whom the gate runs as"}
        assert scene.journal.entries == []
    assert "403" in caplog.text


async def test_nobody_else_can_connect_and_nothing_is_left(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(CannotServe, match=r"control\.socket"):
            async with server.serving(path, RuleCalls(rules=scene.rules)):
                pass
        assert (await call(path, "GET", "/v1/rules"))[0] == 200, "the first one still serves"
    assert not path.exists()


async def test_without_a_path_nothing_is_served(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (_, scene), server.serving(None, RuleCalls(rules=scene.rules)):
        assert set(await asyncio.to_thread(os.listdir, tmp_path)) == {"control.sock", "rules"}
