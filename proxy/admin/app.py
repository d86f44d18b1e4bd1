"""`run`: serves the admin port until told to stop. Nobody depends on it."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from proxy.admin.access.acts import Acts
from proxy.admin.access.cluster import Realm
from proxy.admin.access.door import Door
from proxy.admin.access.origin import Hosts
from proxy.admin.access.tokens import Tokens
from proxy.admin.connections import Connections
from proxy.admin.dispatch import Guard, make_app
from proxy.admin.parts import Parts
from proxy.admin.server import Admin
from proxy.admin.sites import LocalSocket, bind
from proxy.admin.surface import opened
from proxy.cluster.transport import Transport
from proxy.control.client import Control
from proxy.metrics.collector import Collector, collecting
from proxy.metrics.snapshot import Snapshot, Telling
from proxy.metrics.teller import Teller
from proxy.metrics.vitals import LoopLag
from proxy.renewal import keep_renewed, renewable_listener
from proxy.settings import AdminSettings
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# For answers under way.
LAST_ANSWERS_S: Final = 0.5


async def run(
    settings: AdminSettings,
    metrics: Path,
    stop: asyncio.Event,
    ready: Callable[[], None],
    bound: Callable[[int], None] = lambda _port: None,
    reload: asyncio.Event | None = None,
) -> None:
    """Gather what processes tell at the socket `metrics`, and serve, until `stop` is set.

    `ready` is called once processes can tell, and it was tried to bind; `bound`, with the port, once there is one
    to ask at; `reload` asks to read certificates again. Raises OSError: the socket of the processes cannot be made;
    ConfigError: a certificate cannot be used.
    """
    context = None if settings.listen.tls is None else renewable_listener(settings.listen.tls)
    async with _parts(settings, metrics) as parts, opened(parts) as surface:
        guard = Guard(door=parts.door, acts=parts.acts, hosts=Hosts(settings.listen), limits=settings.listen.limits)
        connections = Connections(settings.listen.limits.connections)
        app = make_app(surface, guard)
        app.middlewares.insert(0, connections.noted)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS_S)
        await runner.setup()
        try:
            async with _listening(runner, settings, connections, context, bound, reload or asyncio.Event()):
                ready()
                await stop.wait()
        finally:
            await runner.cleanup()


@asynccontextmanager
async def _listening(
    runner: web.AppRunner,
    settings: AdminSettings,
    connections: Connections,
    context: ssl.SSLContext | None,
    bound: Callable[[int], None],
    reload: asyncio.Event,
) -> AsyncIterator[None]:
    """Listen everywhere meanwhile. Where an address is free, whoever hears that all serve can ask at once."""
    tried = asyncio.Event()
    tasks = [spawn(bind(runner, settings.listen, context, bound, tried, connections), name="admin-bind")]
    waits = [tried]
    local = None if settings.listen.socket is None else LocalSocket(runner, Path(settings.listen.socket))
    if local is not None:
        waits.append(asyncio.Event())
        tasks.append(spawn(local.bind(waits[-1]), name="admin-socket"))
    for task, event in zip(list(tasks), waits, strict=True):
        _set_after(task, event)
    if context is not None:
        tasks.append(spawn(keep_renewed([context], reload), name="admin-certificates"))
    try:
        await asyncio.gather(*(event.wait() for event in waits))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if local is not None:
            local.remove()


def _set_after(task: asyncio.Task[None], event: asyncio.Event) -> None:
    task.add_done_callback(lambda _: event.set())


@asynccontextmanager
async def _parts(settings: AdminSettings, metrics: Path) -> AsyncIterator[Parts]:
    """What everything is made from, while it is needed."""
    collector, lag = Collector(), LoopLag()
    teller = Teller("admin", str(metrics))

    def own(tell: Callable[[Telling], None]) -> Snapshot:
        return teller.snapshot(tell, lag)

    limits = settings.listen.limits
    control = Control(Path(settings.control))
    acts = Acts(control.record, limits.acts_per_minute)
    cluster = Transport(settings.nodes, settings.cluster_tls, limits.cluster_call_s)
    access = settings.listen.access
    door = Door(limits, Realm(cluster, access, limits.cluster_call_s), Tokens(access.tokens), acts, time.monotonic)
    parts = Parts(
        settings=settings,
        collector=collector,
        control=control,
        cluster=cluster,
        door=door,
        acts=acts,
        admin=Admin(settings, collector, own),
        own=own,
    )
    try:
        async with collecting(collector, metrics):
            yield parts
    finally:
        lag.stop()
        await acts.close()
        await cluster.close()
