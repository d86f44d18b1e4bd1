"""One start, a gate that ends in the middle of it, and the gates after that."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from proxy.embedded.app import Cluster, serve_embedded
from proxy.embedded.backend import Backend
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from tests.faults.crashing import Client, Direct, Gates, closed, holds, settings_for

SIGKILL = int(signal.SIGKILL)
# The jobs: one over documents, and one over none, whose start the cluster refuses.
GRANTED, REFUSED = "granted", "refused"
RECEIPT = "r1"


class Scene:
    """A cluster with two jobs, a client of the gate, and gates one after the other over one journal."""

    def __init__(self, folder: Path, processes: Gates, cluster: Cluster, direct: Direct, client: Client) -> None:
        self.journal = folder / "journal"
        self.settings = settings_for(folder, cluster)
        self.processes, self.cluster, self.direct, self.client = processes, cluster, direct, client

    async def begin(self, step: str = "", times: int = 1) -> None:
        """A gate that serves, and ends when it comes to the step for so many times."""
        await self.processes.start(self.settings, step, times)
        assert await self.processes.serves()

    async def crash(self, job: str, step: str, times: int) -> None:
        """Start the job through a gate that ends at the step."""
        await self.begin(step.format(job=job + self.direct.tag), times)
        await self.client.start(job + self.direct.tag, RECEIPT)
        assert await self.processes.gone() == SIGKILL

    async def crash_again(self, job: str, step: str, times: int) -> None:
        """Another gate that closes what was left, and ends at the step."""
        await self.processes.start(self.settings, step.format(job=job + self.direct.tag), times)
        assert await self.processes.gone() == SIGKILL

    async def recovered(self) -> Start | None:
        """What is on record of the start once another gate has closed it; what must hold does."""
        await self.begin()
        await closed(self.journal)
        await self.processes.stop()
        found = await holds(self.journal, self.direct, self.client.told)
        return next((one for one in found if one.receipt == RECEIPT), None)

    async def left(self, job: str) -> tuple[bool, bool]:
        """What is left in the end: whether the start is on record, and whether its destination exists."""
        one = await self.recovered()
        if one is not None:
            assert {Phase.INTENT, Phase.OUTCOME} <= one.records.keys()
        return one is not None, f"out-{job}{self.direct.tag}" in await self.direct.made()


def reconciled(one: Start | None) -> dict[str, Any]:
    """What the outcome says that was found."""
    assert one is not None
    told: dict[str, Any] = one.records[Phase.OUTCOME]["startgate"]["reconciled"]
    return told


@asynccontextmanager
async def opened(
    folder: Path, processes: Gates, *, backend: Backend | None = None, tag: str = ""
) -> AsyncIterator[Scene]:
    """All of it, over the embedded cluster; `backend` holds its indices, whose names end with the tag."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(serve_embedded(backend=backend))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        connector = aiohttp.UnixConnector(str(folder / "gate.sock"), force_close=True)
        own = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        direct = Direct(session, cluster, tag)
        await direct.sources()
        await direct.job(GRANTED, "src")
        await direct.job(REFUSED, "void")
        try:
            yield Scene(folder, processes, cluster, direct, Client(own, cluster.superuser))
        finally:
            if processes.pid is not None:
                processes.signal(signal.SIGKILL)
                await processes.gone()
