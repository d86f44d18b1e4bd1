"""An admin port with processes that tell by hand, for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from proxy.admin import reach
from proxy.admin.app import run
from proxy.metrics import collector
from proxy.metrics.snapshot import Telling
from proxy.metrics.teller import Teller
from proxy.settings import AdminPort, AdminSettings
from proxy.tasks import spawn

PATIENCE_S = 30.0


@dataclass(slots=True)
class Gate:
    """What the gate tells."""

    rules: bool = True
    journal: bool = True

    def tell(self, telling: Telling) -> None:
        """All of it."""
        telling.check("rules", "as told", ok=self.rules)
        telling.check("journal", "as told", ok=self.journal)
        telling.add("startgate_rules", 1, "abc")


@dataclass(slots=True)
class Serving:
    """A running admin port. `folder` holds its socket; `gate` is what its gate tells."""

    port: int
    folder: Path
    gate: Gate
    tasks: dict[str, asyncio.Task[None]]

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of one request."""
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            return response.status, await response.read(), dict(response.headers)

    async def until(self, path: str, status: int) -> bytes:
        """Ask until it is answered with this status; the body then."""
        async with asyncio.timeout(PATIENCE_S):
            while (answered := await self.get(path))[0] != status:  # noqa: ASYNC110 -- the answer is another process's in earnest
                await asyncio.sleep(0.02)
        return answered[1]

    def begin(self, name: str) -> None:
        """A process begins to tell."""
        tell = self.gate.tell if name == "gate" else lambda telling: telling.add("startgate_connections", 2)
        teller = Teller(name, str(self.folder / "metrics.sock"))
        self.tasks[name] = spawn(teller.keep(tell), name=f"tell {name}")

    async def end(self, name: str) -> None:
        """A process ends."""
        task = self.tasks.pop(name)
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def serving(folder: Path, nodes: tuple[str, ...], certificates: tuple[str, ...] = ()) -> AsyncIterator[Serving]:
    """An admin port for a gate and two workers, which have not begun."""
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = AdminSettings(
        listen=AdminPort(host="127.0.0.1", port=0),
        processes=("gate", "edge-1", "edge-2"),
        nodes=nodes,
        certificates=certificates,
        journal=str(folder / "journal"),
    )
    task = spawn(run(settings, folder / "metrics.sock", stop, lambda: None, bound.set_result), name="admin")
    # Answers come late on a busy machine; tests of those that never come set bounds of their own.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector, "ANSWER_S", PATIENCE_S)
        patch.setattr(reach, "CONNECT_S", PATIENCE_S)
        running = Serving(await asyncio.wait_for(bound, PATIENCE_S), folder, Gate(), {})
        try:
            yield running
        finally:
            for name in tuple(running.tasks):
                await running.end(name)
            stop.set()
            await task
