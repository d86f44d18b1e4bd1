"""Network namespaces for tests, each with one card on a wire that loses and delays what it is told to.

A namespace lives as long as the process that holds it, which ends when its standard input does: nothing is left behind,
however the tests end. Frames go from card to card through `Wire`, in the tests' own process, so that it needs nothing
of the kernel but namespaces, veth pairs and packet sockets, and what is lost is counted and not left to chance.
"""

import asyncio
import ctypes
import fcntl
import shutil
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NETWORK = "10.99.0"
# <linux/sched.h>, <linux/if_ether.h>, <linux/sockios.h>, <linux/ethtool.h>, <linux/if_packet.h>
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 0x0003
_ETH_P_IP = b"\x08\x00"
_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17
_PACKET_OUTGOING = 4
_FRAME_BYTES = 65536
_TOOL_S = 30


def unable() -> str:
    """Why no namespaces can be made here; empty where they can."""
    missing = [tool for tool in ("ip", "unshare", "nsenter") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} is missing (Debian: iproute2 util-linux)"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, timeout=_TOOL_S, check=False)
    return f"no right to make network namespaces: {tried.stderr.strip()}" if tried.returncode else ""


class Space:
    """A namespace. `number` is the last part of its address, and of its card's hardware address."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.host = f"{NETWORK}.{number}"
        self.mac = f"02:00:00:00:00:{number:02x}"
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self._path = Path(f"/proc/{self._holder.pid}/ns/net")
        self.id = self._path.stat().st_ino
        self._thread = ThreadPoolExecutor(1, initializer=self._enter)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        """The process that holds it."""
        return self._holder.pid

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command in it, in the same process."""
        return ("nsenter", f"--net={self._path}", "--")

    def run(self, *command: str) -> None:
        """Run a command in it that must succeed."""
        subprocess.run([*self.prefix, *command], check=True, timeout=_TOOL_S)

    def within(self, do: Callable[[], T]) -> T:
        """What a function returns that runs in it: sockets stay in the namespace that they were made in."""
        return self._thread.submit(do).result(_TOOL_S)

    def listener(self, port: int) -> socket.socket:
        """A socket that listens at its address: also where connections of an earlier one have not quite ended."""
        made = self.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((self.host, port))
        except OSError:
            made.close()
            raise
        return made

    def socket(self, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket for TCP in it."""
        made = self.within(lambda: socket.socket(socket.AF_INET, kind))
        made.setblocking(False)
        return made

    def close(self) -> None:
        """Give it free. What still runs in it keeps it."""
        self._thread.shutdown()
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self._holder.stdin.close()
        try:
            self._holder.wait(_TOOL_S)
        finally:
            self._holder.kill()
            self._holder.wait()
            self._holder.stdout.close()

    def _enter(self) -> None:
        # `os.setns` came with Python 3.12. It moves the calling thread alone.
        libc = ctypes.CDLL(None, use_errno=True)
        with self._path.open("rb") as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


class Wire:
    """Joins spaces. `lost` are pairs of numbers of spaces, from and to, between which everything is lost in silence;
    `delay_s` holds frames up on their way between any two, and of `one_in` frames one is lost (0: none). `passed` and
    `dropped` count the frames of each pair."""

    def __init__(self, hub: Space) -> None:
        self.lost: set[tuple[int, int]] = set()
        self.delay_s = 0.0
        self.one_in = 0
        self.passed: Counter[tuple[int, int]] = Counter()
        self.dropped: Counter[tuple[int, int]] = Counter()
        self._hub = hub
        self._spaces: dict[bytes, Space] = {}
        self._ends: dict[int, socket.socket] = {}

    def join(self, spaces: Sequence[Space]) -> None:
        """Give each a card and its address. Nobody has to ask for the others' hardware addresses: where nothing comes
        through, nothing tells so either."""
        for space in spaces:
            near = f"card{space.number}"
            words = f"ip link add {near} type veth peer name eth0 address {space.mac} netns {space.pid}"
            self._hub.run(*words.split())
            space.run("ip", "address", "add", f"{space.host}/24", "dev", "eth0")
            self._ends[space.number] = self._end(near)
            _sums_in_full(space.socket(), "eth0")
            self._hub.run("ip", "link", "set", near, "up")
            space.run("ip", "link", "set", "eth0", "up")
            self._spaces[bytes.fromhex(space.mac.replace(":", ""))] = space
            for other in spaces:
                if other is not space:
                    words = f"ip neigh replace {other.host} lladdr {other.mac} dev eth0 nud permanent"
                    space.run(*words.split())

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Carry frames meanwhile, in the running loop; nothing is lost or delayed on purpose any more afterwards."""
        loop = asyncio.get_running_loop()
        for number, end in self._ends.items():
            loop.add_reader(end.fileno(), self._take, number, end)
        try:
            yield
        finally:
            self.heal()
            for end in self._ends.values():
                loop.remove_reader(end.fileno())

    def link(self, space: Space, state: str) -> None:
        """Pull the plug of a space's card (`down`), or put it in (`up`)."""
        self._hub.run("ip", "link", "set", f"card{space.number}", state)

    def part(self, one: Space, other: Space) -> None:
        """Lose all between the two, both ways."""
        self.lost |= {(one.number, other.number), (other.number, one.number)}

    def heal(self) -> None:
        """Lose and delay nothing any more."""
        self.lost.clear()
        self.delay_s, self.one_in = 0.0, 0

    def close(self) -> None:
        """Close all ends."""
        for end in self._ends.values():
            end.close()
        self._ends.clear()

    def _end(self, card: str) -> socket.socket:
        end = self._hub.within(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)))
        end.setblocking(False)
        end.bind((card, _ETH_P_ALL))
        return end

    def _take(self, number: int, end: socket.socket) -> None:
        # Of a card that is down the socket tells so, once; what cannot be taken is lost.
        with suppress(OSError):
            while True:
                frame, address = end.recvfrom(_FRAME_BYTES)
                to = self._spaces.get(frame[:6])
                if address[2] != _PACKET_OUTGOING and frame[12:14] == _ETH_P_IP and to is not None:
                    self._pass((number, to.number), frame)

    def _pass(self, pair: tuple[int, int], frame: bytes) -> None:
        self.passed[pair] += 1
        if pair in self.lost or (self.one_in and self.passed[pair] % self.one_in == 0):
            self.dropped[pair] += 1
        elif self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._give, pair[1], frame)
        else:
            self._give(pair[1], frame)

    def _give(self, number: int, frame: bytes) -> None:
        # A card that is down, or has no room, loses frames: TCP sends them again.
        if number in self._ends:
            with suppress(OSError):
                self._ends[number].send(frame)


def _sums_in_full(any_socket: socket.socket, card: str) -> None:
    """Have a card send whole packets with their checksums: between two ends of a veth pair the kernel leaves both to
    whoever takes the packet, which here is us."""
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
    with any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sP16x", card.encode(), ctypes.addressof(value)))


@contextmanager
def spaces(count: int) -> Iterator[tuple[Wire, list[Space]]]:
    """So many spaces on a wire; all gone at the end."""
    with ExitStack() as stack:

        def made(number: int) -> Space:
            space = Space(number)
            stack.callback(space.close)
            return space

        hub, *others = [made(number) for number in range(1, count + 2)]
        wire = Wire(hub)
        stack.callback(wire.close)
        wire.join(others)
        ids = {space.id for space in (hub, *others)}
        yield wire, others
    assert not ids & set(_in_use()), "a process still runs in a namespace of ours"


def _in_use() -> Iterator[int]:
    """The namespaces of all processes."""
    for process in Path("/proc").glob("[0-9]*/ns/net"):
        with suppress(OSError):
            yield process.stat().st_ino
