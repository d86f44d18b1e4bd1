"""What passes: rates as of the last seconds, nodes, refusals, processes, and the plots of an hour."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from proxy.admin.api import Role, Viewer
from proxy.admin.shown.traffic import NodeRow, ProcessRow, Refusal, Traffic, TrafficQuery
from proxy.admin.views.history import EVERY_S, History, by_label, total
from proxy.admin.views.needed import needs
from proxy.journal.entry import timestamp
from proxy.metrics.collector import Collector
from proxy.metrics.snapshot import Snapshot
from proxy.metrics.totals import Totals

logger = logging.getLogger(__name__)

# Where this process stood in its own counts, beside those that told.
Own = Callable[[], Snapshot]
# Not nodes of the cluster: the gate, and the sum of nodes that left.
_NO_NODES: Final = frozenset({"gate", "gone"})
_FAILED: Final = "5xx"


class TrafficView:
    """Shows what the processes count. `processes` are those that ought to be there; `own` tells of this one."""

    def __init__(self, collector: Collector, own: Own, processes: Sequence[str]) -> None:
        self._collector = collector
        self._own = own
        self._processes = (*processes, "admin") if "admin" not in processes else tuple(processes)
        self._history = History()
        self._totals = Totals()
        self._living: dict[str, Snapshot] = {}
        self._answers: frozenset[str] = frozenset()

    async def keep(self) -> None:
        """Take a sample every `EVERY_S` seconds. Never ends by itself."""
        clock = asyncio.get_running_loop().time
        due_s = clock()
        while True:
            await self._sample()
            # What was missed, as on a machine that slept, is not made up for.
            due_s = max(due_s + EVERY_S, clock())
            await asyncio.sleep(due_s - clock())

    async def _sample(self) -> None:
        try:
            await self._collector.ask()
            own = self._own()
        except Exception as failure:  # a plot with a gap is better than none from now on
            logger.error("traffic cannot be looked at", exc_info=failure)
            return
        self._totals = self._collector.totals((own,))
        self._living = {one.process: one for one in (*self._collector.living, own)}
        self._answers = frozenset(name for name in self._living if self._collector.answers(name)) | {own.process}
        self._history.add(self._totals, time.time(), time.monotonic())

    async def show(self, viewer: Viewer, query: TrafficQuery | None = None) -> Traffic:
        """All of it, as of the last sample, with the plots that are asked for.

        Raises ApiError: 403 the viewer may not see it.
        """
        needs(viewer, Role.READ)
        latest, totals = self._history.latest, self._totals
        rates = {name: value for name, value in latest.items() if name.startswith("requests/")}
        return Traffic(
            time=timestamp(round(datetime.now(UTC).timestamp() * 1000)),
            requests_per_s=round(sum(rates.values()), 3),
            bytes_in_per_s=round(latest.get("bytes/from clients", 0.0), 1),
            bytes_out_per_s=round(latest.get("bytes/to clients", 0.0), 1),
            errors_per_s=round(rates.get(f"requests/{_FAILED}", 0.0), 3),
            in_flight=int(total(totals, "startgate_requests_in_flight")),
            client_connections=int(total(totals, "startgate_connections")),
            nodes=tuple(self._nodes(totals)),
            refusals=tuple(_refusals(totals)),
            processes=tuple(self._process(name) for name in self._processes),
            plots=self._history.plots(query.since if query is not None else 0.0),
        )

    def _nodes(self, totals: Totals) -> Iterator[NodeRow]:
        connections = totals.values.get("startgate_upstream_connections", {})
        answers = totals.buckets.get("startgate_upstream_duration_seconds", {})
        ejected = by_label(totals, "startgate_upstream_ejected", "upstream")
        for node in sorted({labels[0] for labels in (*connections, *answers)} - _NO_NODES):
            of_node = {status: sum(row.counts) for (name, status), row in answers.items() if name == node}
            busy, idle = (int(connections.get((node, state), 0)) for state in ("busy", "idle"))
            yield NodeRow(
                node=node,
                state="asked last" if ejected.get(node) else "up",
                requests=sum(of_node.values()),
                # An answer without a status broke off before there was one.
                errors=of_node.get(_FAILED, 0) + of_node.get("none", 0),
                in_flight=busy,
                connections=busy + idle,
                p50_ms=self._history.recent(node, 0.5),
                p99_ms=self._history.recent(node, 0.99),
            )

    def _process(self, name: str) -> ProcessRow:
        told = self._living.get(name)
        values = {} if told is None else {one.family: one.value for one in told.values if not one.labels}
        memory, lag_s = (
            values.get(f"startgate_{what}") for what in ("process_resident_memory_bytes", "event_loop_lag_seconds")
        )
        share = self._history.latest.get(f"cpu/{name}") if told is not None else None
        return ProcessRow(
            name=name,
            up=name in self._answers,
            pid=None if told is None else told.pid,
            up_for_s=None if told is None else round(max(0.0, time.time() - told.began_ns / 1e9), 1),
            cpu_share=None if share is None else round(share, 4),
            memory_bytes=None if memory is None else int(memory),
            loop_lag_ms=None if lag_s is None else round(lag_s * 1000, 3),
            deaths=self._collector.deaths.get(name, 0),
        )


def _refusals(totals: Totals) -> Iterator[Refusal]:
    """Why, and how often, the most frequent first."""
    found = by_label(totals, "startgate_refused", "reason")
    for reason, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        if count:
            yield Refusal(reason=reason, count=int(count))
