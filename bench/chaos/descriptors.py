"""What each descriptor of a process is, by the ends of its socket; and which ones nobody may still be using."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import measure
from bench.chaos.sockets import Sock

# A connection over which nothing went for so long has been forgotten. A worker closes one to a node after 50 s without
# a request (limits.edge.upstream_idle_s), and a client of the run gives a request up after 60 s (wire.PATIENCE_S).
STILL_S = 75.0
# So long may a process take to close a socket that is over: it hears of that at once, but may be suspended or busy.
OVER_S = 20.0
OVER = "socket that is over"


def links(pid: int) -> dict[str, str]:
    """What each descriptor of a process leads to, by its number. Empty where the process has ended."""
    found = {}
    try:
        for path in (measure.PROC / str(pid) / "fd").iterdir():
            try:
                found[path.name] = str(path.readlink())
            except OSError:  # closed while we looked
                continue
    except OSError:  # ended while we looked
        return {}
    return found


def inode_of(link: str) -> int | None:
    """The inode of a socket; None for anything else."""
    return int(link[8:-1]) if link.startswith("socket:[") else None


def kind(link: str, socks: Mapping[int, Sock], ports: Mapping[int, str]) -> str:
    """What a descriptor is. `ports` names those that are known; a Unix socket has the name of its file. Who connects to
    one has a connection `to` it, who was connected to there one `at` it."""
    inode = inode_of(link)
    if inode is None:
        return "pipe" if link.startswith("pipe:") else "anonymous" if link.startswith("anon_inode:") else "file"
    sock = socks.get(inode)
    if sock is None:
        return OVER
    if sock.listening:
        return "listening"
    for relation, end in (("to", sock.far), ("at", sock.near)):
        name = ports.get(end, "") if isinstance(end, int) else Path(end).name
        if name:
            return f"{relation} {name}"
    return "other TCP" if isinstance(sock.near, int) else "other Unix"


@dataclass(slots=True)
class Watched:
    """Looks at the descriptors of processes. `kinds` has the last look at each; `forgotten` are sockets that somebody
    should have closed, each told once."""

    ports: Mapping[int, str]
    kinds: dict[int, Counter[str]] = field(default_factory=dict)
    forgotten: dict[tuple[int, int], str] = field(default_factory=dict)
    looked_at: int = 0
    _over: dict[tuple[int, int], float] = field(default_factory=dict)

    def look(self, name: str, pid: int, at: float, socks: Mapping[int, Sock]) -> int:
        """Look at a process at a time (seconds); how many descriptors it has, 0 where it has ended."""
        return self.note(name, pid, at, links(pid), socks)

    def note(self, name: str, pid: int, at: float, found: Mapping[str, str], socks: Mapping[int, Sock]) -> int:
        """`look` at descriptors that were read already."""
        self.kinds[pid] = Counter(kind(link, socks, self.ports) for link in found.values())
        self.looked_at += len(found)
        for link in found.values():
            inode = inode_of(link)
            if inode is not None:
                self._socket((pid, inode), name, at, kind(link, socks, self.ports), socks.get(inode))
        return len(found)

    def _socket(self, known: tuple[int, int], name: str, at: float, what: str, sock: Sock | None) -> None:
        if sock is None:
            still_s, bar_s = at - self._over.setdefault(known, at), OVER_S
        else:
            self._over.pop(known, None)
            # Who holds a Unix socket still is not known, and a listener is still by nature.
            still_s, bar_s = 0.0 if sock.listening else sock.still_s, STILL_S
        if still_s > bar_s:
            self.forgotten[known] = f"{name} ({known[0]}): {what}, without a byte for {still_s:.0f} s"


def shown(kinds: Mapping[str, int]) -> str:
    """Kinds and counts in a line."""
    return ", ".join(f"{count} {what}" for what, count in sorted(kinds.items()))
