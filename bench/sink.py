"""The node behind the proxies for big bodies: swallows uploads and produces downloads, never holding more than a chunk.

`POST /` reads the body and answers 200 with its length; `GET /<n>` answers n bytes. A target that holds `slow` makes
it wait for two seconds before it reads the body: what a proxy buffers by then is what it would lose memory to.
Run: python -m bench.sink PORT
"""

import asyncio
import sys

import uvloop

_CHUNK = bytes(256 * 1024)
PAUSE_S = 2.0


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    left = length
    while left and (chunk := await reader.read(min(left, len(_CHUNK)))):
        left -= len(chunk)
    text = str(length - left)
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())


async def _produce(writer: asyncio.StreamWriter, length: int) -> None:
    writer.write(
        f"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n".encode()
    )
    left = length
    while left:
        piece = min(left, len(_CHUNK))
        writer.write(_CHUNK[:piece])
        await writer.drain()
        left -= piece


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().splitlines()
            method, target, _ = line.split(" ")
            lengths = [int(field.partition(":")[2]) for field in fields if field.startswith("content-length:")]
            if "slow" in target:
                await asyncio.sleep(PAUSE_S)
            if method == "post":
                await _swallow(reader, writer, lengths[0])
            else:
                await _produce(writer, int(target.strip("/slow")))
            await writer.drain()
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
