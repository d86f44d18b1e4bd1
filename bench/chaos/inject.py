"""How each fault is brought about, and when it is over: its window ends when a probe finds that all is as before."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.chaos import place as places
from bench.chaos.ledger import Ledger
from bench.chaos.place import WORKERS, Place
from bench.chaos.schedule import Event, Fault
from bench.chaos.vitals import named
from bench.chaos.wire import Broken, Client

# Within this, everything must be as before; what takes longer is a violation by itself.
RECOVERS_S = 60.0
# What was under way when the probe was answered is answered within this; so is a retry of a worker that backed off.
GRACE_S = 0.5
_POLL_S = 0.1
_BROKEN = "\nstart_data_frame_analytics: {reqire: [\n"


@dataclass(slots=True)
class Injector:
    """Plays a schedule. `late` are faults that were not over in time, `skipped` those that cannot be brought about."""

    place: Place
    ledger: Ledger
    late: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    done: dict[Fault, list[float]] = field(default_factory=dict)
    _busy: dict[Fault, asyncio.Lock] = field(default_factory=dict)
    _rules: int = 0
    _shipped: str = ""

    async def ready(self) -> None:
        """Wait until starts are judged and the admin port answers, before anything is injected.

        Raises:
            TimeoutError: they are not within a minute.
        """
        async with asyncio.timeout(RECOVERS_S):
            while not (await self._starts_are_judged() and await self._admin_answers()):  # noqa: ASYNC110 -- processes
                await asyncio.sleep(_POLL_S)

    async def play(self, events: Sequence[Event], began: float) -> None:
        """All events at their times, to the end of the last."""
        self._shipped = self.place.rules.read_text()
        async with asyncio.TaskGroup() as group:
            for event in events:
                await asyncio.sleep(max(0.0, began + event.at_s - time.monotonic()))
                group.create_task(self._one(event))

    async def _one(self, event: Event) -> None:
        if event.fault is Fault.DISK_FULL and not self.place.disk:
            self.skipped.append(f"{event.fault} at {event.at_s:g} s")
            return
        lock = self._busy.setdefault(event.fault, asyncio.Lock())
        async with lock:
            with self.ledger.window(event.fault) as window:
                async with self._bringing(event):
                    await asyncio.sleep(event.lasts_s)
                await self._over(event)
                await asyncio.sleep(GRACE_S)
            self.done.setdefault(event.fault, []).append(window.ended - window.began - GRACE_S)

    @asynccontextmanager
    async def _bringing(self, event: Event) -> AsyncIterator[None]:
        """The fault; what is to be taken back is at the end."""
        number = int(event.at_s * 1000)
        match event.fault:
            case Fault.RELOAD_GOOD:
                self._rules += 1
                await asyncio.to_thread(self._reload, f"{self._shipped}\n# {self._rules}\n")
                yield
            case Fault.RELOAD_BAD:
                await asyncio.to_thread(self._reload, self._shipped + _BROKEN)
                yield
                await asyncio.to_thread(self._reload, self._shipped)
            case Fault.DISK_FULL:
                await asyncio.to_thread(places.full, self.place.journal)
                yield
                await asyncio.to_thread(places.room, self.place.journal)
            case Fault.GATE_KILL | Fault.ADMIN_KILL | Fault.WORKER_KILL:
                self._kill(event.fault, number)
                yield
            case _:
                async with self._of_nodes(event.fault, number % places.NODES):
                    yield

    @asynccontextmanager
    async def _of_nodes(self, fault: Fault, number: int) -> AsyncIterator[None]:
        """A fault of the node of this number, or of all."""
        nodes = self.place.nodes if fault is Fault.NODES_AWAY else self.place.nodes[number : number + 1]
        if fault in (Fault.NODE_HANG, Fault.RESETS):
            nodes[0].signal(signal.SIGSTOP if fault is Fault.NODE_HANG else signal.SIGUSR1)
            yield
            nodes[0].signal(signal.SIGCONT)
            return
        for node in nodes:
            await asyncio.to_thread(node.end)
        yield
        for node in nodes:
            if node.process is None:  # of two faults at a time, the other one may have started it
                await node.start()

    def _reload(self, text: str) -> None:
        """As a deployment does: a new file over the old one, and a signal."""
        draft = self.place.rules.with_suffix(".draft")
        draft.write_text(text)
        draft.rename(self.place.rules)
        os.kill(self.place.supervisor, signal.SIGHUP)

    def _kill(self, fault: Fault, number: int) -> None:
        name = {Fault.GATE_KILL: "gate", Fault.ADMIN_KILL: "admin"}.get(fault, f"edge-{number % WORKERS + 1}")
        pid = named(self.place.supervisor).get(name)
        if pid is None:  # it has just been killed by something else
            return
        os.kill(pid, signal.SIGKILL)

    async def _over(self, event: Event) -> None:
        """Wait until what this fault took is there again."""
        probes: dict[Fault, Callable[[], Awaitable[bool]]] = {
            Fault.ADMIN_KILL: self._admin_answers,
            Fault.WORKER_KILL: self._all_run,
        }
        probe = probes.get(event.fault, self._starts_are_judged)
        ends = time.monotonic() + RECOVERS_S
        while not await probe():
            if time.monotonic() > ends:
                self.late.append(f"{event.fault} at {event.at_s:g} s was not over within {RECOVERS_S:g} s")
                return
            await asyncio.sleep(_POLL_S)

    async def _starts_are_judged(self) -> bool:
        """Whether a start of a job that does not exist is answered with 404: gate, journal and cluster are there."""
        target = "/_ml/data_frame/analytics/no-such-job/_start"
        return await self._answered(self.place.port, "POST", target, 404)

    async def _admin_answers(self) -> bool:
        return await self._answered(self.place.admin_port, "GET", "/health/live", 200)

    async def _all_run(self) -> bool:
        """Whether as many workers run as there should be, and one of them answers."""
        workers = [name for name in named(self.place.supervisor) if name.startswith("edge")]
        return len(workers) == WORKERS and await self._answered(self.place.port, "GET", "/chaos/echo/probe/1", 200)

    async def _answered(self, port: int, method: str, target: str, status: int) -> bool:
        client = Client(port)
        try:
            reply = await client.ask(method, target, {"authorization": self.place.admin})
        except Broken:
            return False
        finally:
            client.close()
        return reply.status == status
