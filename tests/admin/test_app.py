"""The admin port binds when it can, and keeps nobody waiting until then."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import trustme

from proxy.admin import app, sites
from proxy.settings import AdminPort, AdminSettings, ListenTls
from proxy.tasks import spawn
from tests.admin.visiting import visiting
from tests.journal.making import encode, record

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


async def test_certificates_change_under_load_and_nobody_is_refused(tmp_path: Path) -> None:
    """Viewers trust all three authorities: whichever certificate a connection meets, and whatever lies on the disk at
    that moment, it is served."""
    pair, client = tmp_path / "pair.pem", ssl.create_default_context()

    def issue() -> bytes:
        authority = trustme.CA()
        authority.configure_trust(client)
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(pair)
        return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    shown: list[bytes] = []
    done = asyncio.Event()

    async def look(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="127.0.0.1")
        shown.append(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()

    async def load(port: int) -> None:
        while not done.is_set():
            await look(port)

    first = issue()
    async with visiting(tmp_path, tls=(ListenTls(certificate=str(pair), key=str(pair)), client)) as visit:
        await look(visit.port)
        running = [asyncio.ensure_future(load(visit.port)) for _ in range(4)]
        for _ in range(2):
            newest = issue()
            # What is half written, or none, keeps the one that is there.
            whole = pair.read_bytes()
            for broken in (whole[:100], b"", whole):
                pair.write_bytes(broken)
                await asyncio.sleep(0.05)
            async with asyncio.timeout(PATIENCE_S):
                while shown[-1:] != [newest]:  # noqa: ASYNC110 -- of a file that is looked at now and then
                    await asyncio.sleep(0.02)
        done.set()
        await asyncio.gather(*running)
    assert first in shown


async def test_a_feed_goes_on_where_a_new_version_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer who is known by something that outlives a process sees one break: what they were told last is of another
    process, so that they begin anew."""
    monkeypatch.setattr(sites, "PAUSE_S", 0.02)
    (tmp_path / "journal").mkdir()
    file = tmp_path / "journal" / "starts-000001.jsonl"
    file.write_bytes(encode(record("a" * 32)))
    path = str(tmp_path / "admin.sock")
    settings = replace(settings_of(0, tmp_path), listen=AdminPort(host="127.0.0.1", port=0, socket=path))
    stops, running = [asyncio.Event(), asyncio.Event()], []

    async def version(number: int) -> None:
        ready = asyncio.Event()
        work = app.run(settings, tmp_path / f"{number}.sock", stops[number], ready.set)
        running.append(spawn(work, name=f"admin {number}"))
        await asyncio.wait_for(ready.wait(), PATIENCE_S)

    async def followed(last: str, meanwhile: Callable[[], Awaitable[None]]) -> tuple[bytes, str]:
        """The first event, and its id."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session,
            session.get("http://local/v1/starts/feed", headers={"Last-Event-ID": last} if last else {}) as feed,
        ):
            await feed.content.readuntil(b"\n\n")
            await meanwhile()
            text = await asyncio.wait_for(feed.content.readuntil(b"\n\n"), PATIENCE_S)
            found = dict(line.split(b": ", 1) for line in text.strip().split(b"\n"))
            if not last:
                await version(1)
                stops[0].set()
                assert await asyncio.wait_for(feed.content.read(), PATIENCE_S) == b"", "nobody is left hanging"
            return found[b"event"], found[b"id"].decode()

    async def comes() -> None:
        with file.open("ab") as written:
            written.write(encode(record("b" * 32)))

    async def nothing() -> None:
        """It is told at once."""

    await version(0)
    async with asyncio.timeout(PATIENCE_S):
        event, last = await followed("", comes)
        assert event == b"start"
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                assert (await followed(last, nothing))[0] == b"reset"
                break
            await asyncio.sleep(0.02)
    stops[1].set()
    await asyncio.gather(*running)
