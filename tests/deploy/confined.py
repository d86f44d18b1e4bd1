"""Runs a command under what a unit file confines it to, without systemd: system calls, address families, memory that is
written and executed, limits, mask. Namespaces and capabilities are not among it.

    python confined.py UNIT COMMAND…
"""

import ctypes
import errno
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# <linux/prctl.h>
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
# <seccomp.h>: an error for what is not allowed; and comparing for equality.
_ALLOW, _SCMP_CMP_EQ = 0x7FFF0000, 4
_REFUSE = 0x00050000 | errno.EPERM


class _Compared(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class Unit(NamedTuple):
    """A unit file's `[Service]`: each setting with its values in their order."""

    settings: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The value of a setting that is given once."""
        (value,) = self.settings[name]
        return value


def unit(path: Path) -> Unit:
    """What is in a unit file. Not by `configparser`: settings may come several times."""
    settings: dict[str, list[str]] = {}
    section = path.read_text().split("[Service]\n")[1].split("\n[")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return Unit(settings)


def allowed(filters: list[str]) -> set[str]:
    """Names of the system calls that a list of `SystemCallFilter=` allows, the first of which says what it is."""
    names: set[str] = set()
    for value in filters:
        takes = value.startswith("~")
        words = value.removeprefix("~").split()
        found = {name for word in words for name in (_members(word) if word.startswith("@") else {word})}
        names = names - found if takes else names | found
    # systemd allows what it needs itself to start the command.
    return names | _members("@default") | {"execve"}


def _members(group: str) -> set[str]:
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    lines = [line.strip() for line in told.stdout.splitlines()[1:]]
    words = {line for line in lines if line and not line.startswith("#")}
    return {name for word in words for name in (_members(word) if word.startswith("@") else {word})}


def confine(settings: Unit) -> None:
    """From now on, for this process and its children."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = min(int(settings.one("LimitNOFILE")), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(int(settings.one("UMask"), 8))
    names = allowed(settings.settings["SystemCallFilter"])
    families = [int(getattr(socket, name)) for name in settings.one("RestrictAddressFamilies").split()]
    libc = ctypes.CDLL(None, use_errno=True)
    _done(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    if settings.one("MemoryDenyWriteExecute") == "yes" and libc.prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
        # Linux 6.3 and newer have it; before, systemd refuses it by system calls, which would be tried elsewhere.
        sys.stderr.write("this kernel has no PR_SET_MDWE\n")
    _filter(names, families)


def _filter(names: set[str], families: list[int]) -> None:
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_REFUSE)))
    for name in sorted(names - {"socket"}):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        # Names of other machines and of newer libraries have no number here.
        if number >= 0:
            _done(seccomp.seccomp_rule_add_array(context, _ALLOW, number, 0, None), name)
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for family in families:
        wanted = (_Compared * 1)(_Compared(0, _SCMP_CMP_EQ, family, 0))
        _done(seccomp.seccomp_rule_add_array(context, _ALLOW, number, 1, wanted), "socket")
    _done(seccomp.seccomp_load(context), "the filter")


def _done(status: int, what: str) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno() or -status, f"{what}: {status}")


if __name__ == "__main__":
    confine(unit(Path(sys.argv[1])))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 -- the test's own command
