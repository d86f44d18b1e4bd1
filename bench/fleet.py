"""A node with a fleet of indices: answers for them by itself, and passes all else on to another node.

`GET fleet-10000-*/_mapping` has ten thousand indices of a thousand fields, sent chunk by chunk as a node does; nine of
ten have the same mapping, the others one of nine that have a field more. Settings likewise. Of `motley-200-*`, no two
indices have a field in common but for the two that are analysed. An answer is made once, put into FOLDER, and sent
from there by another process: this node must not be what others wait for. For the same reason destinations of jobs over
fleets are made in word only, and so are all starts: no job ever runs.
Run: python -m bench.fleet PORT UPSTREAM_PORT FOLDER
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

FIELDS = 1000
KINDS = 10
_TYPES = ({"type": "keyword", "ignore_above": 256}, {"type": "long"}, {"type": "date"}, {"type": "double"})
# What the jobs of the benchmark analyse; the index behind the upstream node has these, too.
ANALYSED = {"AvgTicketPrice": {"type": "float"}, "DistanceMiles": {"type": "float"}}
_CHUNK_BYTES = 128 * 1024
_CALL = re.compile(rb"GET /(fleet|motley)-(\d+)-\*/_(mapping|settings)\b")
_IN_WORD = re.compile(rb"PUT /out-(?:fleet|motley)-|POST /_ml/data_frame/analytics/[^/]+/_start\b")
_DONE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 47\r\n\r\n"
    b'{"acknowledged":true,"node":"","index":"fleet"}'
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


class Sort(StrEnum):
    """What the mappings of a fleet are like; the value is what the names of its indices begin with."""

    ALIKE = "fleet"
    MOTLEY = "motley"


def _printed(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _mapping(kind: int) -> bytes:
    names = (f"labels.customer_{number:04}" for number in range(FIELDS - len(ANALYSED) - bool(kind)))
    fields = ANALYSED | {name: _TYPES[number % len(_TYPES)] for number, name in enumerate(names)}
    return _printed({"mappings": {"properties": fields | ({f"own_{kind}": {"type": "ip"}} if kind else {})}})


def _own_mapping(number: int) -> bytes:
    names = (f"own_{number}_{field}" for field in range(FIELDS - len(ANALYSED)))
    own = {name: {"type": "keyword", "ignore_above": number * FIELDS + at} for at, name in enumerate(names)}
    return _printed({"mappings": {"properties": ANALYSED | own}})


def _settings(kind: int) -> bytes:
    limit = {"index.mapping.total_fields.limit": str(2 * FIELDS)}
    return _printed({"settings": {"index.number_of_shards": str(1 + kind), "index.number_of_replicas": "1"} | limit})


_VALUES = {
    b"mapping": tuple(_mapping(kind) for kind in range(KINDS)),
    b"settings": tuple(_settings(kind) for kind in range(KINDS)),
}


def answer(what: bytes, indices: int, sort: Sort = Sort.ALIKE) -> Iterator[bytes]:
    """The body about so many indices, in pieces; `what` is `mapping` or `settings`."""
    pieces: list[bytes] = []
    size = 0
    for number in range(indices):
        own = what == b"mapping" and sort is Sort.MOTLEY
        value = _own_mapping(number) if own else _VALUES[what][number // 10 % KINDS if number % 10 == 0 else 0]
        pieces += (b"{" if not number else b",", b'"%s-%d-%06d":' % (sort.encode(), indices, number), value)
        size += len(value)
        if size > _CHUNK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    yield b"".join(pieces) + b"}"


def answer_bytes(indices: int, sort: Sort = Sort.ALIKE) -> int:
    """How long the answer with the mappings is."""
    return sum(map(len, answer(b"mapping", indices, sort)))


def _on_disk(what: bytes, indices: int, sort: Sort, folder: Path) -> Path:
    """The file with the answer, head and chunks and all; made where it is missing."""
    path = folder / f"{sort}-{what.decode()}-{indices}"
    if not path.exists():
        with path.open("wb") as file:
            file.write(_HEAD)
            for piece in answer(what, indices, sort):
                file.writelines((b"%x\r\n" % len(piece), piece, b"\r\n"))
            file.write(b"0\r\n\r\n")
    return path


async def _send(writer: asyncio.StreamWriter, path: Path) -> None:
    """Have another process send the file: a thread of this one would take the interpreter from those who pass through.

    The socket blocks meanwhile, for that process; what is read from it is only read when it is there.
    """
    descriptor = writer.get_extra_info("socket").fileno()
    os.set_blocking(descriptor, True)
    try:
        sender = await asyncio.create_subprocess_exec("cat", path, stdout=descriptor, stderr=asyncio.subprocess.DEVNULL)
        await sender.wait()
    finally:
        os.set_blocking(descriptor, False)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream_port: int, folder: Path) -> None:
    """One connection, with one of its own to the upstream node."""
    from_node, to_node = await asyncio.open_connection("127.0.0.1", upstream_port)
    try:
        while True:
            request = await _message(reader)
            if called := _CALL.match(request):
                sort = Sort(called[1].decode())
                file = await asyncio.to_thread(_on_disk, called[3], int(called[2]), sort, folder)
                await _send(writer, file)
            elif _IN_WORD.match(request):
                writer.write(_DONE)
            else:
                to_node.write(request)
                writer.write(await _message(from_node))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        to_node.close()


async def _main(port: int, upstream_port: int, folder: Path) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, upstream_port, folder), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
