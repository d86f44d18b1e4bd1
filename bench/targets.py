"""Starts the peers that a benchmark asks for, and says of the missing ones how to get them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.children import child, free_port, pinned
from bench.peers import PEERS, Peer, Place

# Load and node share one CPU, the proxies have the other (with two or more).
LOAD_CPU, PROXY_CPU = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something to send load to: a proxy that runs as `pid`, or the node itself (pid None)."""

    name: str
    version: str
    port: int
    pid: int | None


def present(names: Sequence[str], peers: Sequence[Peer] = PEERS) -> Iterator[tuple[Peer, str]]:
    """The named ones of `peers` that are installed, with their programs; says of each missing one how to get it."""
    for peer in peers:
        if peer.name not in names:
            continue
        if program := peer.find():
            yield peer, program
        else:
            print(f"missing: {peer.name} ({peer.install})", file=sys.stderr)


@contextmanager
def running(peer: Peer, program: str, upstream_port: int, folder: Path) -> Iterator[Target]:
    """A started peer that forwards to `upstream_port`."""
    place = Place(folder=folder / peer.name, port=free_port(), upstream_port=upstream_port)
    place.folder.mkdir(exist_ok=True)
    command = pinned(peer.command(program, place), PROXY_CPU)
    with child(command, log=place.folder / "log", listens=place.port) as pid:
        yield Target(name=peer.name, version=peer.version(program), port=place.port, pid=pid)
