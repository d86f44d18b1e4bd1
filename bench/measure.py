"""What `/proc` knows about a process and its children: CPU time spent and memory held (Linux only).

CPU time comes from `schedstat` (nanoseconds on a CPU, per thread) since `stat` counts in ticks of 10 ms.
"""

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# Fields of /proc/<pid>/stat counted from the one after the command name, which may itself hold spaces (proc(5)).
_PARENT, _USER, _SYSTEM = 1, 11, 12
_TICK_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU time in nanoseconds; `system_ns` is the part of `total_ns` spent in the kernel (to the tick)."""

    total_ns: int
    system_ns: int

    def since(self, earlier: "Cpu") -> "Cpu":
        """What was spent between `earlier` and now."""
        return Cpu(self.total_ns - earlier.total_ns, self.system_ns - earlier.system_ns)


def family(pid: int) -> list[int]:
    """`pid` and all its living descendants."""
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[_PARENT])
    found = [pid]
    for member in found:  # grows while it is walked: breadth first
        found.extend(child for child, parent in parents.items() if parent == member)
    return found


def cpu(pid: int) -> Cpu:
    """CPU time so far of `pid` and its living descendants."""
    members = family(pid)
    system = user = 0
    for member in members:
        if fields := _stat(member):
            user += int(fields[_USER]) * _TICK_NS
            system += int(fields[_SYSTEM]) * _TICK_NS
    exact = sum(_on_cpu_ns(member) for member in members)
    return Cpu(exact or user + system, system)


def resident_bytes(pid: int) -> int:
    """Resident memory of `pid` and its living descendants (shared pages are counted once a process)."""
    return sum(_status_bytes(member, "VmRSS") for member in family(pid))


def peak_bytes(pid: int) -> int:
    """Highest resident memory since the start or the last `forget_peak`, summed over `pid` and its descendants."""
    return sum(_status_bytes(member, "VmHWM") for member in family(pid))


def forget_peak(pid: int) -> None:
    """Let the peak begin anew at what is resident now (proc(5), `clear_refs`)."""
    for member in family(pid):
        (PROC / str(member) / "clear_refs").write_text("5")


def _stat(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # ended while we looked
        return []


def _on_cpu_ns(pid: int) -> int:
    spent = 0
    try:
        for thread in (PROC / str(pid) / "task").iterdir():
            spent += int((thread / "schedstat").read_text().split()[0])
    except OSError:  # ended while we looked, or a kernel without schedstat
        return 0
    return spent


def _status_bytes(pid: int, key: str) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:  # ended while we looked
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), 0)
