"""Where the admin port listens: one Unix socket is one Startgate's, and a new version's is left where it is."""

import asyncio
import logging
from pathlib import Path

import pytest
from aiohttp import web

from proxy.admin import sites
from proxy.admin.sites import LocalSocket, bind
from proxy.settings import AdminPort

PATIENCE_S = 30.0


async def runner() -> web.AppRunner:
    """One that serves nothing."""
    made = web.AppRunner(web.Application())
    await made.setup()
    return made


async def test_the_address_is_told_as_one_would_write_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one, ports, tried = await runner(), list[int](), asyncio.Event()
    await bind(one, AdminPort(host="127.0.0.1", port=0), None, ports.append, tried)
    assert f"page, API, metrics and health at http://127.0.0.1:{ports[0]}" in caplog.text
    await one.cleanup()


async def test_a_socket_that_is_taken_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sites, "PAUSE_S", 0.02)
    path, old, new = tmp_path / "admin.sock", await runner(), await runner()
    first, second = LocalSocket(old, path), LocalSocket(new, path)
    await first.bind(asyncio.Event())
    tried = asyncio.Event()
    waiting = asyncio.ensure_future(second.bind(tried))
    await asyncio.wait_for(tried.wait(), PATIENCE_S)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert caplog.text.count("it is tried again") == 1, "said once"
    await old.cleanup()
    await asyncio.wait_for(waiting, PATIENCE_S)
    first.remove()
    assert path.is_socket(), "what is there now is the new version's"
    await new.cleanup()
    second.remove()
    assert not path.exists()


async def test_what_is_no_socket_is_left_where_it_is(tmp_path: Path) -> None:
    path, one, tried = tmp_path / "admin.sock", await runner(), asyncio.Event()
    path.write_text("mine")
    local = LocalSocket(one, path)
    task = asyncio.ensure_future(local.bind(tried))
    await asyncio.wait_for(tried.wait(), PATIENCE_S)
    task.cancel()
    await asyncio.wait([task])
    local.remove()
    assert path.read_text() == "mine"
    await one.cleanup()


async def test_the_folder_may_come_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, one, tried = tmp_path / "journal" / "admin.sock", await runner(), asyncio.Event()
    local = LocalSocket(one, path)
    task = asyncio.ensure_future(local.bind(tried))
    await asyncio.sleep(0.05)
    path.parent.mkdir()
    await asyncio.wait_for(task, PATIENCE_S)
    assert path.is_socket()
    assert caplog.text == ""
    await one.cleanup()
    local.remove()


async def test_one_that_never_comes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sites, "FOLDER_S", 0.0)
    one, tried = await runner(), asyncio.Event()
    task = asyncio.ensure_future(LocalSocket(one, tmp_path / "nowhere" / "admin.sock").bind(tried))
    await asyncio.wait_for(tried.wait(), PATIENCE_S)
    assert "commands cannot ask over" in caplog.text
    task.cancel()
    await asyncio.wait([task])
    await one.cleanup()
