"""`run`: serves on bound sockets until told to stop, then drains."""

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from proxy.edge.client import ClientConnection
from proxy.edge.context import Context
from proxy.edge.exchange import Target
from proxy.edge.members import Members
from proxy.edge.nodes import gate_address, node_addresses
from proxy.edge.pool import Pool
from proxy.edge.probes import keep_probing
from proxy.edge.sweep import Sweep
from proxy.settings import EdgeSettings
from proxy.tasks import spawn
from proxy.tls import cluster_context

logger = logging.getLogger(__name__)

# Connections that the system accepts while the worker is busy; the kernel's own bound (somaxconn) may be lower.
_BACKLOG = 4096


async def run(
    settings: EdgeSettings,
    listeners: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve on `listeners`, bound sockets with the TLS context to speak on each, until `stop` is set.

    `ready` is called once connections are accepted. On `stop` no new ones are; those that are idle are closed, and
    requests under way have `drain_s` to finish. Closes the sockets. Raises ConfigError for unusable nodes or TLS files
    before anything is served.
    """
    context = make_context(settings)
    watching = _watch_nodes(context)
    try:
        await _serve(context, listeners, stop, ready)
    finally:
        for task in watching:
            task.cancel()
        for client in tuple(context.clients):
            client.abort()
        context.cluster.pool.close()
        context.gate.pool.close()
        context.sweep.stop()


def make_context(settings: EdgeSettings) -> Context:
    """What the connections of a worker share. Needs a running loop. Raises ConfigError."""
    limits = settings.limits
    addresses = node_addresses(settings.nodes, functools.partial(cluster_context, settings.cluster_tls))
    sweep = Sweep(asyncio.get_running_loop())
    cluster = Target(
        Pool(addresses, limits, sweep),
        down="no node of the cluster can be reached",
        slow="no node of the cluster could be connected to in time",
        broken="the connection to the cluster was closed before its answer was complete",
    )
    gate = Target(
        Pool([gate_address(settings.gate_socket)], limits, sweep, gate=True),
        down="the gate is down; starts of data frame analytics jobs are refused while it is",
        slow="the gate did not accept a connection in time; starts of data frame analytics jobs are refused meanwhile",
        broken="the connection to the gate was closed before its answer was complete; the start may have been made",
        receipts=True,
    )
    return Context(limits=limits, sweep=sweep, cluster=cluster, gate=gate)


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
    listeners: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    factory = functools.partial(ClientConnection, context)
    servers: list[asyncio.Server] = []
    try:
        for sock, tls in listeners:
            servers.append(await loop.create_server(factory, sock=sock, ssl=tls, backlog=_BACKLOG))
        ready()
        await stop.wait()
    finally:
        for server in servers:
            server.close()
    await _drain(context)


async def _drain(context: Context) -> None:
    context.drain()
    try:
        async with asyncio.timeout(context.limits.drain_s):
            await context.empty.wait()
    except TimeoutError:
        logger.warning("%d connections were cut: their requests did not finish in time", len(context.clients))
