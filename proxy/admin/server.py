"""Metrics and health: what probes and scrapers ask for, and its answers. Nothing here changes anything."""

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from platform import python_version
from typing import Final

import msgspec
from aiohttp import web

from proxy.admin.api import ApiError, Role
from proxy.admin.certificates import Certificates
from proxy.admin.exposition import exposition
from proxy.admin.health import STARTS, TRAFFIC, Health, Process, all_checks, judge
from proxy.admin.reach import Reach
from proxy.errors import nearest
from proxy.metrics.collector import Collector
from proxy.metrics.snapshot import Snapshot, Telling
from proxy.settings import AdminSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


# What a readiness can be asked for.
PURPOSES: Final = (STARTS, TRAFFIC)
PATHS: Final = ("/metrics", "/health/live", "/health/ready", "/health/startup")


class Admin:
    """What is answered. `own` tells of this process itself, where it is known."""

    def __init__(
        self, settings: AdminSettings, collector: Collector, own: Callable[[Callable[[Telling], None]], Snapshot]
    ) -> None:
        self._settings = settings
        self._collector = collector
        self._own = own
        self._reach = Reach(settings.nodes, settings.cluster_tls)
        self._certificates = Certificates(settings.certificates)
        self._started = False

    async def metrics(self, request: web.Request) -> web.Response:
        """`GET /metrics`: everything that is counted, in the format that is asked for."""
        began_s = time.perf_counter()
        await self._collector.ask()
        ends = await self._certificates.ends()

        def tell(telling: Telling) -> None:
            telling.add("startgate_build", 1, version("startgate"), python_version())
            for file, end in ends.items():
                telling.add("startgate_certificate_expiry_timestamp_seconds", end, file)
            telling.add("startgate_scrape_duration_seconds", time.perf_counter() - began_s)

        totals = self._collector.totals((self._own(tell),))
        up, deaths = (totals.values.setdefault(f"startgate_process_{name}", {}) for name in ("up", "deaths"))
        # Those that ought to be there: one that never came must be a 0, and not a line that is missing.
        for name in self._settings.processes:
            up[name,] = float(self._collector.answers(name))
            deaths[name,] = float(self._collector.deaths.get(name, 0))
        body, content_type = exposition(totals, request.headers.get("accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def live(self, _request: web.Request) -> web.Response:
        """`GET /health/live`: 200 as long as anybody answers. The supervisor keeps the other processes alive."""
        return answer(200, {"live": True})

    async def startup(self, _request: web.Request) -> web.Response:
        """`GET /health/startup`: 200 once every process has told of itself, and from then on; 503 before."""
        there = {one.process for one in self._collector.living}
        missing = [name for name in self._settings.processes if name not in there]
        # Once, for ever: what happens later is a matter of ready and live.
        self._started = self._started or not missing
        content = {"started": self._started, "missing": [] if self._started else missing}
        return answer(200 if self._started else 503, content)

    async def ready(self, request: web.Request) -> web.Response:
        """`GET /health/ready`, or with `?for=traffic`: 200 or 503, with every check. Raises ApiError 400: for anything
        else."""
        asked = request.query.get("for", STARTS)
        if asked not in PURPOSES:
            hint = nearest(asked[:100], PURPOSES)
            text = f"there is no readiness for {asked[:100]!r}{hint}"
            raise ApiError(400, text, where="for", allowed=", ".join(PURPOSES))
        health = await self.health(asked)
        return answer(200 if health.ready else 503, health)

    async def health(self, asked: str) -> Health:
        """How everything stands, as of now."""
        await self._collector.ask()
        processes = self._processes()
        checks = all_checks(processes, self._collector.living, await self._reach.look())
        ready, judged = judge(checks, asked)
        return Health(ready=ready, asked=asked, version=version("startgate"), checks=judged, processes=tuple(processes))

    def _processes(self) -> list[Process]:
        told = {one.process: one for one in self._collector.living}
        return [self._process(name, told.get(name)) for name in self._settings.processes]

    def _process(self, name: str, told: Snapshot | None) -> Process:
        deaths = self._collector.deaths.get(name, 0)
        if told is None:
            return Process(name=name, up=False, deaths=deaths)
        memory = {one.family: one.value for one in told.values}.get("startgate_process_resident_memory_bytes")
        return Process(
            name=name,
            up=self._collector.answers(name),
            pid=told.pid,
            since=round(told.began_ns / 1e9, 3),
            memory_bytes=None if memory is None else int(memory),
            deaths=deaths,
        )

    def plain(self) -> dict[str, tuple[Handler, Role]]:
        """The paths that are no part of the API, with who may ask: whoever can connect, but for metrics where the
        configuration says otherwise."""
        metrics = Role.READ if self._settings.listen.access.metrics_signed_in else Role.ANYBODY
        roles = (metrics, Role.ANYBODY, Role.ANYBODY, Role.ANYBODY)
        handlers = (self.metrics, self.live, self.ready, self.startup)
        return dict(zip(PATHS, zip(handlers, roles, strict=True), strict=True))


def answer(status: int, content: object) -> web.Response:
    """A value of ours as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")
