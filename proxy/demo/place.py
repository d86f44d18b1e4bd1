"""Everything that the demo needs, running: an embedded cluster, the proxy in front of it, a folder of its own."""

import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy import listeners
from proxy.config import Config, load
from proxy.demo.data import PEOPLE, SERVICE_ROLE, Person
from proxy.embedded.app import serve_embedded
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.errors import CannotServe
from proxy.settings import Listen
from proxy.supervisor import Supervisor

HOST = "127.0.0.1"
# Long enough for the walk to stop a job in the middle of its analysis.
JOB_PACE_S = 0.15
# The same job by hand takes about half a minute: whoever copies lines from a terminal needs time to stop it.
BY_HAND_PACE_S = 2.0
ADMIN = Person(name="elastic", password=ELASTIC_PASSWORD, what="the superuser", role={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What runs where. `proxy` and `cluster` are base addresses, `page` that of the admin page; `jobs` are those
    of the embedded cluster."""

    proxy: str
    cluster: str
    page: str
    folder: Path
    config: Config
    jobs: Jobs

    def take_time(self) -> None:
        """From now on jobs run so slowly that they can be watched and stopped by hand."""
        self.jobs.pace_s = BY_HAND_PACE_S


@asynccontextmanager
async def running(port: int, cluster_port: int, admin_port: int = 0) -> AsyncIterator[Place]:
    """The demo's place, taken down at the end with all that is in its folder. Port 0 lets the system choose.

    Raises:
        CannotServe: a port is taken.
    """
    admin_port = admin_port or _free_port()
    for wanted, option in ((port, "--port"), (cluster_port, "--cluster-port"), (admin_port, "--admin-port")):
        _prove_free(wanted, option)
    folder = Path(tempfile.mkdtemp(prefix="startgate-demo-"))
    try:
        async with serve_embedded(HOST, cluster_port, job_pace_s=JOB_PACE_S) as cluster:
            for person in PEOPLE:
                cluster.add_role(person.name, person.role)
                cluster.add_user(person.name, person.password, [person.name])
            key = cluster.add_api_key("startgate", {"startgate": SERVICE_ROLE})
            config = load(_configure(folder, port, admin_port, cluster.url, key), {})
            supervisor = Supervisor(config)
            try:
                await supervisor.start()
                yield Place(
                    proxy=supervisor.addresses[0],
                    cluster=cluster.url,
                    page=f"http://{HOST}:{admin_port}",
                    folder=folder,
                    config=config,
                    jobs=cluster.world.jobs,
                )
            finally:
                await supervisor.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    """One that nobody has at this moment: which one a port 0 becomes in another process, nobody here is told."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _prove_free(port: int, option: str) -> None:
    if not port:
        return
    try:
        listeners.prove_free([Listen(host=HOST, port=port)])
    except CannotServe as taken:
        raise CannotServe(taken.exit_status, f"port {port} of {HOST} is in use; choose another with {option}") from None


def _configure(folder: Path, port: int, admin_port: int, cluster: str, key: str) -> Path:
    """Writes the configuration that `startgate serve` would be given, and the key beside it."""
    secret = folder / "api-key"
    secret.touch(mode=0o600)
    secret.write_text(key)
    path = folder / "startgate.yml"
    path.write_text(
        f"listen: {HOST}:{port}\n"
        f"cluster:\n"
        f"  nodes: [{cluster}]\n"
        f"  service: {{api_key_file: api-key}}\n"
        f"journal: {{path: journal}}\n"
        f"limits: {{gate: {{follow_up_poll_s: 0.25}}}}\n"
        f"admin: {{listen: '{HOST}:{admin_port}'}}\n"
        # What the walk tells is enough.
        f"log: {{level: error}}\n"
    )
    return path
