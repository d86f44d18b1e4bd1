"""Lets processes have so much of a CPU and no more: a control group (cgroups(7), version 1 or 2), as root."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
# Short, so that a process waits for its next share no longer than an answer takes anyway.
_PERIOD_US = 10_000


class Quota:
    """A group whose members share what it may have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, pid: int) -> bool:
        """Put a process, with all its threads, into the group; False where it may not be: one with real-time priority
        cannot be held to a share."""
        try:
            (self._folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            return False
        return True


def _hierarchy() -> Path | None:
    """Where groups with a share of the CPU are made; None where there is no such place."""
    if (_ROOT / "cpu" / "cpu.cfs_quota_us").exists() or (_ROOT / "cpu" / "cgroup.procs").exists():
        return _ROOT / "cpu"
    controllers = _ROOT / "cgroup.subtree_control"
    return _ROOT if controllers.exists() and "cpu" in controllers.read_text().split() else None


@contextmanager
def quota(share: float, name: str) -> Iterator[Quota | None]:
    """A group that has `share` of one CPU, until its members have ended; None where this process may make none."""
    hierarchy = _hierarchy()
    folder = (hierarchy or _ROOT) / f"startgate-bench-{os.getpid()}-{name}"
    if hierarchy is None:
        yield None
        return
    try:
        folder.mkdir()
        limit_us = round(share * _PERIOD_US)
        if hierarchy == _ROOT:
            (folder / "cpu.max").write_text(f"{limit_us} {_PERIOD_US}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(limit_us))
    except OSError:
        if folder.exists():
            folder.rmdir()
        yield None
        return
    try:
        yield Quota(folder)
    finally:
        folder.rmdir()
