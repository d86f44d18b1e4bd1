"""Everything that runs: `startgate serve` with two workers, two nodes before one embedded cluster, and a small disk."""

import asyncio
import functools
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.child_of import RULES
from bench.children import ROOT, ChildError, child, python
from bench.jobs import Kind, prepare
from proxy.embedded.app import Cluster, serve_embedded
from proxy.settings import EdgeLimits

NODES = 2
WORKERS = 2
READY_S = 60.0
AS_SHIPPED_S = EdgeLimits().upstream_idle_s
_DISK = "1g"
_POLL_S = 0.05
# What dashboards read; nothing changes it, so that every answer can be compared.
OBJECTS = "kibana-objects"


# Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range): none takes such a port while whoever
# listens there is down. Where a run begins to look depends on its process, so that two at a time seldom meet.
_LOOKED_AT = itertools.count(20_000 + os.getpid() % 1000 * 12)


def port_to_keep() -> int:
    """A port of the loopback interface for something that is killed and comes back."""
    for port in _LOOKED_AT:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError  # the numbers do not end


@dataclass(slots=True)
class Node:
    """A node: where it listens, the file of what came to it, and its process while there is one. `serves`: it listens,
    and knows what signals mean."""

    port: int
    upstream_port: int
    came: Path
    process: subprocess.Popen[bytes] | None = None
    serves: bool = False

    async def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            ChildError: it ended by itself; TimeoutError: it does not listen.
        """
        command = python("bench.chaos.node", str(self.port), str(self.upstream_port), str(self.came))
        started = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stdin=subprocess.DEVNULL)
        self.process = started
        async with asyncio.timeout(READY_S):
            while not await _listens(self.port):
                # Of two faults at a time, the other one may have ended it, and starts another.
                if self.process is started and started.poll() is not None:
                    raise ChildError(f"the node at {self.port} ended with status {started.returncode}")
                await asyncio.sleep(_POLL_S)
        self.serves = self.process is not None

    def end(self) -> None:
        """Kill it."""
        self.serves = False
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: int) -> None:
        """Send a signal to it, where it serves: one that is only just starting may be ended by it."""
        if self.process is not None and self.serves:
            self.process.send_signal(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What runs. `disk`: the journal is on a disk of its own that can be made full. `stop` has Startgate end."""

    supervisor: int
    folder: Path
    cluster: Cluster
    nodes: tuple[Node, ...]
    port: int
    admin_port: int
    disk: bool
    starter: str
    stranger: str
    admin: str
    stop: Callable[[], None]

    @property
    def journal(self) -> Path:
        """The journal's folder."""
        return self.folder / "journal"

    @property
    def rules(self) -> Path:
        """The file of rules."""
        return self.folder / "rules" / "start.yml"

    @property
    def ports(self) -> dict[int, str]:
        """Which ports there are, by what listens at them."""
        return {self.port: "listen", self.admin_port: "admin"} | {
            node.port: f"node-{number}" for number, node in enumerate(self.nodes, 1)
        }

    def log(self) -> str:
        """What Startgate logged."""
        return (self.folder / "serve.log").read_text(errors="replace")


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True


def mount(folder: Path) -> bool:
    """Put a disk of its own at the folder; False where this user may not."""
    folder.mkdir(mode=0o700)
    asked = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=700", "tmpfs", str(folder)]
    return shutil.which("mount") is not None and subprocess.run(asked, capture_output=True, check=False).returncode == 0


def resize(folder: Path, size: str) -> None:
    """Make the disk so big. Raises CalledProcessError."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True, capture_output=True)


def full(folder: Path) -> None:
    """Leave the disk no room. Smaller than what is on it is refused: if that grew meanwhile, there is another try."""
    for _ in range(20):
        held = os.statvfs(folder)
        with suppress(subprocess.CalledProcessError):
            return resize(folder, str((held.f_blocks - held.f_bfree) * held.f_frsize))
    return None


def room(folder: Path) -> None:
    """Give it back."""
    resize(folder, _DISK)


def configure(folder: Path, nodes: tuple[Node, ...], key: str, ports: tuple[int, int], idle_s: float) -> Path:
    """Write a configuration with key and rules beside it; its path. `idle_s`: see `running`."""
    secret = folder / "api-key"
    secret.touch(mode=0o600)
    secret.write_text(key)
    (folder / "rules").mkdir()
    shutil.copy(RULES / "start.yml", folder / "rules" / "start.yml")
    path = folder / "startgate.yml"
    path.write_text(
        f"listen: 127.0.0.1:{ports[0]}\n"
        f"workers: {WORKERS}\n"
        f"cluster:\n"
        f"  nodes: {json.dumps([f'http://127.0.0.1:{node.port}' for node in nodes])}\n"
        f"  service: {{api_key_file: api-key}}\n"
        f"rules: rules\n"
        f"journal: {{path: journal, rotate: {{size_bytes: 1048576}}}}\n"
        f"admin: {{listen: '127.0.0.1:{ports[1]}'}}\n"
        f"limits: {{gate: {{follow_up_poll_s: 0.25}}, edge: {{upstream_idle_s: {idle_s}}}}}\n"
    )
    return path


@asynccontextmanager
async def running(idle_s: float = AS_SHIPPED_S) -> AsyncIterator[Place]:
    """Everything, taken down at the end; where the run itself breaks off, what was logged is kept. `idle_s` is for how
    long workers keep an idle connection to a node.

    Raises:
        ChildError: a part did not start; the message holds what it logged.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-chaos-")))
        stack.push(functools.partial(_keep_log, folder / "serve.log"))
        disk = await asyncio.to_thread(mount, folder / "journal")
        if disk:
            stack.callback(subprocess.run, ["umount", "-l", str(folder / "journal")], check=False)
        cluster = await stack.enter_async_context(serve_embedded())
        first, denied = await prepare(cluster, counted=0, sampled=0, rounds=0, kinds=(Kind.FIRST, Kind.DENIED))
        await _objects(cluster)
        nodes = tuple(Node(port_to_keep(), cluster.port, folder / f"node-{number}") for number in range(NODES))
        for node in nodes:
            stack.callback(node.end)
            await node.start()
        ports = port_to_keep(), port_to_keep()
        path = configure(folder, nodes, cluster.add_api_key("gate"), ports, idle_s)
        kept = stack.enter_context(ExitStack())
        command = python("proxy", "serve", "--config", str(path))
        supervisor = await asyncio.to_thread(
            kept.enter_context, child(command, log=folder / "serve.log", listens=ports[0])
        )
        yield Place(
            supervisor=supervisor,
            folder=folder,
            cluster=cluster,
            nodes=nodes,
            port=ports[0],
            admin_port=ports[1],
            disk=disk,
            starter=first.authorization,
            stranger=denied.authorization,
            admin=cluster.superuser,
            stop=kept.close,
        )


def _keep_log(log: Path, failed: type[BaseException] | None, *_: object) -> None:
    if failed is not None and log.exists():
        kept = shutil.copy(log, tempfile.mkdtemp(prefix="startgate-chaos-"))
        print(f"the run broke off ({failed.__name__}); what Startgate logged is kept: {kept}", file=sys.stderr)


async def _objects(cluster: Cluster) -> None:
    """Saved objects, as a dashboard has them."""
    headers = {"authorization": cluster.superuser, "content-type": "application/json"}
    async with aiohttp.ClientSession(cluster.url, headers=headers) as session:
        for number in range(10):
            body = {"type": "visualization", "title": f"picture {number}", "references": [number]}
            async with session.put(f"/{OBJECTS}/_doc/{number}?refresh=true", json=body) as answer:
                if answer.status >= 300:
                    raise ChildError(f"the cluster did not take an object: {await answer.text()}")
