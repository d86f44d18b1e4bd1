"""The admin port binds when it can, and keeps nobody waiting until then."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from proxy.admin import app, sites
from proxy.settings import AdminPort, AdminSettings, ListenTls
from proxy.tasks import spawn
from tests.admin.visiting import visiting

PATIENCE_S = 30.0


def settings_of(port: int, folder: Path) -> AdminSettings:
    """A port of this machine, before a cluster that is not there."""
    return AdminSettings(
        listen=AdminPort(host="127.0.0.1", port=port),
        processes=(),
        nodes=("http://127.0.0.1:9",),
        journal=str(folder / "journal"),
    )


async def test_a_port_that_is_taken_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sites, "PAUSE_S", 0.02)
    loop = asyncio.get_running_loop()
    stop, ready, bound = asyncio.Event(), asyncio.Event(), loop.create_future()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = settings_of(port, tmp_path)
        task = spawn(app.run(settings, tmp_path / "m.sock", stop, ready.set, bound.set_result), name="admin")
        await asyncio.wait_for(ready.wait(), PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            while "cannot be listened on" not in caplog.text:  # noqa: ASYNC110 -- of a log
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not bound.done()
    assert await asyncio.wait_for(bound, PATIENCE_S) == port
    assert caplog.text.count("cannot be listened on") == 1, "said once"
    stop.set()
    await task
    assert not (tmp_path / "m.sock").exists()


async def test_it_ends_while_it_waits_for_its_port(tmp_path: Path) -> None:
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_of(taken.getsockname()[1], tmp_path)
        task = spawn(app.run(settings, tmp_path / "m.sock", stop, stop.set), name="admin")
        await asyncio.wait_for(task, PATIENCE_S)


async def test_a_new_certificate_is_shown_without_a_new_start(tmp_path: Path) -> None:
    pair = tmp_path / "pair.pem"

    def issue() -> ssl.SSLContext:
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pair)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        return client

    first = issue()
    async with visiting(tmp_path, tls=(ListenTls(certificate=str(pair), key=str(pair)), first)) as visit:
        assert (await visit.ask("GET", "/health/live")).status == 200
        visit.tls = issue()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectorCertificateError):
                    assert (await visit.ask("GET", "/health/live")).status == 200
                    break
                await asyncio.sleep(0.05)
