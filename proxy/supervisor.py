"""`startgate serve`: binds the addresses, starts a gate and the edge workers, keeps them running, stops them in order.

The supervisor itself touches no request: a fault in a child ends that child alone, and the others go on.
"""

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from proxy import handover, listeners, notify, preflight
from proxy.config import Config
from proxy.errors import CannotServe, ExitStatus
from proxy.handover import Heir, Offer, Taken
from proxy.logs.passing import Passing
from proxy.logs.settings import Levels
from proxy.orders import AdminOrder, EdgeOrder, GateOrder, Listener
from proxy.preflight import Found
from proxy.process import Child, command
from proxy.settings import Listen

if TYPE_CHECKING:
    from socket import socket

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Where a new version asks for the sockets, in the journal's folder: that is one Startgate's alone.
UPGRADE_SOCKET = "upgrade.sock"
# Where processes tell what they count, in a private folder.
METRICS_SOCKET = "metrics.sock"

# Beyond what a child gives its own requests to finish: the time to close and leave.
GRACE_S = 5.0
# Between two attempts to start a gate in the place of one that may still be there.
RETRY_S = 1.0


class Supervisor:
    """The processes of one Startgate. Call `start`, and `stop` in any case. `levels` reads from the configuration how
    much is logged; raises ConfigError."""

    def __init__(self, config: Config, levels: Callable[[], Levels] | None = None) -> None:
        self.config = config
        self._logging = Passing(lambda: (*self._children, *self._coming, self.heir), levels)
        # A version that takes over. Its gate is started last, by when much may have been told.
        self.heir = Heir()
        self._coming: tuple[Child, ...] = ()
        self.gate: Child | None = None
        self.edges: list[Child] = []
        self.admin: Child | None = None
        self._sockets: list[list[tuple[Listen, socket]]] = []
        self._folder: Path | None = None
        self._gate_socket = ""
        self.handed_over = False
        self._output: int | None = None
        self._metrics_folder: Path | None = None

    @property
    def addresses(self) -> list[str]:
        """What is listened on, as a client would write it."""
        if not self._sockets:
            return []
        shown = [listeners.shown(one, tls=listen.tls is not None) for listen, one in self._sockets[0]]
        # A worker may have several sockets of one address: those of a version that had more workers.
        return list(dict.fromkeys(shown))

    @property
    def _drain_s(self) -> float:
        return self.config.edge_limits.drain_s + self.config.gate_limits.drain_s

    async def start(self, taken: Taken | None = None) -> None:
        """Returns when every process serves. With what a running version handed over, that one has ended by then.

        Raises:
            CannotServe: an address cannot be bound, or a process did not start; `stop` still must be called.
        """
        self._sockets = self._listening(taken)
        self._gate_socket = gate_socket = self._where_the_gate_is(taken)
        # First: the others are told where it is.
        self.admin = self._admin_child(gate_socket)
        gate = self._gate_child(gate_socket)
        self.edges = [self._edge_child(number, gate_socket) for number in range(self.config.workers)]
        if taken is None:
            self.gate = gate
            await _started([gate, *self.edges], self.admin)
            return
        self._coming = (gate,)
        try:
            await self._started_beside(taken, gate_socket)
        finally:
            # Whatever happened: if it was not told that we serve, the old version goes on.
            taken.leave()
        self._coming, self.gate = (), gate
        await _started_in_time(gate, self._patience_s(taken))

    async def _started_beside(self, taken: Taken, gate_socket: str) -> None:
        """Starts the workers beside the old version, and returns when that has ended."""
        # The old gate judges what the new workers bring, for as long as it is there: they find it at the same place.
        await _started(self.edges, self.admin)
        taken.ready()
        logger.info("the new workers serve; waiting for the old version to finish")
        # Its configuration may be another one.
        await taken.over(self._patience_s(taken), self._logging.inherited)
        if self.config.gate_socket is None and taken.offer.private:
            # Not before: while the old gate listens in its folder, a start that fails must not take it away.
            self._folder = Path(gate_socket).parent

    def _patience_s(self, taken: Taken) -> float:
        return max(self._drain_s, taken.offer.drain_s) + 4 * GRACE_S

    def offer(self) -> tuple[Offer, list[int]]:
        """What a new version is handed, with the descriptors of the sockets."""
        pairs = [pair for held in self._sockets for pair in held]
        offer = Offer(
            addresses=tuple((listen.host, listen.port) for listen, _ in pairs),
            gate_socket=self._gate_socket,
            private=self._folder is not None,
            drain_s=self._drain_s,
        )
        return offer, [one.fileno() for _, one in pairs]

    async def stop(self) -> None:
        """Stops accepting, lets requests in flight finish within the limits of the configuration, and ends everything.

        The gate goes last: starts that the workers still carry need it.
        """
        listeners.close([[one for _, one in held] for held in self._sockets])
        patience_s = self.config.edge_limits.drain_s + GRACE_S
        await asyncio.gather(*(child.stop(patience_s) for child in self.edges))
        if self.gate is not None:
            await self.gate.stop(self.config.gate_limits.drain_s + GRACE_S)
        if self.admin is not None:
            await self.admin.stop(GRACE_S)
        if self._metrics_folder is not None:
            shutil.rmtree(self._metrics_folder, ignore_errors=True)
        if self._folder is not None and not self.handed_over:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Ends every child at once, for an operator who will not wait."""
        for child in self._children:
            child.signal(signal.SIGKILL)

    @property
    def _children(self) -> list[Child]:
        return [*self.edges, *(one for one in (self.gate, self.admin) if one is not None)]

    def reload(self) -> None:
        """Has the gate read the rules again, and the workers the certificates; one that is just starting, as soon as it
        serves. Before that, all go on in new files of the log, as much as the configuration says now."""
        self._logging.reload()
        for child in self._children:
            child.signal_serving(signal.SIGHUP)

    def _listening(self, taken: Taken | None) -> list[list[tuple[Listen, "socket"]]]:
        listens, workers = self.config.listen, self.config.workers
        if taken is not None:
            pairs = list(zip(taken.offer.addresses, taken.sockets, strict=True))
            return listeners.adopt(listens, workers, pairs)
        return [list(zip(listens, held, strict=True)) for held in listeners.bind(listens, workers)]

    def _where_the_gate_is(self, taken: Taken | None) -> str:
        if self.config.gate_socket is not None:
            return self.config.gate_socket
        if taken is not None and taken.offer.private:
            return taken.offer.gate_socket
        return str(self._private_folder() / "gate.sock")

    def _private_folder(self) -> Path:
        # mkdtemp makes it with mode 0700: nobody else may connect to the gate and claim to be an edge.
        self._folder = Path(tempfile.mkdtemp(prefix="startgate-"))
        return self._folder

    def _admin_child(self, gate_socket: str) -> Child | None:
        if self.config.admin is None:
            return None
        # A folder of its own: the gate's is handed on to a new version, and this one is not.
        self._metrics_folder = Path(tempfile.mkdtemp(prefix="startgate-"))
        names = ("gate", *(edge_name(number) for number in range(self.config.workers)))
        settings = self.config.admin_settings(self.config.admin, names, gate_socket)
        order = AdminOrder(
            name="admin", settings=settings, metrics=str(self._metrics_folder / METRICS_SOCKET), log=self.config.log
        )
        return Child("admin", command("admin"), msgspec.json.encode(order))

    @property
    def _metrics(self) -> str | None:
        return None if self._metrics_folder is None else str(self._metrics_folder / METRICS_SOCKET)

    def _gate_child(self, gate_socket: str) -> Child:
        settings = self.config.gate_settings(gate_socket)
        inherited: list[int] = []
        if settings.sinks.stdout is not None:
            # The gate's own standard output is where it says that it serves. Kept open: a gate that dies is made again.
            self._output = os.dup(settings.sinks.stdout) if self._output is None else self._output
            settings = replace(settings, sinks=replace(settings.sinks, stdout=self._output))
            inherited.append(self._output)
        order = GateOrder(name="gate", settings=settings, metrics=self._metrics, log=self.config.log)
        return Child("gate", command("gate"), msgspec.json.encode(order), inherited, self._logging.heard)

    def _edge_child(self, number: int, gate_socket: str) -> Child:
        name = edge_name(number)
        sockets = self._sockets[number]
        inherited = tuple(
            Listener(fd=one.fileno(), tls=listen.tls, proxy_protocol=listen.proxy_protocol) for listen, one in sockets
        )
        settings = self.config.edge_settings(gate_socket)
        order = EdgeOrder(name=name, settings=settings, listeners=inherited, metrics=self._metrics, log=self.config.log)
        return Child(name, command("edge"), msgspec.json.encode(order), [one.fileno() for _, one in sockets])


def edge_name(number: int) -> str:
    """The name of a worker; `number` counts from 0."""
    return f"edge-{number + 1}"


async def _started(children: list[Child], spare: Child | None = None) -> None:
    """Starts them side by side and keeps them running; raises what the first of them raises. Without `spare`, whose
    failure is logged, everything else goes on."""
    everybody = [*children, spare] if spare is not None else children
    outcomes = await asyncio.gather(*(child.start() for child in everybody), return_exceptions=True)
    for child, outcome in zip(everybody, outcomes, strict=True):
        if child is spare and isinstance(outcome, CannotServe | OSError):
            logger.error("%s", outcome)
        elif outcome is not None:
            raise outcome
    for child in everybody:
        child.keep()


async def _started_in_time(gate: Child, patience_s: float) -> None:
    """Starts the gate after that of an old version, and keeps it running. The gate of a version that was killed lives
    on to finish what it has, and has the journal until then; meanwhile all other traffic is served.

    Raises:
        CannotServe: it does not start within `patience_s`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while True:
        try:
            await _started([gate])
        except CannotServe as failure:
            if loop.time() >= end:
                raise
            logger.warning("%s; it is tried again: the old version's may not have ended yet", failure)
            await asyncio.sleep(RETRY_S)
        else:
            return


def ready_line(config: Config, addresses: list[str], found: Found) -> str:
    """The one line that says what is served: addresses, cluster, rules, journal."""
    files = len(found.rules.files)
    rules = f"rules {found.rules.revision} ({files} file{'' if files == 1 else 's'})"
    return (
        f"startgate {version('startgate')} ready: {', '.join(addresses)} -> {found.cluster} "
        f"at {', '.join(config.nodes)}; {rules}; journal {config.journal}"
    )


async def serve(
    config: Config,
    *,
    wait_s: float,
    announce: Callable[[str], None],
    takeover: bool = False,
    levels: Callable[[], Levels] | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT, or until a new version has taken over; returns the exit status. A second signal
    ends without waiting.

    `wait_s` is how long to wait for the cluster, in seconds; `announce` takes the line that says that it is ready;
    `takeover`: the sockets are those of the version that runs with the same journal, which then ends; `levels` as for
    `Supervisor`.

    Raises:
        RulesError, CannotServe: as `preflight.run` and `Supervisor.start`.
    """
    stop = asyncio.Event()
    supervisor = Supervisor(config, levels)
    _on_signals(stop, supervisor)
    upgrade = Path(config.journal) / UPGRADE_SOCKET
    if not takeover:
        # A taken port is known at once; the cluster may take its time.
        listeners.prove_free(config.listen)
    manager = notify.manager(os.environ)
    manager.starting(f"waiting for the cluster at {', '.join(config.nodes)}")
    found = await _unless(stop, preflight.run(config.gate_settings(""), wait_s=wait_s))
    if found is None:
        return ExitStatus.OK
    for warning in found.warnings:
        logger.warning("%s", warning)
    try:
        taken = await asyncio.to_thread(handover.take, upgrade) if takeover else None
        await _unless(stop, supervisor.start(taken))
        if stop.is_set():
            # In the middle of a start. A version that was to be taken over from goes on, unless it has been told.
            return ExitStatus.OK
        line = ready_line(config, supervisor.addresses, found)

        def taken_over() -> None:
            supervisor.handed_over = True
            stop.set()

        async with handover.offering(upgrade, supervisor.offer, taken_over, supervisor.heir), manager.watched():
            # Not before: whoever reads the line may take over at once.
            announce(line)
            manager.ready(line)
            await stop.wait()
        manager.stopping()
        logger.info("stopping: requests in flight may finish")
    finally:
        await supervisor.stop()
    return ExitStatus.OK


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What the work gives; None where `stop` is set before, and the work is then cancelled."""
    # Not `spawn`: a failure is the caller's to report, and needs no traceback in the log.
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


def _on_signals(stop: asyncio.Event, supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()

    asked = False

    def ask() -> None:
        nonlocal asked
        # The first after a new version took over is no second one: what is in flight still may finish.
        if asked:
            supervisor.kill()
        asked = True
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    loop.add_signal_handler(signal.SIGHUP, supervisor.reload)
