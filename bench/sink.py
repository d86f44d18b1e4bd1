"""The node behind the proxies for big bodies: swallows uploads and produces downloads, never holding more than a chunk.

`POST /` reads the body and answers 200 with its length; `GET /<n>` answers n bytes, `GET /chunked/<n>` in chunks. A
target that holds `slow` makes it wait for two seconds before it reads the body: what a proxy buffers by then is what it
would lose memory to. Bodies in chunks must be zeros: their end is what no zero is.
Run: python -m bench.sink PORT
"""

import asyncio
import sys

import uvloop

_CHUNK = bytes(256 * 1024)
# The chunks of an answer that a node makes piece by piece: its buffers are pages of 16 KiB.
_CODED = b"4000\r\n" + bytes(0x4000) + b"\r\n"
_LAST = b"0\r\n\r\n"
PAUSE_S = 2.0


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    """Read a body of known length, and answer how much of it came."""
    left = length
    while left and (chunk := await reader.read(min(left, len(_CHUNK)))):
        left -= len(chunk)
    text = str(length - left)
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())


async def swallow_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a body in chunks, and say ok."""
    tail = b""
    while not tail.endswith(_LAST) and (chunk := await reader.read(len(_CHUNK))):
        tail = (tail + chunk)[-len(_LAST) :]
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok")


async def produce(writer: asyncio.StreamWriter, length: int) -> None:
    """Answer `length` bytes."""
    writer.write(
        f"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n".encode()
    )
    left = length
    while left:
        piece = min(left, len(_CHUNK))
        writer.write(_CHUNK[:piece])
        await writer.drain()
        left -= piece


async def produce_chunks(writer: asyncio.StreamWriter, length: int) -> None:
    """Answer `length` bytes (a multiple of 16 KiB) in chunks."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(length // 0x4000):
        writer.write(_CODED)
        await writer.drain()
    writer.write(_LAST)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request, and answer it."""
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().splitlines()
    method, target, _ = line.split(" ")
    lengths = [int(field.partition(":")[2]) for field in fields if field.startswith("content-length:")]
    if "slow" in target:
        await asyncio.sleep(PAUSE_S)
    if method == "post":
        await (swallow(reader, writer, lengths[0]) if lengths else swallow_chunks(reader, writer))
    elif target.startswith("/chunked/"):
        await produce_chunks(writer, int(target.removeprefix("/chunked/")))
    else:
        await produce(writer, int(target.strip("/slow")))
    await writer.drain()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await _answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone
    finally:
        writer.close()


async def serve(port: int) -> None:
    """Answer on `port` of the loopback interface until cancelled."""
    server = await asyncio.start_server(_connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
