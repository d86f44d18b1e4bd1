"""A process's end: it tells when it is asked, comes back when whoever asks does, and tells a last time."""

import asyncio
from pathlib import Path

import pytest

from proxy.metrics import collector as collector_module
from proxy.metrics import teller as module
from proxy.metrics.collector import Collector, collecting
from proxy.metrics.snapshot import Telling
from proxy.metrics.teller import Teller
from proxy.metrics.vitals import LoopLag
from proxy.tasks import spawn

PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come late on a busy machine."""
    monkeypatch.setattr(collector_module, "ANSWER_S", PATIENCE_S)


class Count:
    """What a process counts."""

    def __init__(self) -> None:
        self.value = 0

    def tell(self, telling: Telling) -> None:
        """It, as of now."""
        telling.add("startgate_connections_accepted", self.value)


async def until_there(collector: Collector, *, there: bool = True) -> None:
    """Wait for the process, or for its end."""
    async with asyncio.timeout(PATIENCE_S):
        while bool(collector.living) != there:  # noqa: ASYNC110 -- another end of a socket
            await asyncio.sleep(0.005)


def told(collector: Collector) -> float:
    """The count, as far as it was told."""
    return collector.totals().values["startgate_connections_accepted"]["edge-1",]


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it, and wait."""
    task.cancel()
    await asyncio.wait([task])


async def test_it_tells_when_asked(tmp_path: Path) -> None:
    path, collector, count = tmp_path / "m.sock", Collector(), Count()
    async with collecting(collector, path):
        task = spawn(Teller("edge-1", str(path)).keep(count.tell), name="teller")
        await until_there(collector)
        for value in (3, 8):
            count.value = value
            await collector.ask()
            assert collector.answers("edge-1")
            assert told(collector) == value
        await ended(task)


async def test_its_last_word_arrives(tmp_path: Path) -> None:
    path, collector, count = tmp_path / "m.sock", Collector(), Count()
    async with collecting(collector, path):
        task = spawn(Teller("edge-1", str(path)).keep(count.tell), name="teller")
        await until_there(collector)
        count.value = 12
        await ended(task)
        await until_there(collector, there=False)
        assert told(collector) == 12


async def test_it_waits_for_whoever_asks(tmp_path: Path) -> None:
    path, count = tmp_path / "m.sock", Count()
    task = spawn(Teller("edge-1", str(path)).keep(count.tell), name="teller")
    for _ in range(2):
        collector = Collector()
        async with collecting(collector, path):
            await until_there(collector)
            await collector.ask()
            assert collector.answers("edge-1")
        await until_there(collector, there=False)
    await ended(task)


async def test_a_fault_in_counting_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    def broken(telling: Telling) -> None:
        telling.add("startgate_connections", 4)
        raise RuntimeError("broken")

    lag = LoopLag()
    snapshot = Teller("edge-1", "/nowhere").snapshot(broken, lag)
    lag.stop()
    names = {one.family for one in snapshot.values}
    assert {"startgate_connections", "startgate_process_cpu_seconds"} <= names
    assert "not everything can be told" in caplog.text


async def test_two_processes_of_a_name_can_be_told_apart() -> None:
    lag = LoopLag()
    snapshot = Teller("edge-1", "/nowhere").snapshot(Count().tell, lag)
    lag.stop()
    assert snapshot.pid > 0
    assert snapshot.began_ns == module._BEGAN_NS
