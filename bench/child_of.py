"""Becomes one of Startgate's own child processes, as the supervisor would start it, without the supervisor.

The order is left in a pipe that takes the place of standard input, whose other end stays open, then the process
replaces itself: what is measured is the process that serves in production, under the pid that the benchmark knows.
Run: python -m bench.child_of edge PORT UPSTREAM_PORT FOLDER, or … edge-tls, with bench.crt and bench.key in FOLDER, or
… edge-counted, which counts what passes, or … gate UPSTREAM_PORT FOLDER SERVICE
"""

import os
import socket
import sys
from pathlib import Path

import msgspec

from proxy.orders import EdgeOrder, GateOrder, Listener
from proxy.process import command
from proxy.settings import EdgeSettings, GateSettings, ListenTls

RULES = Path(__file__).resolve().parent.parent / "rules"


def gate_socket(folder: Path) -> Path:
    """The Unix socket of the gate that runs in `folder`."""
    return folder / "gate.sock"


def edge(
    port: int, upstream_port: int, folder: Path, tls: ListenTls | None = None, metrics: str | None = None
) -> EdgeOrder:
    """The order of one edge worker on a loopback port, which others may share. With `metrics`, a socket's path, it
    counts what passes."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))  # it is the worker that listens, once it serves
    os.set_inheritable(listener.fileno(), True)
    settings = EdgeSettings(nodes=(f"http://127.0.0.1:{upstream_port}",), gate_socket=str(gate_socket(folder)))
    listeners = (Listener(fd=listener.detach(), tls=tls),)
    return EdgeOrder(name="edge", settings=settings, listeners=listeners, metrics=metrics)


def gate(upstream_port: int, folder: Path, service: str) -> GateOrder:
    """The order of a gate; `service` is the service credential as an `Authorization` value."""
    settings = GateSettings(
        socket=str(gate_socket(folder)),
        nodes=(f"http://127.0.0.1:{upstream_port}",),
        rules=str(RULES),
        journal=str(folder / "journal"),
        service=service,
    )
    return GateOrder(name="gate", settings=settings)


def become(kind: str, order: EdgeOrder | GateOrder) -> None:
    """Replace this process by the child process of that kind."""
    read_end, write_end = os.pipe()
    os.write(write_end, msgspec.json.encode(order) + b"\n")
    os.set_inheritable(write_end, True)  # its end would tell the child that its supervisor is gone
    os.dup2(read_end, 0)
    program, *arguments = command(kind)
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted


def main() -> None:
    """Become what the command line says."""
    kind, *rest = sys.argv[1:]
    if kind in ("edge", "edge-tls"):
        folder = Path(rest[2])
        files = ListenTls(certificate=str(folder / "bench.crt"), key=str(folder / "bench.key"))
        become("edge", edge(int(rest[0]), int(rest[1]), folder, files if kind == "edge-tls" else None))
    elif kind == "edge-counted":
        folder = Path(rest[2])
        become("edge", edge(int(rest[0]), int(rest[1]), folder, metrics=str(folder / "metrics.sock")))
    else:
        become(kind, gate(int(rest[0]), Path(rest[1]), rest[2]))


if __name__ == "__main__":
    main()
