"""Who is at the other end of a socket, as the system says."""

import asyncio
import os
import socket
from pathlib import Path

from proxy.control.peer import Peer, peer_of


async def test_a_peer_is_this_process_and_user(tmp_path: Path) -> None:
    found: asyncio.Future[Peer | None] = asyncio.get_running_loop().create_future()

    def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(peer_of(writer.transport))
        writer.close()

    server = await asyncio.start_unix_server(met, tmp_path / "a.sock")
    async with server:
        _, writer = await asyncio.open_unix_connection(tmp_path / "a.sock")
        assert await asyncio.wait_for(found, 20) == Peer(pid=os.getpid(), uid=os.geteuid())
        writer.close()
        await writer.wait_closed()
    assert str(Peer(pid=12, uid=1000)) == "user 1000, process 12"


class Transport(asyncio.BaseTransport):
    """A transport over a given socket, or over none."""

    def __init__(self, sock: socket.socket | None) -> None:
        super().__init__({"socket": sock})


def test_nobody_is_at_the_end_of_what_is_gone() -> None:
    assert peer_of(None) is None
    assert peer_of(Transport(None)) is None
    closed = socket.socket(socket.AF_UNIX)
    closed.close()
    assert peer_of(Transport(closed)) is None
