"""The node of the soak: bodies of any length by itself, as `bench.sink` has them, and all else from another node.

`POST /sink/` swallows a body, `GET /sink/<n>` and `GET /sink/chunked/<n>` answer n bytes.
Run: python -m bench.soak_node PORT UPSTREAM_PORT
"""

import asyncio
import re
import sys

import uvloop

from bench import sink

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_OWN = re.compile(rb"(GET|POST) /sink/(chunked/)?(\d*) ")


async def _relay(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream_port: int) -> None:
    """Have another node answer, over a connection for this one request."""
    from_node, to_node = await asyncio.open_connection("127.0.0.1", upstream_port)
    try:
        length = _LENGTH.search(head)
        to_node.write(head + await reader.readexactly(int(length[1]) if length else 0))
        answer = await from_node.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(answer)
        writer.write(answer + await from_node.readexactly(int(length[1]) if length else 0))
    finally:
        to_node.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream_port: int) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    own = _OWN.match(head)
    if own is None:
        await _relay(head, reader, writer, upstream_port)
    elif own[1] == b"POST" and _CHUNKED.search(head):
        await sink.swallow_chunks(reader, writer)
    elif own[1] == b"POST":
        length = _LENGTH.search(head)
        await sink.swallow(reader, writer, int(length[1]) if length else 0)
    elif own[2]:
        await sink.produce_chunks(writer, int(own[3]))
    else:
        await sink.produce(writer, int(own[3]))
    await writer.drain()


async def serve(port: int, upstream_port: int) -> None:
    """Answer on `port` of the loopback interface until cancelled."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _answer(reader, writer, upstream_port)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
