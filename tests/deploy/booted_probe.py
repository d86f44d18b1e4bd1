"""Tries in a service's sandbox what a service has no business with, and what it needs; prints what came of each.

Each attempt is a name and a call that either goes well or raises; nothing depends on the tests' own packages.
"""

import ctypes
import json
import mmap
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

# <sys/mount.h>, <sched.h>; that whoever is in front may restart the machine; 32 bits (<sys/personality.h>).
_MS_BIND, _NEWUSER, _REBOOT_OFF, _PER_LINUX32 = 4096, 0x10000000, 0, 8
_LIBC = ctypes.CDLL(None, use_errno=True)


def called(name: str, *arguments: object) -> None:
    """A function of the C library that gives -1 where it is refused."""
    if getattr(_LIBC, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def wrote(path: str) -> None:
    """A file is made in a folder, and removed."""
    file = Path(path) / "probe"
    file.write_text("")
    file.unlink()


def listened(port: int) -> None:
    """A port is taken on all addresses."""
    with socket.socket() as one:
        one.bind(("0.0.0.0", port))
        one.listen()


def found(path: str) -> None:
    """A path is there and may be looked at."""
    Path(path).lstat()


def set_id() -> None:
    """A file is given the bit of set-user-ID."""
    file = Path("/var/lib/startgate/set-id")
    file.touch()
    try:
        file.chmod(0o4755)
    finally:
        file.unlink()


ALLOWED: dict[str, Callable[[], object]] = {
    "write the state": lambda: wrote("/var/lib/startgate"),
    "write the log": lambda: wrote("/var/log/startgate"),
    "write /tmp": lambda: wrote("/tmp"),  # noqa: S108 -- that of the service alone
    "read the rules": lambda: Path("/etc/startgate/rules/start.yml").read_text(),
    "listen": lambda: listened(0),
    "speak IPv6": lambda: socket.socket(socket.AF_INET6).close(),
    "be less urgent": lambda: os.nice(1),
    "raise the limit of descriptors": lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
    ),
}
REFUSED: dict[str, Callable[[], object]] = {
    "write the configuration": lambda: wrote("/etc/startgate"),
    "write the program": lambda: wrote("/opt/startgate"),
    "write /usr": lambda: wrote("/usr/bin"),
    "write /var": lambda: wrote("/var"),
    "look at /root": lambda: list(Path("/root").iterdir()),
    "see process 1": lambda: found("/proc/1/status"),
    "see the kernel's settings": lambda: found("/proc/sys/kernel"),
    "write control groups": lambda: Path("/sys/fs/cgroup/probe").mkdir(),
    "listen below 1024": lambda: listened(80),
    "speak netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "speak to the wire": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "become root": lambda: os.setuid(0),
    "give a file away": lambda: os.chown("/var/lib/startgate", 0, 0),
    "make a set-user-ID file": set_id,
    "change the root": lambda: os.chroot("/var/lib/startgate"),
    "mount": lambda: called("mount", b"/usr", b"/tmp", None, _MS_BIND, None),
    "make a namespace": lambda: called("unshare", _NEWUSER),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "set the machine's name": lambda: socket.sethostname("probe"),
    "switch the machine off": lambda: called("reboot", _REBOOT_OFF),
    "run in real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "choose a processor": lambda: os.sched_setaffinity(0, {0}),
    "write code and run it": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "be another architecture": lambda: called("personality", _PER_LINUX32),
}


def tried(attempt: Callable[[], object]) -> str:
    """ "done", or what kept it from it."""
    try:
        attempt()
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


if __name__ == "__main__":
    json.dump({name: tried(attempt) for name, attempt in {**ALLOWED, **REFUSED}.items()}, sys.stdout)
