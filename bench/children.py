"""Runs the processes of a benchmark: a free port, a start, a wait until it listens, and an end on every way out."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_READY_S = 20.0
_END_S = 5.0


class ChildError(Exception):
    """A process ended or did not listen in time; the message holds what it printed."""


def free_port() -> int:
    """A TCP port on the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this repository with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def pinned(command: Sequence[str], cpu: int | None) -> list[str]:
    """`command`, bound to one CPU; unchanged for None, with a single CPU, or without taskset(1)."""
    if cpu is None or (os.cpu_count() or 1) < 2 or not shutil.which("taskset"):
        return list(command)
    return ["taskset", "-c", str(cpu), *command]


@contextmanager
def child(command: Sequence[str], *, log: Path, listens: int | Path | None = None) -> Iterator[int]:
    """Run `command` with its output in `log`; yields its pid once `listens` (TCP port or Unix socket) answers.

    Raises:
        ChildError: it ended, or was not ready within 20 seconds.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        if listens is not None:
            _wait_until_listening(process, listens, log)
        yield process.pid
    finally:
        _end(process)


def _wait_until_listening(process: subprocess.Popen[bytes], listens: int | Path, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while not _answers(listens):
        if process.poll() is not None:
            raise ChildError(f"{process.args!r} ended with status {process.returncode}: {_tail(log)}")
        if time.monotonic() > deadline:
            raise ChildError(f"{process.args!r} did not listen on {listens} within {_READY_S:g} s: {_tail(log)}")
        time.sleep(0.02)


def _answers(listens: int | Path) -> bool:
    family = socket.AF_UNIX if isinstance(listens, Path) else socket.AF_INET
    address = str(listens) if isinstance(listens, Path) else ("127.0.0.1", listens)
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip() or "(it printed nothing)"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
