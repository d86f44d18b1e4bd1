"""Who listens on a port, as Linux tells it: which of some processes hold a socket that does."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from proxy.doctor.host import Host

# include/net/tcp_states.h: TCP_LISTEN.
_LISTENING: Final = "0A"


def holds(host: Host, pids: Iterable[int], port: int) -> bool | None:
    """Whether one of the processes listens on the port. None: it cannot be told, for who asks may not look."""
    wanted = set(_inodes(host, port))
    if not wanted:
        return None
    seen = [_sockets(host, pid) for pid in pids]
    if any(wanted & held for held in seen if held is not None):
        return True
    return None if any(held is None for held in seen) else False


def family(host: Host, pids: Iterable[int]) -> set[int]:
    """The processes, whoever made them, and all that that one made: a supervisor with its children."""
    parents = {parent for pid in pids if (parent := _parent(host, str(pid)))}
    others = (one.name for one in (host.root / "proc").iterdir() if one.name.isdecimal())
    return {*pids, *parents, *(int(pid) for pid in others if _parent(host, pid) in parents)}


def _parent(host: Host, pid: str) -> int | None:
    line = next((one for one in host.text(f"proc/{pid}/status").splitlines() if one.startswith("PPid:")), "")
    found = line.removeprefix("PPid:").strip()
    # 1 is everybody's who has lost theirs.
    return int(found) if found.isdecimal() and int(found) > 1 else None


def _inodes(host: Host, port: int) -> Iterator[str]:
    """The inodes of sockets that listen on the port (proc(5): /proc/net/tcp)."""
    for table in ("tcp", "tcp6"):
        for line in host.text(f"proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _sockets(host: Host, pid: int) -> set[str] | None:
    folder = host.root / "proc" / str(pid) / "fd"
    try:
        links = [_link(one) for one in folder.iterdir()]
    except OSError:
        return None
    return {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}


def _link(path: Path) -> str:
    """Where it leads; empty where it is gone meanwhile, as descriptors go."""
    try:
        return str(path.readlink())
    except OSError:
        return ""
