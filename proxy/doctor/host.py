"""What the system gives: descriptors, the queue of connections, CPU and ports; all read from /proc and /sys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.doctor.model import Finding, ok, skip, warn
from proxy.edge.caps import RESERVED_DESCRIPTORS, SURPLUS
from proxy.listeners import BACKLOG
from proxy.settings import EdgeLimits, Listen

# The least that a worker should get: below this it waits most of the time, and answers late.
CPU_PER_WORKER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Host:
    """This machine, under `root`. `pid` is whose limits count: those of a worker that runs, else one's own."""

    root: Path = Path("/")
    pid: str = "self"

    def text(self, path: str) -> str:
        """What a file holds; empty where there is none, or it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return ""


def descriptors(host: Host, limits: EdgeLimits) -> Finding:
    """Whether a worker may have as many descriptors as its limits promise."""
    line = next((one for one in host.text(f"proc/{host.pid}/limits").splitlines() if one.startswith("Max open")), "")
    soft = line.split()[3:4]
    if not soft:
        return skip("descriptors", f"/proc/{host.pid}/limits does not say")
    needed = limits.client_connections + limits.requests_in_flight + limits.upstream_idle_connections
    needed += RESERVED_DESCRIPTORS + SURPLUS
    whose = "a shell like this one" if host.pid == "self" else "a worker that runs"
    if soft[0] == "unlimited" or int(soft[0]) >= needed:
        return ok("descriptors", f"{soft[0]} for {whose}; the limits ask for {needed} for each worker")
    seen = f"{soft[0]} for {whose}, and the limits ask for {needed}: it serves fewer clients than limits.edge says"
    return warn("descriptors", seen, f"LimitNOFILE={needed} in the systemd unit, or ulimit -n {needed}")


def backlog(host: Host) -> Finding:
    """Whether the queue of connections that wait to be taken is as long as it is asked for."""
    told = host.text("proc/sys/net/core/somaxconn")
    if not told.isdecimal():
        return skip("backlog", "/proc/sys/net/core/somaxconn does not say")
    if int(told) < BACKLOG:
        seen = f"net.core.somaxconn is {told}: a burst of connections beyond that is dropped"
        return warn("backlog", seen, f"sysctl -w net.core.somaxconn={BACKLOG}")
    return ok("backlog", f"net.core.somaxconn is {told}, of which {BACKLOG} are used")


def cpu(host: Host, workers: int, cores: int) -> Finding:
    """Whether workers and cores go together; `cores` are those that this process may run on."""
    quotas = list(_quotas(host))
    available = min([float(cores), *quotas])
    seen = f"{workers} worker{'s' if workers > 1 else ''} and a gate, {available:g} of {cores} CPUs"
    seen += " (cgroup quota)" if quotas and available < cores else ""
    if workers * CPU_PER_WORKER > available:
        return warn("cpu", seen, f"workers: {max(int(available), 1)}, or a larger quota")
    return ok("cpu", seen)


def _quotas(host: Host) -> Iterator[float]:
    """The quotas of the control groups of a process, of the innermost and all above it, in CPUs."""
    for line in host.text(f"proc/{host.pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            group = Path(path.lstrip("/"))
            for one in (group, *group.parents):
                yield from _quota(host.text(f"sys/fs/cgroup/{one}/cpu.max").split())
        elif "cpu" in controllers.split(","):
            folder = f"sys/fs/cgroup/cpu/{path.lstrip('/')}"
            pair = [host.text(f"{folder}/cpu.cfs_{name}_us") for name in ("quota", "period")]
            yield from _quota(pair)


def _quota(pair: list[str]) -> Iterator[float]:
    # `max`, or -1 in the older hierarchy: there is none.
    if len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal() and int(pair[1]):
        yield int(pair[0]) / int(pair[1])


def ports(host: Host, workers: int, limits: EdgeLimits, listens: tuple[Listen, ...]) -> Finding:
    """Whether there are ports for all connections to a node, and none that is listened on may be taken by them."""
    told = host.text("proc/sys/net/ipv4/ip_local_port_range").split()
    if len(told) != 2 or not all(one.isdecimal() for one in told):
        return skip("ports", "/proc/sys/net/ipv4/ip_local_port_range does not say")
    first, last = int(told[0]), int(told[1])
    needed, there = workers * limits.upstream_connections, last - first + 1
    if needed > there:
        seen = f"{there} for connections to a node, and {workers} workers may open {needed}"
        return warn("ports", seen, "sysctl -w net.ipv4.ip_local_port_range='10240 65000', or fewer connections")
    inside = [str(one.port) for one in listens if first <= one.port <= last]
    if inside:
        seen = f"{', '.join(inside)} lies between {first} and {last}, from which the system takes ports"
        return warn("ports", seen, "another port, or net.ipv4.ip_local_reserved_ports: an upgrade may find it taken")
    return ok("ports", f"{there} for connections to a node, of which {needed} may be used")
