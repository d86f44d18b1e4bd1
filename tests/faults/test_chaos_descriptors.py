"""What the chaos run knows of descriptors: each kind of socket told apart, and each way of losing one found."""

import os
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.chaos import check
from bench.chaos.descriptors import OVER, OVER_S, STILL_S, Watched, kind, links
from bench.chaos.rest import Rest, more, table
from bench.chaos.sockets import Sock, sockets

FRESH = {"gate": Counter({"file": 4, "pipe": 6}), "edge-1": Counter({"file": 2}), "edge-2": Counter({"file": 3})}
SOCK = "socket:[7]"


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    try:
        sockets()
    except OSError as failure:
        pytest.skip(f"this kernel does not tell of its sockets: {failure}")
    with ExitStack() as stack:
        yield stack


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def test_both_ends_of_a_tcp_connection_are_told(kept: ExitStack) -> None:
    listener = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = listener.getsockname()[1]
    client = kept.enter_context(socket.create_connection(("127.0.0.1", port)))
    server = kept.enter_context(listener.accept()[0])
    found = sockets()
    own = client.getsockname()[1]
    assert found[inode(listener)].listening
    assert (found[inode(client)].near, found[inode(client)].far) == (own, port)
    assert (found[inode(server)].near, found[inode(server)].far) == (port, own)


def test_a_connection_is_still_since_bytes_last_went_over_it(kept: ExitStack) -> None:
    """Compared with each other, not with a clock: the older one has been still for longer, until bytes go over it."""
    listener = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
    address = listener.getsockname()
    older, younger = (kept.enter_context(socket.create_connection(address)) for _ in range(2))
    ends = [kept.enter_context(listener.accept()[0]) for _ in range(2)]

    def exchange(sock: socket.socket) -> None:
        for end in ends:
            if end.getpeername() == sock.getsockname():
                sock.sendall(b"a")
                end.sendall(end.recv(1))
        sock.recv(1)

    def becomes_stiller(one: socket.socket, other: socket.socket) -> bool:
        """While bytes go over the other alone. Some tries, as a busy machine may look at one long after the other."""
        for _ in range(1000):
            exchange(other)
            time.sleep(0.001)
            found = sockets()
            if found[inode(one)].still_s > found[inode(other)].still_s + 0.01:
                return True
        return False

    assert becomes_stiller(older, younger)
    assert becomes_stiller(younger, older)


def test_both_ends_of_a_unix_connection_are_told(kept: ExitStack) -> None:
    # Not in pytest's folder: the path of a Unix socket has 107 bytes at most.
    path = str(Path(kept.enter_context(tempfile.TemporaryDirectory())) / "gate.sock")
    listener = kept.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()
    client = kept.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(path)
    server = kept.enter_context(listener.accept()[0])
    one, other = socket.socketpair()
    kept.enter_context(one)
    kept.enter_context(other)
    found = sockets()
    told = [kind(f"socket:[{inode(sock)}]", found, {}) for sock in (listener, client, server, one)]
    assert told == ["listening", "to gate.sock", "at gate.sock", "other Unix"]


def test_own_descriptors_are_told_by_kind(kept: ExitStack, tmp_path: Path) -> None:
    read, write = os.pipe()
    kept.callback(os.close, read)
    kept.callback(os.close, write)
    opened = kept.enter_context((tmp_path / "file").open("w"))
    found = links(os.getpid())
    kinds = {int(number): kind(link, {}, {}) for number, link in found.items()}
    assert kinds[read] == kinds[write] == "pipe"
    assert kinds[opened.fileno()] == "file"
    assert kind("anon_inode:[eventpoll]", {}, {}) == "anonymous"


def test_a_process_that_has_ended_has_none() -> None:
    assert links(2**22 + 1) == {}


@pytest.mark.parametrize(
    ("sock", "told"),
    [
        (Sock(False, 40_000, 9200), "to node-1"),
        (Sock(False, 80, 40_000), "at listen"),
        (Sock(True, 80, 0), "listening"),
        (Sock(False, 40_000, 50_000), "other TCP"),
        (Sock(False, "", "/run/x/gate.sock"), "to gate.sock"),
        (None, OVER),
    ],
)
def test_a_socket_has_the_name_of_its_end(sock: Sock | None, told: str) -> None:
    assert kind(SOCK, {} if sock is None else {7: sock}, {9200: "node-1", 80: "listen"}) == told


def noted(*looks: tuple[float, Sock | None]) -> check.Invariant:
    watched = Watched({9200: "node-1"})
    for at, sock in looks:
        watched.note("edge-1", 1, at, {"5": SOCK}, {} if sock is None else {7: sock})
    return check.dropped(watched)


def test_a_connection_that_nobody_uses_any_more_is_found() -> None:
    assert not noted((0, Sock(False, 40_000, 9200, STILL_S - 1))).violations
    assert noted((0, Sock(False, 40_000, 9200, STILL_S + 1))).violations == (
        "edge-1 (1): to node-1, without a byte for 76 s",
    )
    assert not noted((0, Sock(True, 9200, 0, STILL_S + 1))).violations


def test_a_socket_that_is_over_and_not_closed_is_found() -> None:
    """Not one that is only just over, and not two of the same number with a living one between them."""
    lives = Sock(False, 40_000, 9200)
    assert not noted((0, None), (OVER_S - 1, None)).violations
    assert noted((0, None), (OVER_S + 1, None)).violations
    assert not noted((0, None), (2, lives), (OVER_S + 1, None)).violations


def test_what_a_fresh_process_does_not_hold_is_left_over() -> None:
    assert more({"gate": Counter({"file": 4}), "edge-1": Counter({"file": 3})}, FRESH) == []
    assert more({"gate": Counter({"file": 5})}, FRESH) == ["gate: 5 x file, and 4 when it has just been started"]
    assert len(more({"edge-1": Counter({"file": 4, "to node-1": 1})}, FRESH)) == 2


def test_a_descriptor_that_is_left_over_at_rest_is_found() -> None:
    found = Rest({"edge-1": Counter({"file": 3, "to node-1": 1})}, FRESH)
    assert (check.rested(found).checked, len(check.rested(found).violations)) == (4, 1)
    assert not check.rested(Rest(FRESH, FRESH)).violations
    assert table(found) == [("edge-1", "3 file, 1 to node-1", "2 file")]


@pytest.mark.parametrize(
    ("last", "bad"),
    [
        (Counter({"file": 4, "pipe": 6, "to node-1": 40, OVER: 1}), 0),
        (Counter({"file": 5, "pipe": 6}), 1),
        (Counter({"file": 5, "pipe": 7}), 2),
    ],
)
def test_a_life_that_ends_with_more_files_is_found(last: Counter[str], bad: int) -> None:
    lives = {("gate", 5): [FRESH["gate"]] * 9 + [last] * 15}
    assert len(check.kept(lives, FRESH).violations) == bad


def test_a_file_that_is_open_for_a_moment_is_nothing() -> None:
    lives = {("gate", 5): [Counter({"file": 5})] * 14 + [FRESH["gate"]], ("gate", 6): [Counter({"file": 9})] * 3}
    assert check.kept(lives, FRESH) == check.Invariant("no file, pipe or listener left open", 1, ())
