"""What the system gives, told by trees of files as /proc and /sys have them."""

from pathlib import Path

import pytest

from proxy.doctor import host
from proxy.doctor.host import Host
from proxy.doctor.model import State
from proxy.settings import EdgeLimits, Listen

NEEDED = 12_000 + 4096 + 256 + 64 + 128


def made(root: Path, files: dict[str, str], pid: str = "self") -> Host:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Host(root, pid)


def limits(soft: str) -> str:
    return f"Limit  Soft Limit  Hard Limit  Units\nMax open files            {soft}   1048576   files\n"


@pytest.mark.parametrize(
    ("soft", "state"),
    [("1024", State.WARN), (str(NEEDED - 1), State.WARN), (str(NEEDED), State.OK), ("unlimited", State.OK)],
)
def test_descriptors(tmp_path: Path, soft: str, state: State) -> None:
    found = host.descriptors(made(tmp_path, {"proc/self/limits": limits(soft)}), EdgeLimits())
    assert found.state is state
    assert str(NEEDED) in found.seen


def test_descriptors_of_a_worker_that_runs(tmp_path: Path) -> None:
    files = {"proc/self/limits": limits("9999999"), "proc/7/limits": limits("1024")}
    found = host.descriptors(made(tmp_path, files, "7"), EdgeLimits())
    assert (found.state, "a worker that runs" in found.seen) == (State.WARN, True)
    assert found.advice.startswith(f"LimitNOFILE={NEEDED}")


@pytest.mark.parametrize(("told", "state"), [("128", State.WARN), ("1024", State.OK), ("4096", State.OK)])
def test_backlog(tmp_path: Path, told: str, state: State) -> None:
    assert host.backlog(made(tmp_path, {"proc/sys/net/core/somaxconn": f"{told}\n"})).state is state


@pytest.mark.parametrize(
    ("files", "workers", "state", "seen"),
    [
        ({}, 4, State.OK, "4 workers and a gate, 4 of 4 CPUs"),
        ({}, 9, State.WARN, "4 of 4"),
        ({"sys/fs/cgroup/a/cpu.max": "100000 100000"}, 2, State.OK, "1 of 4 CPUs (cgroup quota)"),
        (
            {"sys/fs/cgroup/a/b/cpu.max": "max 100000", "sys/fs/cgroup/a/cpu.max": "50000 100000"},
            2,
            State.WARN,
            "0.5 of 4",
        ),
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, 2, State.OK, "4 of 4"),
    ],
)
def test_cpu_by_control_groups(tmp_path: Path, files: dict[str, str], workers: int, state: State, seen: str) -> None:
    found = host.cpu(made(tmp_path, {"proc/self/cgroup": "0::/a/b\n", **files}), workers, 4)
    assert found.state is state
    assert seen in found.seen


def test_cpu_by_older_control_groups(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "7:memory:/x\n4:cpu,cpuacct:/x\n",
        "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000",
    }
    assert "0.5 of 4" in host.cpu(made(tmp_path, files), 1, 4).seen
    unlimited = made(tmp_path, {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1"})
    assert "4 of 4" in host.cpu(unlimited, 1, 4).seen


@pytest.mark.parametrize(
    ("range_", "workers", "port", "state"),
    [
        ("32768\t60999", 1, 9400, State.OK),
        ("32768\t60999", 28, 9400, State.WARN),
        ("32768\t60999", 1, 40000, State.WARN),
    ],
)
def test_ports(tmp_path: Path, range_: str, workers: int, port: int, state: State) -> None:
    machine = made(tmp_path, {"proc/sys/net/ipv4/ip_local_port_range": range_})
    assert host.ports(machine, workers, EdgeLimits(), (Listen(host="127.0.0.1", port=port),)).state is state


def test_where_nothing_is_told_nothing_is_said(tmp_path: Path) -> None:
    bare = Host(tmp_path)
    assert host.descriptors(bare, EdgeLimits()).state is State.SKIP
    assert host.backlog(bare).state is State.SKIP
    assert host.ports(bare, 1, EdgeLimits(), ()).state is State.SKIP
    assert host.cpu(bare, 1, 2).state is State.OK


def test_this_machine_tells() -> None:
    assert host.descriptors(Host(), EdgeLimits()).state is not State.SKIP
    assert host.backlog(Host()).state is not State.SKIP
