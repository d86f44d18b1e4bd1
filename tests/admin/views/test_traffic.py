"""What passes, out of what processes told by their socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.admin.api import ApiError
from proxy.admin.shown.traffic import Refusal, Traffic, TrafficQuery
from proxy.admin.views import traffic as module
from proxy.admin.views.traffic import TrafficView
from proxy.metrics.collector import Collector, collecting
from proxy.metrics.snapshot import Snapshot, Telling, Value
from proxy.metrics.spread import REQUEST_S, Spread
from proxy.metrics.teller import Teller
from proxy.tasks import spawn
from tests.admin.views.reading import ANNA, READ

PATIENCE_S = 30.0


class Worker:
    """A worker that answers more each time that it is asked."""

    def __init__(self) -> None:
        self.times = 0
        self.spread = Spread(REQUEST_S)

    def tell(self, telling: Telling) -> None:
        """All of it."""
        self.times += 1
        self.spread.note(0.02)
        telling.add("startgate_requests", self.times * 10, "cluster", "2xx")
        telling.add("startgate_requests", self.times * 5, "cluster", "5xx")
        telling.add("startgate_client_received_bytes", self.times * 1000)
        telling.add("startgate_connections", 3)
        telling.add("startgate_requests_in_flight", 2)
        telling.add("startgate_refused", 4, "no_host")
        telling.add("startgate_refused", 9, "too_long")
        telling.add("startgate_refused", 0, "never")
        telling.add("startgate_upstream_connections", 1, "https://n1:9200", "busy")
        telling.add("startgate_upstream_connections", 2, "https://n1:9200", "idle")
        telling.add("startgate_upstream_connections", 1, "gate", "idle")
        telling.add("startgate_upstream_ejected", 1, "https://n1:9200")
        for status in ("2xx", "5xx", "none"):
            telling.spread("startgate_upstream_duration_seconds", self.spread, "https://n1:9200", status)


def own() -> Snapshot:
    """What the admin process tells of itself."""
    return Snapshot(process="admin", pid=7, began_ns=0, values=(Value("startgate_event_loop_lag_seconds", 0.25),))


@pytest.fixture
async def view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TrafficView]:
    """With one worker that tells, and one that does not."""
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    collector = Collector()
    found = TrafficView(collector, own, ("gate", "edge-1"))
    async with collecting(collector, tmp_path / "metrics.sock"):
        tasks = [
            spawn(Teller("edge-1", str(tmp_path / "metrics.sock")).keep(Worker().tell), name="tell"),
            spawn(found.keep(), name="keep"),
        ]
        yield found
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def sampled(view: TrafficView) -> Traffic:
    """With rates, which take two samples."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await view.show(READ)).requests_per_s:  # noqa: ASYNC110 -- of a socket
            await asyncio.sleep(0.01)
    return found


async def test_all_of_it(view: TrafficView) -> None:
    found = await sampled(view)
    assert found.requests_per_s == pytest.approx(found.errors_per_s * 3, rel=1e-3)
    assert (found.in_flight, found.client_connections) == (2, 3)
    assert found.bytes_in_per_s > 0
    assert found.refusals == (Refusal(reason="too_long", count=9), Refusal(reason="no_host", count=4))
    (node,) = found.nodes
    assert (node.node, node.state, node.in_flight, node.connections) == ("https://n1:9200", "asked last", 1, 3)
    assert node.requests == node.errors / 2 * 3
    assert {one.id for one in found.plots} >= {"requests", "p99", "cpu"}


async def test_processes_that_tell_and_that_do_not(view: TrafficView) -> None:
    gate, edge, admin = (await sampled(view)).processes
    assert (gate.name, gate.up, gate.pid, gate.cpu_share) == ("gate", False, None, None)
    assert (edge.name, edge.up) == ("edge-1", True)
    assert edge.memory_bytes
    assert edge.cpu_share is not None
    assert (admin.name, admin.up, admin.pid, admin.loop_lag_ms) == ("admin", True, 7, 250.0)


async def test_only_what_is_new_is_told_to_who_has_the_rest(view: TrafficView) -> None:
    found = await sampled(view)
    (last, *_) = [plot.times[-1] for plot in found.plots]
    later = await view.show(READ, TrafficQuery(since=last))
    assert all(time > last for plot in later.plots for time in plot.times)
    assert (await view.show(READ, TrafficQuery(since=last + 1e6))).plots[0].times == ()


async def test_only_for_who_may_read_everything(view: TrafficView) -> None:
    with pytest.raises(ApiError) as caught:
        await view.show(ANNA)
    assert caught.value.status == 403


async def test_a_fault_leaves_a_gap(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    left = iter([True, True])

    def failing() -> Snapshot:
        if next(left, False):
            raise ValueError("a fault")
        return own()

    view = TrafficView(Collector(), failing, ())
    task = spawn(view.keep(), name="keep")
    async with asyncio.timeout(PATIENCE_S):
        while not (await view.show(READ)).plots[0].times:  # noqa: ASYNC110 -- of a task
            await asyncio.sleep(0.001)
    task.cancel()
    assert "cannot be looked at" in caplog.text
