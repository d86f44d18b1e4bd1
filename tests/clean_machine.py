"""A machine with nothing on it: a bare Debian in a folder, with processes, mounts and loopback of its own.

It is made by debootstrap, kept as an archive between runs, and taken as a guest: what fetches something does so over
this machine's network and by this machine's settings of apt and pip; all else has no network but its own loopback, so
that every port is free there, and nothing can be fetched unnoticed. When the machine ends, so do all its processes, and
its mounts are gone with them.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real import cache
from tests.real.versions import CannotRun

SUITE = "bookworm"
# A bound for what hangs: installing takes a minute on a machine that is busy with other things.
PATIENCE_S = 600
# What must be there from the beginning: how the machine around it reaches its mirrors.
_HOST = "opt/host"
_PIP_CACHE = f"{_HOST}/pip-cache"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A reader would say yes; a guest need not keep what it installs when the power fails.
_APT = 'APT::Get::Assume-Yes "true";\nAcquire::Retries "5";\n'
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc")
# Says that it is ready, and is the first process of the machine from then on: when it ends, all others are killed.
_FIRST = """
set -e
ip link set lo up
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
if [ -d "$1" ]; then mount --bind "$1" "$0/$2"; fi
echo up
exec sleep inf
"""
# A terminal goes on where the command before left it: its folder, and its variables.
_TERMINAL = """
[ -e /root/.terminal ] && . /root/.terminal
{text}
status=$?
{{ export -p; printf 'cd %q\\n' "$PWD"; }} > /root/.terminal
exit $status
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A running machine: its folder, the number of its first process, and what its environment is."""

    root: Path
    pid: int
    environment: dict[str, str]
    staying: "list[subprocess.Popen[bytes]]"

    def run(self, text: str, *, network: bool) -> "subprocess.CompletedProcess[str]":
        """A command as it is typed, to its end; without `network` it has the machine's own loopback alone."""
        return subprocess.run(
            self._entered(text, network),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )

    def stay(self, text: str, until: str) -> "tuple[subprocess.Popen[bytes], str]":
        """Begins a command that stays up, in a terminal of its own, and what it printed up to a pattern.

        Raises:
            AssertionError: it ended, or said nothing of the kind.
        """
        log = self.root / "root" / f"terminal-{len(self.staying)}"
        with log.open("wb") as output:
            begun = subprocess.Popen(
                self._entered(text, network=False),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.staying.append(begun)
        end = time.monotonic() + PATIENCE_S
        while re.search(until, log.read_text(errors="replace")) is None:
            on_time = begun.poll() is None and time.monotonic() < end
            assert on_time, f"{text}\n{log.read_text(errors='replace')}"
            time.sleep(0.1)
        return begun, log.read_text(errors="replace")

    def _entered(self, text: str, network: bool) -> list[str]:
        spaces = _NAMESPACES if network else (*_NAMESPACES, "--net")
        within = ["chroot", str(self.root), "/bin/bash", "-c", _TERMINAL.format(text=text)]
        return ["nsenter", "--target", str(self.pid), *spaces, "--", *within]


def interrupt(begun: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C in the terminal of a command that stays up, which ends by it."""
    os.killpg(begun.pid, signal.SIGINT)
    begun.wait(PATIENCE_S)


def possible() -> str | None:
    """Why no such machine can be made here, whatever is installed; None where it can."""
    if os.geteuid() != 0:
        return "it takes root"
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--net", "--fork", "true"], capture_output=True, text=True, check=False
    )
    return tried.stderr.strip() if tried.returncode else None


@contextmanager
def machine(root: Path, repository: Path) -> Iterator[Machine]:
    """A machine in `root`, a new folder, with a clone of the repository's last commit at `/srv/startgate.git`.

    Raises:
        CannotRun: debootstrap or git is missing or fails, or there is no repository.
    """
    root.mkdir()
    archive = cache.folder(f"debian-{SUITE}", _bootstrapped) / "root.tar"
    cache.command(["tar", "--extract", "--file", archive, "--directory", root], "unpacking a bare Debian")
    # Whoever owns the checkout, it is the one that is tested.
    clone = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--bare", str(repository)]
    cache.command([*clone, root / "srv" / "startgate.git"], "cloning the repository")
    environment = _as_guest(root)
    staying: list[subprocess.Popen[bytes]] = []
    # What pip has fetched here it need not fetch again there.
    kept = _printed(sys.executable, "-m", "pip", "cache", "dir").strip()
    inside = ["sh", "-c", _FIRST, str(root), kept, _PIP_CACHE]
    first = subprocess.Popen(
        ["unshare", *_NAMESPACES, "--net", "--fork", "--kill-child", *inside], stdout=subprocess.PIPE
    )
    try:
        assert first.stdout is not None
        if first.stdout.readline() != b"up\n":
            raise CannotRun("the machine does not come up")
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        yield Machine(root, int(children[0]), environment, staying)
    finally:
        first.kill()
        first.communicate()
        # They were of its processes, and have ended with it.
        for one in staying:
            one.wait(PATIENCE_S)
        # Its mounts were seen in its own namespace alone, and are gone: here are its files and no more.
        shutil.rmtree(root, ignore_errors=True)


def _bootstrapped(folder: Path) -> None:
    root = folder / "root"
    bootstrap = ["debootstrap", "--variant=minbase", SUITE, str(root), *_mirror()]
    for last in (False, False, True):
        try:
            # In a namespace of its own, so that what it mounts is never left here.
            cache.command(["unshare", "--mount", "--fork", *bootstrap], "making a bare Debian")
            break
        except CannotRun:
            shutil.rmtree(root, ignore_errors=True)
            if last:
                raise
    cache.command(["tar", "--create", "--file", folder / "root.tar", "--directory", root, "."], "packing it")
    shutil.rmtree(root)


def _mirror() -> list[str]:
    """Where this machine has the same release from; nothing where it is another, and debootstrap's own will do."""
    which = (f"Codename: {SUITE}", "Label: Debian", "Created-By: Packages")
    told = _printed("apt-get", "indextargets", "--format", "$(REPO_URI)", *which).split()
    return [address for address in told if "://" in address][:1]


def _as_guest(root: Path) -> dict[str, str]:
    """The environment of the machine's terminals, with what this one's says of where packages come from."""
    settings = re.findall(r"^Acquire::(?:Check|https?::).*\n", _printed("apt-config", "dump"), flags=re.MULTILINE)
    (root / "etc" / "apt" / "apt.conf.d" / "99guest").write_text(_APT + "".join(settings))
    (root / "etc" / "dpkg" / "dpkg.cfg.d" / "guest").write_text("force-unsafe-io\n")
    # What is installed while the network is this machine's must not begin to serve on it (invoke-rc.d(8)).
    policy = root / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
    (root / _PIP_CACHE).mkdir(parents=True)
    environment = {
        "HOME": "/root",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "PATH": _PATH,
        "DEBIAN_FRONTEND": "noninteractive",
    }
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    for name, value in {**proxies, **_pip_settings()}.items():
        environment[name] = _brought(Path(value), root) if value.startswith("/") else value
    return {**environment, "PIP_CACHE_DIR": f"/{_PIP_CACHE}"}


def _pip_settings() -> dict[str, str]:
    """pip's configuration as variables, wherever it stands."""
    listed = _printed(sys.executable, "-m", "pip", "config", "list").splitlines()
    settings = {}
    # Variables win over files.
    for line in sorted(listed, key=lambda line: line.startswith(":env:")):
        if found := re.fullmatch(r"[^.]+\.([a-z-]+)='(.*)'", line):
            settings[f"PIP_{found[1].upper().replace('-', '_')}"] = found[2]
    return settings


def _brought(path: Path, root: Path) -> str:
    """A file or folder of this machine, copied into the other; its name there."""
    there = Path(_HOST, path.name)
    if path.is_dir():
        shutil.copytree(path, root / there, dirs_exist_ok=True)
    elif path.is_file():
        shutil.copyfile(path, root / there)
    return f"/{there}"


def _printed(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
