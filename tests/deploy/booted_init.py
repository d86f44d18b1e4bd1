"""Process 1 of a machine of the tests: makes a root of its own over the host's, moves into it, and becomes systemd.

    python booted_init.py FOLDER CHECKOUT

It runs in new namespaces of processes, mounts, network, names and control groups. What is written goes into memory and
is gone with the machine; the host's own files are beneath and cannot be changed. `booted.py` starts it.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

SYSTEMD = "/lib/systemd/systemd"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# What the host has enabled has no business in the machine; of systemd's own units these are enough.
KEPT = {
    "systemd-journald.service",
    "systemd-journald.socket",
    "systemd-journald-dev-log.socket",
    "systemd-journal-flush.service",
    "systemd-tmpfiles-setup.service",
}
INSTALLED = ("opt/startgate", "etc/startgate", "var/lib/startgate", "var/log/startgate")


def main() -> None:
    """Ends in systemd, never here."""
    folder, checkout = Path(sys.argv[1]), Path(sys.argv[2])
    # Nothing that is mounted from here on is seen by the host, and it goes when the last process does.
    mount("--make-rprivate", "/")
    root = over(folder)
    system(root)
    seen(folder, root, checkout)
    settled(root)
    old = root / "mnt"
    os.chdir(root)
    subprocess.run(["pivot_root", ".", old], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/mnt"], check=True)
    # systemd leaves alone what only a machine's first system may set (clock, modules) where it is told of a container.
    os.execve(SYSTEMD, [SYSTEMD, "--log-target=journal"], {"container": "tests"})  # noqa: S606 -- that is its task


def mount(*words: str | Path) -> None:
    """mount(8)."""
    subprocess.run(["mount", *words], check=True)


def over(folder: Path) -> Path:
    """The host's root with a layer of memory above it."""
    mount("-t", "tmpfs", "-o", "mode=0755,size=2g", "tmpfs", folder)
    root = folder / "root"
    layer(folder, root, Path("/"))
    return root


def seen(folder: Path, root: Path, checkout: Path) -> None:
    """The checkout in the same place, where it is on another disk, or in what is the machine's own, as its /tmp."""
    where = root / checkout.relative_to("/")
    if not (where / "pyproject.toml").exists():
        layer(folder, where, checkout)


def layer(folder: Path, where: Path, lower: Path) -> None:
    """One folder of the host with memory above it."""
    upper, work = (folder / f"{kind}-{lower.name}" for kind in ("upper", "work"))
    for made in (upper, work, where):
        made.mkdir(parents=True, exist_ok=True)
    mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "overlay", where)


def system(root: Path) -> None:
    """/proc, /sys, /dev, /run and /tmp of the machine."""
    mount("-t", "proc", "proc", root / "proc")
    # Settings of the kernel are the host's: systemd would raise some of them.
    mount("--bind", root / "proc/sys", root / "proc/sys")
    mount("-o", "remount,bind,ro", root / "proc/sys")
    mount("-t", "sysfs", "-o", "ro", "sysfs", root / "sys")
    mount("-t", "cgroup2", "cgroup2", root / "sys/fs/cgroup")
    # Not the host's devtmpfs: there is one of it, and systemd writes links into it.
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", root / "dev")
    for name in DEVICES:
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    for name in ("pts", "shm"):
        (root / "dev" / name).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=0620", "devpts", root / "dev/pts")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    (root / "dev/fd").symlink_to("/proc/self/fd")
    for name, mode in (("dev/shm", "1777"), ("run", "0755"), ("tmp", "1777")):
        mount("-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", root / name)


def settled(root: Path) -> None:
    """Only what every machine with systemd runs, under a name of its own."""
    (root / "etc/machine-id").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (root / "etc/fstab").write_text("")
    # The host may have an installation of its own.
    subprocess.run(["rm", "-rf", *(root / path for path in INSTALLED)], check=True)
    etc = root / "etc/systemd"
    subprocess.run(["rm", "-rf", etc / "system", etc / "journald.conf.d", etc / "system.conf.d"], check=True)
    (etc / "system").mkdir(parents=True)
    (etc / "system/default.target").symlink_to("/lib/systemd/system/multi-user.target")
    for name in masked(root):
        (etc / "system" / name).symlink_to("/dev/null")
    # They would start what the host has in /etc/init.d, and mount its disks.
    (etc / "system-generators").mkdir(exist_ok=True)
    for path in (root / "lib/systemd/system-generators").iterdir():
        link = etc / "system-generators" / path.name
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")


def masked(root: Path) -> Iterator[str]:
    """The units that targets want by themselves, but for those that are kept. Targets stay: they order the others."""
    wanted = {path.name for path in (root / "lib/systemd/system").glob("*.target.wants/*")}
    return (name for name in sorted(wanted - KEPT) if not name.endswith(".target"))


if __name__ == "__main__":
    main()
