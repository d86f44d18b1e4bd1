"""The worker's process: serves on sockets that it inherits, and says what is wrong with its files."""

import asyncio
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import trustme

from proxy.orders import EdgeOrder, Listener
from proxy.settings import EdgeSettings, ListenTls
from tests.children import complained, running, said

ARGUMENTS = ["-m", "proxy.edge_process"]


def order(node: str, listener: Listener, folder: Path, name: str = "edge-1") -> bytes:
    """An order for one worker in front of one node."""
    settings = EdgeSettings(nodes=(node,), gate_socket=str(folder / "gate.sock"))
    return msgspec.json.encode(EdgeOrder(name=name, settings=settings, listeners=(listener,)))


async def test_it_passes_requests_on_and_stops(tmp_path: Path) -> None:
    async def node(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(node, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = order(f"http://127.0.0.1:{port}", Listener(fd=listener.fileno()), tmp_path)
        async with running(ARGUMENTS, told, [listener.fileno()]) as process:
            assert await said(process) == "ready"
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"\r\n\r\nok")
            writer.close()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
    server.close()
    await server.wait_closed()


async def test_a_broken_certificate_ends_it(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    (tmp_path / "key.pem").write_text("none")
    tls = ListenTls(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = order("http://127.0.0.1:9", Listener(fd=listener.fileno(), tls=tls), tmp_path)
        async with running(ARGUMENTS, told, [listener.fileno()]) as process:
            status, complaint = await complained(process)
    assert status == 2
    assert "CRITICAL edge-1:" in complaint
    assert "cert.pem" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize("name", ["edge-1", "edge-2"])
async def test_the_first_worker_tells_of_certificates_that_end_soon(tmp_path: Path, name: str) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    leaf = trustme.CA().issue_cert("localhost", not_after=soon)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    tls = ListenTls(certificate=str(tmp_path / "both.pem"), key=str(tmp_path / "both.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = order("http://127.0.0.1:9", Listener(fd=listener.fileno(), tls=tls), tmp_path, name)
        async with running(ARGUMENTS, told, [listener.fileno()]) as process:
            assert await said(process) == "ready"
            if name == "edge-1":
                assert process.stderr is not None
                line = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
                assert f"WARNING edge-1: {tmp_path}/both.pem: the certificate ends in 3 days, at " in line
            process.send_signal(signal.SIGTERM)
            _, rest = await complained(process)
    assert "ends in" not in rest, "one of them is enough, and once"


async def test_it_loads_nothing_of_the_gate() -> None:
    """Its memory is the edge's alone, and a fault in what the gate needs does not reach it."""
    text = "import sys, proxy.edge_process; print(*[n for n in sys.modules if n.startswith(sys.argv[1:][0])])"
    for name in ("proxy.gate", "proxy.rules", "aiohttp", "elasticsearch", "elastic_transport"):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", text, name, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0
        assert out.strip() == b"", name
