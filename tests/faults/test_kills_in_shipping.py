"""A process that ships is killed between any two of its steps: each record is there once, and in order."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.children import running
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.ship.samples import SECOND, Written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONFIGURATION = """
cluster: {{nodes: ['{node}']}}
journal: {{sinks: {{elasticsearch: {{data_stream: {stream}}}}}}}
limits: {{ship: {{batch_records: 7}}}}
"""
# At which call to the cluster the process is killed, counted from its start, and whether that call is carried out
# first. The calls are: is the stream there, refresh, what is there, bulk, bulk, …
KILLS = [(number, carried_out) for number in (2, 4, 5, 9) for carried_out in (False, True)]


class Killing(FakeCluster):
    """Kills whoever asks, at one of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.at, self.carried_out, self.asked, self.process = 0, False, 0, 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.asked != self.at:
            return await super().handle(request)
        answer = await self._first(super().handle, request)
        os.kill(self.process, signal.SIGKILL)
        await asyncio.sleep(0.05)
        return answer

    async def _first(
        self, handle: Callable[[web.Request], Awaitable[web.StreamResponse]], request: web.Request
    ) -> web.StreamResponse:
        return await handle(request) if self.carried_out else web.Response()


@pytest.mark.parametrize("rollover", [False, True])
async def test_a_shipper_that_is_killed_anywhere_doubles_and_loses_nothing(tmp_path: Path, *, rollover: bool) -> None:
    written = Written(tmp_path / "journal")
    command = ["-m", "proxy", "audit", "ship", "--once", "--config", str(tmp_path / "startgate.yml")]
    async with listening(Killing()) as cluster:
        assert isinstance(cluster, Killing)
        (tmp_path / "startgate.yml").write_text(CONFIGURATION.format(node=cluster.url, stream=STREAM))
        for number, carried_out in [*KILLS, (0, False)]:
            written.append(40, SECOND)
            cluster.at, cluster.carried_out, cluster.asked = number, carried_out, 0
            async with running(command) as process:
                cluster.process = process.pid
                assert await process.wait() == (-signal.SIGKILL if number else 0)
            if rollover:
                cluster.rollover()
    assert cluster.documents == written.lines
