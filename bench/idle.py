"""What an idle keep-alive connection costs a worker in memory, side by side with other proxies.

So many clients connect one after the other; each sends a few searches whose heads have identifiers of their own, as
Kibana's have, and keeps its connection. Told is the growth of resident memory by connection, once all of them are idle.
What the kernel holds for sockets is in nobody's figure.

Run: python -m bench.idle [--connections 10000] [--tls-connections 2000] [--peers nginx startgate]
"""

import argparse
import resource
import socket
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

from bench import bars, measure, report
from bench.certificate import self_signed, trusting_anybody
from bench.children import child, free_port, python
from bench.load import requests_of, whole
from bench.peers import PEERS, TLS, Peer
from bench.targets import present, running

_REQUESTS = 3
_WARM = 64
_PATIENCE_S = 30.0
# KiB by connection, of those without TLS.
BAR = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One proxy with all its connections: MiB resident before and after, and KiB by connection."""

    proxy: str
    connections: int
    before_mib: float
    after_mib: float

    @property
    def kib(self) -> float:
        """By connection."""
        return (self.after_mib - self.before_mib) * 1024 / self.connections


def ask(client: socket.socket, request: bytes) -> None:
    """Send one request and read its answer.

    Raises:
        ConnectionError: it is not a 200, or is cut short.
    """
    client.sendall(request)
    got = b""
    while not whole(got):
        if not (piece := client.recv(65536)):
            raise ConnectionError(f"closed in the middle: {got[:200]!r}")
        got += piece
    if not got.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"not the answer wanted: {got[:200]!r}")


def clients(port: int, count: int, requests: Iterator[bytes], tls: ssl.SSLContext | None) -> list[socket.socket]:
    """So many connections, each of which has been used and is idle now."""
    made = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        if tls is not None:
            client = tls.wrap_socket(client)
        for request in islice(requests, _REQUESTS):
            ask(client, request)
        made.append(client)
    return made


def hold(pid: int, name: str, port: int, count: int, tls: ssl.SSLContext | None = None) -> Held:
    """Measure one proxy; what its first connections bring with them is not counted."""
    requests = cycle(requests_of("own"))
    for client in clients(port, _WARM, requests, tls):
        client.close()
    before = measure.resident_bytes(pid)
    with ExitStack() as stack:
        for client in clients(port, count, requests, tls):
            stack.enter_context(client)
        after = measure.resident_bytes(pid)
    return Held(proxy=name, connections=count, before_mib=before / 2**20, after_mib=after / 2**20)


def measure_all(plain: Sequence[tuple[Peer, str]], secure: Sequence[Peer], counts: tuple[int, int]) -> list[Held]:
    """Every peer by itself, one after the other; `counts` are connections without and with TLS."""
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-idle-")))
        port = free_port()
        stack.enter_context(child(python("bench.origin", str(port)), log=folder / "origin.log", listens=port))
        for peer, program in plain:
            with running(peer, program, port, folder) as target:
                found.append(hold(target.pid or 0, target.name, target.port, counts[0]))
        for peer in secure if counts[1] else ():
            place = folder / peer.name
            place.mkdir()
            self_signed(place)
            with running(peer, peer.find() or "", port, folder) as target:
                found.append(hold(target.pid or 0, target.name, target.port, counts[1], trusting_anybody()))
    return found


def _row(held: Held) -> list[str]:
    barred = held.proxy == "startgate"
    return [
        held.proxy,
        str(held.connections),
        f"{held.before_mib:.1f}",
        f"{held.after_mib:.1f}",
        f"{held.kib:.1f}",
        bars.beside(held.kib, BAR, digits=1) if barred else "",
    ]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--tls-connections", type=int, default=2_000)
    names = [peer.name for peer in PEERS]
    # HAProxy wants two descriptors for each connection, which not every machine gives.
    wanted = [name for name in names if name not in ("haproxy", "aiohttp")]
    parser.add_argument("--peers", nargs="+", choices=names, default=wanted)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # children inherit it
    secure = [peer for peer in TLS if peer.name.removesuffix("-tls") in options.peers and peer.find()]
    found = measure_all(list(present(options.peers)), secure, (options.connections, options.tls_connections))
    report.publish(
        "idle",
        where=report.machine(),
        heads=("one worker", "idle connections", "MiB before", "MiB with them", "KiB each", "bar"),
        rows=[_row(each) for each in found],
        figures={each.proxy: asdict(each) | {"kib": each.kib} for each in found},
    )


if __name__ == "__main__":
    main()
