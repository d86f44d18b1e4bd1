"""A genuine node behind the layer: what goes to it and what comes back, on a real socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.failure import Failure
from proxy.embedded.remote import RemoteNode


class Socket:
    """Answers every request on a connection with the same bytes, and keeps what came."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-b: 2\r\nContent-Length: 2\r\n\r\nok"
        self.received = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.received = head + await reader.readexactly(length)
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def socket() -> AsyncIterator[Socket]:
    found = Socket()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    await server.wait_closed()


@pytest.fixture
async def node(socket: Socket) -> AsyncIterator[RemoteNode]:
    found = RemoteNode(f"http://127.0.0.1:{socket.port}/")
    yield found
    await found.close()


async def test_targets_stay_as_they_are(socket: Socket, node: RemoteNode) -> None:
    await node.call(Call(method="GET", target="/a%2Fb/_search?q=x%20y+z;p"))
    assert socket.received.startswith(b"GET /a%2Fb/_search?q=x%20y+z;p HTTP/1.1\r\n")


async def test_headers_go_in_order_without_credentials(socket: Socket, node: RemoteNode) -> None:
    headers = (
        ("X-Opaque-Id", "1"),
        ("Authorization", "Basic x"),
        ("es-security-runas-user", "y"),
        ("Connection", "close"),
        ("accept", "application/json"),
        ("x-opaque-id", "2"),
    )
    await node.call(Call(method="POST", target="/", headers=headers, body=b"{}"))
    lines = socket.received.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    own = [line for line in lines if not line.lower().startswith((b"host", b"content-length"))]
    assert own == [b"X-Opaque-Id: 1", b"accept: application/json", b"X-Opaque-Id: 2"]
    assert socket.received.endswith(b"{}")


async def test_answers_come_back_whole(socket: Socket, node: RemoteNode) -> None:
    for _ in range(2):
        answered = await node.call(Call(method="GET", target="/"))
    assert (answered.status, answered.headers, answered.body) == (200, (("X-A", "1"), ("x-b", "2")), b"ok")


async def test_compressed_answers_stay_compressed(socket: Socket, node: RemoteNode) -> None:
    socket.answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"
    answered = await node.call(Call(method="GET", target="/"))
    assert (answered.headers, answered.body) == ((("content-encoding", "gzip"),), b"\x1f\x8b\x08")


async def test_an_answer_to_head_keeps_its_length(socket: Socket, node: RemoteNode) -> None:
    socket.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
    answered = await node.call(Call(method="HEAD", target="/x"))
    assert answered.headers == (("Content-Length", "77"),)


async def test_a_node_that_is_not_there() -> None:
    node = RemoteNode("http://127.0.0.1:1")
    with pytest.raises(Failure, match=r"http://127\.0\.0\.1:1 cannot be reached"):
        await node.call(Call(method="GET", target="/"))
    await node.close()
    await node.close()
