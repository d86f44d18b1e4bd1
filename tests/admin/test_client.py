"""Asking an admin port, and what is said where nobody answers or somebody else does."""

import asyncio
import socket
from pathlib import Path

import pytest

from proxy.admin.client import ask
from proxy.admin.health import TRAFFIC
from proxy.errors import CannotServe, ExitStatus
from proxy.settings import Listen
from tests.admin.serving import serving


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_it_tells_how_everything_stands(tmp_path: Path, host: str) -> None:
    async with serving(tmp_path, ("http://127.0.0.1:9",)) as admin:
        health = await ask(Listen(host=host, port=admin.port), TRAFFIC)
    assert (health.ready, health.asked) == (False, "traffic")
    assert {one.name for one in health.checks} == {"workers", "gate", "rules", "journal", "cluster"}


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(CannotServe, match=f"nobody answers at 127.0.0.1:{port}") as caught:
        await ask(Listen(host="127.0.0.1", port=port))
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


async def test_somebody_else_there_is_told() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server:
        with pytest.raises(CannotServe, match="no admin port of this version: hello"):
            await ask(Listen(host="127.0.0.1", port=server.sockets[0].getsockname()[1]))
