"""The views of starts, traffic and journal, and the work in the background that they live from."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.admin.views.feed import FeedView
from proxy.admin.views.follow import follow
from proxy.admin.views.history import by_label
from proxy.admin.views.index import Index
from proxy.admin.views.journal import JournalView
from proxy.admin.views.reader import Reader
from proxy.admin.views.start import StartView
from proxy.admin.views.starts import StartsView
from proxy.admin.views.traffic import Own, TrafficView
from proxy.control.client import Control
from proxy.metrics.collector import Collector
from proxy.settings import AdminSettings
from proxy.tasks import spawn


class Data:
    """All of them; needs a running loop. `own` tells of this process."""

    def __init__(self, settings: AdminSettings, collector: Collector, own: Own) -> None:
        limits, folder = settings.listen.limits, Path(settings.journal)
        self._collector = collector
        self._index = Index()
        self._reader = Reader(folder, limits.starts_kept)
        self.starts = StartsView(self._index, self._reader)
        self.start = StartView(self._index, folder)
        of_one = limits.feed_viewers_per_user
        self.feed = FeedView(self._index, self._reader, viewers=limits.feed_viewers, of_one=of_one)
        self.traffic = TrafficView(collector, own, settings.processes)
        control = Control(Path(settings.control)) if settings.control else None
        self.journal = JournalView(folder, control, self._failing)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the journal and take samples meanwhile; what is under way when it ends is given up."""
        tasks = [
            spawn(follow(self._index, self._reader), name="follow the journal"),
            spawn(self.traffic.keep(), name="sample the traffic"),
        ]
        try:
            yield
        finally:
            self.feed.close()
            for task in tasks:
                task.cancel()
            await self.journal.close()
            await asyncio.wait(tasks)

    def _failing(self) -> Mapping[str, bool]:
        told = by_label(self._collector.totals(), "startgate_sink_failing", "sink")
        return {name: bool(value) for name, value in told.items()}
