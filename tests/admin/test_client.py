"""Asking an admin port, and what is said where nobody answers or somebody else does."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.admin.client import Where, ask, get, near
from proxy.admin.endpoints.session import Session
from proxy.admin.health import TRAFFIC, Health
from proxy.errors import CannotServe, ExitStatus
from proxy.settings import AdminPort, ListenTls
from tests.admin.serving import serving
from tests.admin.visiting import TOKENS, visiting


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_it_tells_how_everything_stands(tmp_path: Path, host: str) -> None:
    async with serving(tmp_path, ("http://127.0.0.1:9",)) as admin:
        health = await ask(AdminPort(host=host, port=admin.port), TRAFFIC)
    assert (health.ready, health.asked) == (False, "traffic")
    assert {one.name for one in health.checks} == {"workers", "gate", "rules", "journal", "cluster"}


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(CannotServe, match=f"nobody answers at 127.0.0.1:{port}") as caught:
        await ask(AdminPort(host="127.0.0.1", port=port))
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


async def test_somebody_else_there_is_told() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server:
        with pytest.raises(CannotServe, match="no admin port of this version: hello"):
            await ask(AdminPort(host="127.0.0.1", port=server.sockets[0].getsockname()[1]))


async def test_the_machine_itself_asks_over_the_socket(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        port = AdminPort(host="127.0.0.1", port=0, socket=str(visit.socket))
        assert near(port) == Where(socket=visit.socket)
        assert (await ask(port, TRAFFIC)).asked == "traffic"
        assert (await get(near(port), "/v1/session", Session)).role == "write"


async def test_a_socket_that_was_left_behind_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with visiting(tmp_path) as visit:
        assert (await ask(AdminPort(host="127.0.0.1", port=visit.port, socket=str(path)))).asked == "starts"
    with pytest.raises(CannotServe, match="nobody answers"):
        await ask(AdminPort(host="127.0.0.1", port=0, socket=str(path)))
    with pytest.raises(CannotServe, match="only in the log"):
        await ask(AdminPort(host="127.0.0.1", port=0, socket=str(tmp_path / "none.sock")))


async def test_elsewhere_a_token_is_shown(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        there = Where(url=visit.url, token=TOKENS["scraper"])
        assert (await get(there, "/v1/health", Health, {"wanted": "traffic"})).asked == "traffic"
        assert TOKENS["scraper"] not in repr(there) + str(there)
        with pytest.raises(CannotServe, match=r"refuses /v1/health: sign in first"):
            await get(Where(url=visit.url), "/v1/health", Health)


async def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued, pair, ca = authority.issue_cert("127.0.0.1"), tmp_path / "pair.pem", tmp_path / "ca.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(pair)
    authority.cert_pem.write_to_path(ca)
    client = ssl.create_default_context(cafile=str(ca))
    async with visiting(tmp_path, tls=(ListenTls(certificate=str(pair), key=str(pair)), client)) as visit:
        with pytest.raises(CannotServe, match="is not trusted"):
            await get(Where(url=visit.url), "/v1/session", Session)
        assert (await get(Where(url=visit.url, ca=str(ca)), "/v1/session", Session)).role == "anybody"
    with pytest.raises(CannotServe, match="holds no CA certificate"):
        await get(Where(url="https://127.0.0.1:9", ca=str(tmp_path / "nothing")), "/v1/session", Session)
