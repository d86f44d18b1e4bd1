"""`run`: serves on bound sockets until told to stop, then drains."""

import asyncio
import functools
import logging
import ssl
from collections.abc import Callable, Sequence

from proxy.edge.access import Access
from proxy.edge.context import FIRST_REQUEST_S, Context
from proxy.edge.door import Door, Entrance
from proxy.edge.forwarding import forwarding
from proxy.edge.logged import kind_of_connection
from proxy.edge.members import Members
from proxy.edge.meter import Meter
from proxy.edge.nodes import gate_address, node_addresses
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.probes import keep_probing
from proxy.edge.refusals import Reason, Refusals
from proxy.edge.sides import Target
from proxy.edge.sockets import accepted
from proxy.edge.sweep import Sweep
from proxy.metrics.teller import Teller
from proxy.renewal import keep_renewed, renewable_cluster
from proxy.settings import EdgeSettings
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# Connections that the system accepts while the worker is busy; the kernel's own bound (somaxconn) may be lower.
_BACKLOG = 4096


async def run(
    settings: EdgeSettings,
    entrances: Sequence[Entrance],
    stop: asyncio.Event,
    ready: Callable[[], None],
    reload: asyncio.Event | None = None,
    teller: Teller | None = None,
    access: Access | None = None,
) -> None:
    """Serve on `entrances`, bound sockets each with what a connection must begin with, until `stop` is set.

    `ready` is called once connections are accepted. On `stop` no new ones are; those that are idle are closed, and
    requests under way have `drain_s` to finish. TLS files are read again when they change, and whenever `reload` is
    set; if they cannot be used then, what was read before stays in force. `teller` tells what is
    counted; without one nothing is. `access` is told of requests. Closes the sockets. Raises ConfigError for
    unusable nodes or TLS files before anything is served.
    """
    cluster_tls = functools.cache(functools.partial(renewable_cluster, settings.cluster_tls))
    # What is counted for metrics, the access log tells, too: when a node's connection was had.
    metered = teller is not None or access is not None
    context = make_context(settings, cluster_tls, metered=metered, access=access)
    contexts = [one.tls for one in entrances if one.tls is not None]
    if any(node.startswith("https:") for node in settings.nodes):
        contexts.append(cluster_tls())
    renewal = spawn(keep_renewed(contexts, reload or asyncio.Event()), name="edge-renewal")
    watching = _watch_nodes(context)
    if teller is not None:
        watching.append(spawn(teller.keep(Meter(context).tell), name="edge-metrics"))
    try:
        await _serve(context, entrances, stop, ready)
    finally:
        for task in watching:
            task.cancel()
        renewal.cancel()
        for client in tuple(context.clients):
            client.forsake()
        await context.notes.close()
        context.cluster.pool.close()
        context.gate.pool.close()
        context.sweep.stop()
        # The window is over with the worker.
        context.refusals.expire()


def make_context(
    settings: EdgeSettings,
    cluster_tls: Callable[[], ssl.SSLContext],
    *,
    metered: bool = False,
    access: Access | None = None,
) -> Context:
    """What the connections of a worker share; `cluster_tls` makes the context for https nodes, and is called only if
    there are any; `metered`: answers are counted; `access` as for `run`. Needs a running loop. Raises ConfigError."""
    limits = settings.limits
    addresses = node_addresses(settings.nodes, cluster_tls)
    sweep = Sweep(asyncio.get_running_loop())
    refusals = Refusals()
    sweep.add(refusals)

    def unasked(node: str) -> None:
        refusals.note(Reason.UNASKED, node, "bytes came that nobody had asked for", sweep.now)

    cluster = Target(
        Pool(addresses, limits, sweep, unasked=unasked, metered=metered),
        down="no node of the cluster can be reached",
        slow="no node of the cluster could be connected to in time",
        broken="the connection to the cluster was closed before its answer was complete",
    )
    gate = Target(
        Pool([gate_address(settings.gate_socket)], limits, sweep, gate=True, unasked=unasked, metered=metered),
        down="the gate is down; starts of data frame analytics jobs are refused while it is",
        slow="the gate did not accept a connection in time; starts of data frame analytics jobs are refused meanwhile",
        broken="the connection to the gate was closed before its answer was complete; the start may have been made",
        receipts=True,
    )
    rule = forwarding(settings.forwarded)
    return Context(
        limits=limits,
        sweep=sweep,
        cluster=cluster,
        gate=gate,
        notes=Notes(settings.gate_socket, limits),
        refusals=refusals,
        forwarding=rule,
        rewrites_sniffing=settings.sniffing == "rewrite",
        access=access,
    )


def _watch_nodes(context: Context) -> list[asyncio.Task[None]]:
    """Keeps the nodes in step with their names, and probes them, where the limits say so; to be cancelled."""
    limits, pool = context.limits, context.cluster.pool
    tasks = []
    if limits.upstream_resolve_s:
        members = Members(pool, [node.address for node in pool.nodes])
        tasks.append(spawn(members.keep(limits.upstream_resolve_s), name="edge-members"))
    if limits.upstream_probe_s:
        tasks.append(spawn(keep_probing(pool, limits.upstream_probe_s), name="edge-probes"))
    return tasks


async def _serve(
    context: Context,
    entrances: Sequence[Entrance],
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    factory = functools.partial(kind_of_connection(context), context)
    servers: list[asyncio.Server] = []
    doors: list[Door] = []
    try:
        for entrance in entrances:
            if entrance.plain:
                servers.append(await loop.create_server(factory, sock=entrance.sock, backlog=_BACKLOG))
            else:
                doors.append(Door(entrance, context))
                doors[-1].open(_BACKLOG)
        ready()
        await stop.wait()
    finally:
        # What waits in the system's queues has been told that it is connected: closing would reset it.
        queued = [raw for entrance in entrances if entrance.plain for raw in accepted(entrance.sock)]
        for server in servers:
            server.close()
        for door in doors:
            door.close()
    for raw in queued:
        await loop.connect_accepted_socket(factory, raw)
    await _drain(context, doors)


async def _drain(context: Context, doors: Sequence[Door]) -> None:
    context.drain()
    try:
        async with asyncio.timeout(context.limits.drain_s):
            # Who is in the middle of a handshake did everything right, too, and has as long as who was just before.
            await asyncio.gather(*(door.settle(FIRST_REQUEST_S) for door in doors))
            while context.clients:
                context.empty.clear()
                await context.empty.wait()
    except TimeoutError:
        if context.clients:
            logger.warning("%d connections were cut: their requests did not finish in time", len(context.clients))
    finally:
        for door in doors:
            door.forsake()
