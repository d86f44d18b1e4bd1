"""Sends searches at a steady pace over one keep-alive connection, whatever goes on beside them.

Prints one line of JSON (`load.LoadResult`). A process of its own, so that nobody else's work holds up its clock.
Run: python -m bench.steady PORT --requests 1500 --per-second 100
"""

import argparse
import asyncio
import json
import re
import time
from dataclasses import asdict

import uvloop

from bench.load import REQUEST, LoadResult

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def steady(port: int, requests: int, per_second: float) -> LoadResult:
    """Latencies are from the sending of a request to the end of its answer.

    Raises:
        ConnectionError: an answer is not a 200 of known length.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    took = []
    try:
        for number in range(requests):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            sent = time.perf_counter()
            writer.write(REQUEST)
            await _answer(reader)
            took.append((time.perf_counter() - sent) * 1e6)
    finally:
        writer.close()
    took.sort()
    p50, p99 = (took[min(requests - 1, requests * part // 100)] for part in (50, 99))
    return LoadResult(requests=requests, seconds=time.perf_counter() - began, p50_us=p50, p99_us=p99)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None or not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"not the answer wanted: {head[:200]!r}")
    await reader.readexactly(int(length[1]))


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.steady")
    parser.add_argument("port", type=int)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--per-second", type=float, default=100)
    options = parser.parse_args()
    print(json.dumps(asdict(uvloop.run(steady(options.port, options.requests, options.per_second)))))


if __name__ == "__main__":
    main()
