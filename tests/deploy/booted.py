"""A machine with systemd as process 1, for the length of a test: the host's files beneath, a network of its own, and
all that is written in memory. It takes root, and nothing but systemd and util-linux."""

import contextlib
import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.embedded.app import basic
from proxy.embedded.security.store import ELASTIC_PASSWORD
from tests.deploy.booted_init import SYSTEMD
from tests.deploy.neighbours import ROOT

PATIENCE_S = 90
# <sched.h>
_CLONE_NEWNET = 0x40000000
# What a host's administrator has on a fresh system. A Python under somebody's home is of no use to a service.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--cgroup")
# Settings that say how packages are had.
_PACKAGES = ("pip_", "http_", "https_", "no_", "ssl_", "requests_")
# Clock and modules are the host's.
_WITHOUT = "-sys_time,-sys_module,-sys_rawio,-wake_alarm"


class CannotBootError(Exception):
    """This host has not what it takes, or the machine ended before it was up; the message says what was seen."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is up. `init` is its process 1, as the host numbers it."""

    init: int

    @property
    def root(self) -> Path:
        """Its files, from the host."""
        return Path(f"/proc/{self.init}/root")

    def run(self, command: str, *, online: bool = False) -> subprocess.CompletedProcess[str]:
        """A line of shell, as root in the checkout. `online` gives it the host's network: the machine's own ends at
        its loopback."""
        namespaces = _NAMESPACES if online else (*_NAMESPACES, "--net")
        # How packages are had (an index, a cache) is the host's; everything else is left behind.
        kept = {name: value for name, value in os.environ.items() if name.lower().startswith(_PACKAGES)}
        settings = {"PATH": _PATH, "HOME": os.environ.get("HOME", "/root"), "LANG": "C.UTF-8", **kept}
        inside = [
            "env",
            f"--chdir={ROOT}",
            "--ignore-environment",
            *(f"{name}={value}" for name, value in settings.items()),
        ]
        return subprocess.run(
            ["nsenter", f"--target={self.init}", *namespaces, *inside, "bash", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE_S * 2,
        )

    def done(self, command: str, *, online: bool = False) -> str:
        """What a line of shell prints that must go well."""
        ran = self.run(command, online=online)
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit, by `systemctl show`."""
        return self.done(f"systemctl show --property={name} --value {unit}").strip()

    def log(self, unit: str) -> str:
        """All lines of a unit in the machine's journal."""
        return self.done(f"journalctl --sync; journalctl --unit={unit} --output=cat --no-pager")

    def connected(self, port: int) -> socket.socket:
        """A connection to a port of the machine's loopback; OSError as from a connection of the machine's own."""
        found: list[socket.socket | OSError] = []
        # A socket stays in the network that its thread was in; the thread ends, and the others never moved.
        thread = threading.Thread(target=lambda: found.append(_within(self.init, port)))
        thread.start()
        thread.join()
        (one,) = found
        if isinstance(one, OSError):
            raise one
        return one


def _within(init: int, port: int) -> socket.socket | OSError:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with Path(f"/proc/{init}/ns/net").open() as network:
            if libc.setns(network.fileno(), _CLONE_NEWNET) != 0:
                return OSError(ctypes.get_errno(), "setns")
        return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    except OSError as error:
        return error


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody in the machine who speaks HTTPS to a port of it, as `elastic`."""

    machine: Machine
    port: int
    context: ssl.SSLContext

    def connection(self) -> http.client.HTTPSConnection:
        """One that is open."""
        made = http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE_S)
        made.sock = self.context.wrap_socket(self.machine.connected(self.port), server_hostname="localhost")
        return made

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request on a connection of its own."""
        with contextlib.closing(self.connection()) as one:
            return exchanged(one, method, path, body)


def exchanged(connection: http.client.HTTPSConnection, method: str, path: str, body: object = None) -> Answer:
    """One request on an open connection."""
    headers = {"authorization": basic("elastic", ELASTIC_PASSWORD), "content-type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return Answer(answer.status, answer.read().decode())


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits until something holds; AssertionError where it does not in good time."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"it did not come to this: {what}"
        time.sleep(0.1)


@contextmanager
def booted(folder: Path) -> Iterator[Machine]:
    """A machine, once its targets are reached. `folder` is where its memory is mounted, out of the host's sight.
    Raises CannotBootError. Whatever happens within, in the end nothing of it is left."""
    if os.geteuid() != 0 or not Path(SYSTEMD).exists() or shutil.which("nsenter") is None:
        raise CannotBootError("it takes root, systemd and util-linux")
    group = _group()
    try:
        with (folder.parent / "boot.log").open("w+") as log:
            leader = subprocess.Popen(_command(group, folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                yield _up(leader, folder.parent / "boot.log")
            finally:
                _end(leader)
    finally:
        _removed(group)


def _group() -> Path:
    """A new control group beside this process. systemd takes what is below it for its own."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    mounted = [Path(line[4]) for line in lines if line[line.index("-") + 1] == "cgroup2" and line[3] == "/"]
    mine = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    if not mounted or not mine:
        raise CannotBootError("there are no control groups of version 2")
    group = mounted[0] / mine[0].lstrip("/") / f"startgate-tests-{os.getpid()}-{time.monotonic_ns()}"
    try:
        group.mkdir()
    except OSError as error:
        raise CannotBootError(f"no control group can be made: {error}") from error
    return group


def _command(group: Path, folder: Path) -> list[str]:
    """The machine's process 1 in namespaces of its own. If this process dies, however it does, so does the machine."""
    folder.mkdir()
    into = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group)]
    apart = ["setpriv", "--pdeathsig", "KILL", "--bounding-set", _WITHOUT]
    apart += ["unshare", "--fork", "--kill-child", *_NAMESPACES, "--net"]
    return [*into, *apart, sys.executable, str(Path(__file__).parent / "booted_init.py"), str(folder), str(ROOT)]


def _up(leader: subprocess.Popen[bytes], log: Path) -> Machine:
    """The machine once it is up."""
    end = time.monotonic() + PATIENCE_S
    state = ""
    while time.monotonic() < end:
        if leader.poll() is not None:
            raise CannotBootError(f"the machine ended: {log.read_text()}")
        children = Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split()
        # Before it is systemd, it may be anywhere between the host's root and its own.
        if children and _is_systemd(children[0]):
            machine = Machine(int(children[0]))
            state = machine.run("systemctl is-system-running").stdout.strip()
            if state in {"running", "degraded"}:
                return machine
        time.sleep(0.05)
    raise CannotBootError(f"the machine is {state or 'not up'}: {log.read_text()}")


def _is_systemd(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text() == "systemd\n"
    except OSError:
        return False


def _end(leader: subprocess.Popen[bytes]) -> None:
    """With its process 1 all others of a machine are killed by the kernel, and with the last one its mounts go."""
    if leader.poll() is None:
        for child in Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
    try:
        leader.wait(PATIENCE_S)
    finally:
        leader.kill()
        leader.wait()


def _removed(group: Path) -> None:
    """The control groups, from the inmost; what was killed may take a moment to leave them."""
    until(f"nobody is in {group}", lambda: "populated 0" in (group / "cgroup.events").read_text())
    for below in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        below.rmdir()
    group.rmdir()
