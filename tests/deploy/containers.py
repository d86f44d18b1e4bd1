"""A container engine for the tests, which leaves nothing behind on the machine that it runs on.

Podman, with storage and settings in a folder of the test. It runs in namespaces of its own: a network that only the
test sees, mounts that nobody else sees, and processes that end with the first of them, whatever happens to the test.
"""

import ctypes
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.deploy.containers_base import fill
from tests.doc_commands import ROOT, told

# What is built, by the document's name, and what it is built on, by the Dockerfile's.
IMAGE, BASE = "startgate:0.1.0", "docker.io/library/python:3.11-slim-bookworm"
# The same for every build of these tests; a reader takes that of the commit.
EPOCH = "1700000000"
# A network of containers that know each other by name.
NETWORK = "tests"
# A build on a busy machine; what hangs must end before CI does.
PATIENCE_S = 500
# For something that comes within seconds.
WAIT_S = 120
# What `docker` of a document is here. The health check is in images of Docker's format alone.
_FORMAT = {"BUILDAH_FORMAT": "docker"}
# <linux/sched.h>
_CLONE_NEWNET = 0x40000000
# The first process: brings up the loopback, hides what this machine keeps of other engines, and takes what is left of
# processes that ended. It ends with the test, even one that was killed, and by that all others in there do.
_HOLDER = """
import fcntl, signal, socket, struct, subprocess, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("up", flush=True)
sys.stdin.read()
"""
_SETTINGS = """
[containers]
# Limits above those of this process need a privilege that a machine for tests may lack.
default_ulimits = []
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
[engine]
# The other one, crun, refuses machines with both generations of control groups.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/libpod"
"""
_STORAGE = """
[storage]
driver = "{driver}"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
_Given = TypeVar("_Given")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got: the status, and its content as it came."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine of its own. `pid` is the process that holds its namespaces; `folder` has its storage and settings."""

    folder: Path
    pid: int

    def run(
        self, *command: str | Path, status: int | None = 0, cwd: Path = ROOT, online: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command where the engine is, but `online` in this machine's network. It must end with `status`; None
        is any.
        """
        namespaces = {kind: name for kind, name in _NAMESPACES.items() if not (online and kind == "net")}
        enter = [f"--{kind}=/proc/{self.pid}/ns/{name}" for kind, name in namespaces.items()]
        done = subprocess.run(
            ["nsenter", *enter, "env", f"--chdir={cwd}", *map(str, command)],
            cwd=cwd,
            env={**os.environ, **_FORMAT, **self._settings()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE_S,
        )
        assert status is None or done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def podman(
        self, *arguments: str | Path, status: int | None = 0, online: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """One command of Podman, as in `run`."""
        return self.run("podman", *arguments, status=status, online=online)

    def out(self, *arguments: str | Path) -> str:
        """What a command of Podman prints."""
        return self.podman(*arguments).stdout.strip()

    def inspected(self, kind: str, name: str) -> Any:
        """What the engine knows of a container or an image."""
        (found,) = json.loads(self.out("inspect", "--type", kind, name))
        return found

    def build(self, *more: str) -> None:
        """The documented build, with what pip needs on this machine to fetch what the locks name. BuildKit takes times
        from SOURCE_DATE_EPOCH; Podman has an option for it.
        """
        _, verb, *words = documented("docker build ")
        assert verb == "build"
        mounts = [f"--volume={source}:{target}:ro" for source, target in _mounted(self.folder).items()]
        self.podman("build", "--network", "host", *mounts, "--timestamp", EPOCH, *words, *more, online=True)

    def ask(self, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """A request from beside the engine, where published ports are. Raises OSError where nobody answers."""
        request = urllib.request.Request(  # noqa: S310 -- the test's own address
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        # No proxy of this machine's environment: it is not in there.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def asked() -> Answer:
            try:
                with opener.open(request, timeout=PATIENCE_S) as answer:
                    return Answer(answer.status, answer.read().decode())
            except urllib.error.HTTPError as error:
                return Answer(error.code, error.read().decode())

        return self.inside(asked)

    def inside(self, call: Callable[[], _Given]) -> _Given:
        """Calls something in the engine's network. A network is a thread's own, so a thread is spent on it."""

        def entered() -> _Given:
            with Path(f"/proc/{self.pid}/ns/net").open() as network:
                if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return call()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(entered).result()

    def _settings(self) -> dict[str, str]:
        names = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF")
        files = ("containers.conf", "storage.conf", "registries.conf")
        return {name: str(self.folder / file) for name, file in zip(names, files, strict=True)}


_NAMESPACES = {"net": "net", "mount": "mnt", "pid": "pid_for_children"}


def documented(begin: str) -> list[str]:
    """The words of the one command of docs/deployment.md that begins so."""
    (found,) = (one.text for one in told(ROOT / "docs" / "deployment.md") if one.text.startswith(begin))
    return shlex.split(re.sub(r"\$\(git log [^)]*\)", EPOCH, found))


def need_engine() -> None:
    """Skips where there is no engine, or nobody who may use it; fails where CI promises one."""
    missing = [name for name in ("podman", "runc", "aardvark-dns") if not _is_there(name)]
    if missing:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", f"{missing} is missing"
        pytest.skip(f"{missing} is missing")
    if os.geteuid() != 0:
        pytest.skip("an engine with namespaces of its own needs root")


def _is_there(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/podman:/usr/libexec/podman") is not None


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine without images. `folder` is emptied of all that it made."""
    before = _groups()
    folder.chmod(0o755)
    (folder / "networks").mkdir()
    (folder / "containers.conf").write_text(_SETTINGS.format(folder=folder))
    (folder / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable]
    holder = subprocess.Popen([*command, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    made = Engine(folder, holder.pid)
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "up\n", "namespaces cannot be made here"
        _choose_storage(made)
        yield made
        made.podman("rm", "--all", "--force", "--time", "0", status=None)
    finally:
        holder.kill()
        holder.communicate()
        _forget(folder, _groups() - before)


def _choose_storage(made: Engine) -> None:
    """Layers over layers where the file system of the folder can; else copies, which take more time and room."""
    for driver in ("overlay", "vfs"):
        (made.folder / "storage.conf").write_text(_STORAGE.format(folder=made.folder, driver=driver))
        if made.podman("info", status=None).returncode == 0:
            return
        shutil.rmtree(made.folder / "storage", ignore_errors=True)
    raise AssertionError(made.podman("info", status=None).stderr)


def _forget(folder: Path, groups: set[Path]) -> None:
    for name in ("storage", "run", "libpod", "networks"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for group in groups:
        for path in [*sorted(group.rglob("*/"), reverse=True), group]:
            with suppress(OSError):
                path.rmdir()


def _groups() -> set[Path]:
    """Groups of processes, which have no namespace here: what the engine makes for all its containers."""
    root = Path("/sys/fs/cgroup")
    return {*root.glob("libpod_parent"), *root.glob("*/libpod_parent")}


def with_base(podman: Engine) -> None:
    """Gives an engine the image that everything is built on."""
    root, archive = podman.folder / "base", podman.folder / "base.tar"
    fill(root)
    # A build that mounts something leaves an empty file or folder in its place; it shall be no difference to the base.
    for source, target in _mounted(podman.folder).items():
        there = root / target.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            there.mkdir(exist_ok=True)
        else:
            there.touch()
    podman.run("tar", "-C", root, "-cf", archive, ".")
    podman.podman("import", archive, BASE)
    shutil.rmtree(root)
    archive.unlink()


def _mounted(folder: Path) -> dict[Path, str]:
    """What a build has of this machine, with where: pip's settings, so that it knows where packages are and whom to
    trust, and the files that these name.
    """
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    settings = folder / "pip.conf"
    lines, found = ["[global]"], {settings: "/etc/pip.conf"}
    for name, value in re.findall(r"^[^=]*\.([\w-]+)='(.*)'$", told.stdout, re.MULTILINE):
        if value.startswith("/"):
            if not Path(value).exists():
                continue
            found[Path(value)] = value
        lines.append(f"{name} = {value}")
    settings.write_text("\n".join(dict.fromkeys(lines)) + "\n")
    return found


def until(what: Callable[[], bool], told: Callable[[], str]) -> None:
    """Waits for something, and fails with what is told if it does not come."""
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, told()
        time.sleep(0.2)
