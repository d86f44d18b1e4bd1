"""How a worker's memory grows: while 1 GiB goes up and down, also past a side that stalls, and with 1,000 clients.

Growth is the highest resident memory during the case less what was resident before it, in MiB.
Run: python -m bench.memory [--mebibytes 1024] [--clients 1000] [--peers startgate nginx]
"""

import argparse
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench import measure, report
from bench.children import child, free_port, python
from bench.peers import PEERS
from bench.sink import PAUSE_S
from bench.targets import Target, present, running

_MIB = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One case of one proxy: what was resident before it (MiB), the growth to its peak (MiB), its wall time."""

    proxy: str
    case: str
    before_mib: float
    growth_mib: float
    seconds: float


def connect(port: int) -> socket.socket:
    """A client connection with a bound on every wait."""
    return socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)


def read_answer(client: socket.socket, *, pause_s: float = 0.0) -> int:
    """Read one whole answer with a Content-Length, after a pause behind its head; returns the body's length.

    Raises:
        ConnectionError: it is not a 200, or it ends too early.
    """
    got = b""
    while b"\r\n\r\n" not in got:
        if not (piece := client.recv(_CHUNK_BYTES)):
            raise ConnectionError(f"closed within the head: {got!r}")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"not the answer wanted: {head!r} {body[:500]!r}")
    time.sleep(pause_s)
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    left = length - len(body)
    while left:
        if not (piece := client.recv(min(left, _CHUNK_BYTES))):
            raise ConnectionError(f"closed with {left} of {length} bytes missing")
        left -= len(piece)
    return length


def upload(port: int, length: int, *, target: str) -> None:
    """Send a body of `length` bytes (a multiple of 256 KiB)."""
    chunk = bytes(_CHUNK_BYTES)
    with connect(port) as client:
        client.sendall(
            f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        for _ in range(length // _CHUNK_BYTES):
            client.sendall(chunk)
        read_answer(client)


def download(port: int, length: int, *, pause_s: float) -> None:
    """Read a body of `length` bytes, the client stalling for `pause_s` after the head."""
    with connect(port) as client:
        client.sendall(f"GET /{length} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        if read_answer(client, pause_s=pause_s) != length:
            raise ConnectionError("another length than was asked for")


def many(port: int, clients: int) -> None:
    """`clients` connections at once; each sends two requests, all of them open from first to last."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(port)) for _ in range(clients)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(b"GET /1024 HTTP/1.1\r\nHost: x\r\n\r\n")
            for connection in connections:
                read_answer(connection)


def watch(target: Target, case: str, work: Callable[[], None]) -> Growth:
    """Run one case and see how far memory grew."""
    if target.pid is None:
        raise ValueError(f"{target.name} is not a process of ours")
    measure.forget_peak(target.pid)
    before = measure.resident_bytes(target.pid)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    growth = measure.peak_bytes(target.pid) - before
    return Growth(proxy=target.name, case=case, before_mib=before / _MIB, growth_mib=growth / _MIB, seconds=seconds)


def cases(target: Target, length: int, clients: int) -> list[Growth]:
    """Every case of one proxy, after one small request of each kind."""
    port = target.port
    upload(port, _CHUNK_BYTES, target="/")
    download(port, _CHUNK_BYTES, pause_s=0.0)
    size = f"{length // _MIB} MiB"
    work = {
        f"upload {size}": partial(upload, port, length, target="/"),
        f"upload {size}, node stalls": partial(upload, port, length, target="/slow"),
        f"download {size}": partial(download, port, length, pause_s=0.0),
        f"download {size}, client stalls": partial(download, port, length, pause_s=PAUSE_S),
        f"{clients} clients": partial(many, port, clients),
    }
    return [watch(target, case, each) for case, each in work.items()]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--peers", nargs="+", choices=[peer.name for peer in PEERS], default=["startgate"])
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # children inherit it: two sockets a client
    grown: list[Growth] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-memory-")))
        port = free_port()
        stack.enter_context(child(python("bench.sink", str(port)), log=folder / "sink.log", listens=port))
        for peer, program in present(options.peers):
            with running(peer, program, port, folder) as target:
                grown += cases(target, options.mebibytes * _MIB, options.clients)
    report.publish(
        "memory",
        where=report.machine(),
        heads=("one worker", "case", "before MiB", "growth MiB", "seconds"),
        rows=[
            [each.proxy, each.case, f"{each.before_mib:.1f}", f"{each.growth_mib:.1f}", f"{each.seconds:.2f}"]
            for each in grown
        ],
        figures={"cases": [asdict(each) for each in grown]},
    )


if __name__ == "__main__":
    main()
