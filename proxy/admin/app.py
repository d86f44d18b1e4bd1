"""`run`: serves the admin port until told to stop.

Nobody depends on it. An address that cannot be had, because another Startgate has it, or the version that is just being
replaced, is tried again until it can; clients are served meanwhile, and the log says so as an error.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from proxy.admin.server import Admin, make_app
from proxy.metrics.collector import Collector, collecting
from proxy.metrics.snapshot import Snapshot, Telling
from proxy.metrics.teller import Teller
from proxy.metrics.vitals import LoopLag
from proxy.settings import AdminSettings
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# Between two attempts to bind.
PAUSE_S: Final = 1.0
# For answers under way.
LAST_ANSWERS_S: Final = 0.5


async def run(
    settings: AdminSettings,
    metrics: Path,
    stop: asyncio.Event,
    ready: Callable[[], None],
    bound: Callable[[int], None] = lambda _port: None,
) -> None:
    """Gather what processes tell at the socket `metrics`, and answer for it, until `stop` is set.

    `ready` is called once processes can tell, and it was tried to bind; `bound`, with the port, once there is one
    to ask at. Raises OSError: the socket of the processes cannot be made.
    """
    collector, lag = Collector(), LoopLag()
    teller = Teller("admin", str(metrics))

    def own(tell: Callable[[Telling], None]) -> Snapshot:
        return teller.snapshot(tell, lag)

    app = make_app(Admin(settings, collector, own))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS_S)
    await runner.setup()
    try:
        async with collecting(collector, metrics):
            tried = asyncio.Event()
            binding = spawn(_bind(runner, settings, bound, tried), name="admin-bind")
            binding.add_done_callback(lambda _: tried.set())
            # Where the address is free, whoever hears that all serve can ask at once.
            await tried.wait()
            ready()
            await stop.wait()
            binding.cancel()
            await asyncio.gather(binding, return_exceptions=True)
    finally:
        lag.stop()
        await runner.cleanup()


async def _bind(
    runner: web.AppRunner, settings: AdminSettings, bound: Callable[[int], None], tried: asyncio.Event
) -> None:
    """Until it has worked; `tried` is set after the first attempt."""
    told = ""
    while True:
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as failure:
            why = failure.strerror or str(failure)
            if why != told:
                text = "nobody can ask for metrics and health: %s:%d cannot be listened on (%s); it is tried again"
                logger.error(text, settings.host, settings.port, why)
                told = why
            with contextlib.suppress(RuntimeError):  # it was never registered
                await site.stop()
            tried.set()
            await asyncio.sleep(PAUSE_S)
            continue
        address = runner.addresses[0]
        logger.info("metrics and health at http://%s:%d", address[0], address[1])
        bound(int(address[1]))
        return
