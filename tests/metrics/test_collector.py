"""Asking processes: over a real socket, with processes that die, hang, come back and lie."""

import asyncio
import random
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from proxy.metrics import collector as module
from proxy.metrics.collector import Collector, collecting
from proxy.metrics.snapshot import Check, Snapshot, Value
from proxy.metrics.teller import LENGTH

PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come late on a busy machine; tests of those that never come set a bound of their own."""
    monkeypatch.setattr(module, "ANSWER_S", PATIENCE_S)


class Process:
    """A process that tells, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, pid: int) -> None:
        self.reader = reader
        self.writer = writer
        self.name = name
        self.pid = pid

    def tell(self, accepted: float, *, ok: bool = True) -> None:
        """One telling."""
        values = (Value("startgate_connections_accepted", accepted), Value("startgate_connections", 1))
        checks = (Check(name="rules", ok=ok),)
        body = msgspec.msgpack.encode(
            Snapshot(process=self.name, pid=self.pid, began_ns=self.pid, values=values, checks=checks)
        )
        self.writer.write(LENGTH.pack(len(body)) + body)

    async def end(self) -> None:
        """Its end, as the other side sees it."""
        self.writer.close()
        await self.writer.wait_closed()


async def process(path: Path, name: str, pid: int, accepted: float | None = 0) -> Process:
    """One that has told once."""
    made = Process(*(await asyncio.open_unix_connection(str(path))), name, pid)
    if accepted is not None:
        made.tell(accepted)
    return made


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[tuple[Collector, Path]]:
    """A collector that listens."""
    path = folder / "metrics.sock"
    collector = Collector()
    async with collecting(collector, path):
        yield collector, path


async def until(collector: Collector, *names: str) -> None:
    """Wait until exactly these processes are known to be there."""
    async with asyncio.timeout(PATIENCE_S):
        while [one.process for one in collector.living] != sorted(names):  # noqa: ASYNC110 -- another end of a socket
            await asyncio.sleep(0.005)


def accepted(collector: Collector) -> dict[tuple[str, ...], float]:
    """A counter of each process."""
    return collector.totals().values.get("startgate_connections_accepted", {})


async def test_all_are_asked_at_once(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        one, other = await process(path, "edge-1", 11, 5), await process(path, "edge-2", 12, 6)
        await until(collector, "edge-1", "edge-2")
        asked = asyncio.ensure_future(collector.ask())
        for each in (one, other):
            assert await each.reader.readexactly(1) == b"?"
            each.tell(10 + each.pid)
        await asked
        assert accepted(collector) == {("edge-1",): 21, ("edge-2",): 22}
        assert collector.answers("edge-1")
        assert not collector.answers("edge-3")
        await one.end()
        await other.end()


async def test_two_who_ask_share_an_answer(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        one = await process(path, "edge-1", 11)
        await until(collector, "edge-1")
        asked = asyncio.gather(collector.ask(), collector.ask())
        assert await one.reader.readexactly(1) == b"?"
        one.tell(7)
        await asked
        asked_again = asyncio.ensure_future(collector.ask())
        assert await one.reader.readexactly(1) == b"?", "one byte for the two before"
        one.tell(8)
        await asked_again
        await one.end()


async def test_one_that_hangs_is_told_as_it_was_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    async with asking(tmp_path) as (collector, path):
        one = await process(path, "edge-1", 11, 5)
        await until(collector, "edge-1")
        await collector.ask()
        assert not collector.answers("edge-1")
        assert accepted(collector) == {("edge-1",): 5}
        await one.end()


async def test_a_sum_never_goes_back(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        for generation in range(1, 5):
            one = await process(path, "edge-1", generation, 100)
            await until(collector, "edge-1")
            assert accepted(collector) == {("edge-1",): 100 * generation}
            await one.end()
            await until(collector)
            assert accepted(collector) == {("edge-1",): 100 * generation}, "dead, and counted as before"
            assert "startgate_connections" not in collector.totals().values, "nothing of it is open"
        assert collector.deaths == {"edge-1": 3}


async def test_a_connection_that_broke_is_no_death(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        one = await process(path, "edge-1", 11, 100)
        await until(collector, "edge-1")
        await one.end()
        await until(collector)
        again = await process(path, "edge-1", 11, 130)
        await until(collector, "edge-1")
        assert accepted(collector) == {("edge-1",): 130}
        assert collector.deaths == {}
        await again.end()


async def test_a_process_that_comes_before_the_old_one_is_gone(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        old = await process(path, "edge-1", 11, 100)
        await until(collector, "edge-1")
        new = await process(path, "edge-1", 12, 5)
        await until(collector, "edge-1", "edge-1")
        assert accepted(collector) == {("edge-1",): 105}
        await old.end()
        await until(collector, "edge-1")
        assert accepted(collector) == {("edge-1",): 105}
        assert collector.deaths == {"edge-1": 1}
        await new.end()


async def test_a_process_that_is_back_before_its_end_is_seen_counts_once(tmp_path: Path) -> None:
    async with asking(tmp_path) as (collector, path):
        old = await process(path, "edge-1", 11, 100)
        await until(collector, "edge-1")
        again = await process(path, "edge-1", 11, 130)
        async with asyncio.timeout(PATIENCE_S):
            while accepted(collector) != {("edge-1",): 130}:  # noqa: ASYNC110 -- another end of a socket
                await asyncio.sleep(0.005)
        await old.end()
        await collector.close()
        await until(collector)
        assert accepted(collector) == {("edge-1",): 130}
        assert collector.deaths == {}
        await again.end()


@pytest.mark.parametrize(
    "message", [b"\xff\xff\xff\xff", LENGTH.pack(3) + b"\xc1\xc1\xc1", LENGTH.pack(1) + b"\x80", b"\x00"]
)
async def test_what_is_no_telling_ends_the_connection_alone(tmp_path: Path, message: bytes) -> None:
    async with asking(tmp_path) as (collector, path):
        good = await process(path, "edge-1", 11)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(message)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await until(collector, "edge-1")
        await good.end()


async def test_one_that_connects_and_tells_nothing_is_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    async with asking(tmp_path) as (collector, path):
        mute = await process(path, "edge-1", 11, accepted=None)
        assert await asyncio.wait_for(mute_is_asked(collector, mute), PATIENCE_S) == b"?"
        assert collector.living == []
        await mute.end()


async def mute_is_asked(collector: Collector, mute: Process) -> bytes:
    """Ask until the connection is known."""
    while True:
        await collector.ask()
        try:
            return await asyncio.wait_for(mute.reader.readexactly(1), 0.05)
        except TimeoutError:
            continue


async def test_nobody_else_can_connect(tmp_path: Path) -> None:
    async with asking(tmp_path) as (_, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_no_sum_goes_back(tmp_path: Path, seed: int) -> None:
    """Processes of three names begin, count, break off, come back and die, in any order."""
    chance = random.Random(seed)  # noqa: S311 -- no secret
    async with asking(tmp_path) as (collector, path):
        living: dict[str, Process] = {}
        counted: dict[str, float] = {}
        total: dict[str, float] = dict.fromkeys(("edge-1", "edge-2", "gate"), 0)
        for number in range(1, 25):
            pid = number
            name = chance.choice(sorted(total))
            if name in living:
                gone = living.pop(name)
                await gone.end()
                await until(collector, *living)
                # Half of the time only its connection broke.
                pid = gone.pid if chance.random() < 0.5 else pid
            if counted.get(f"{name} {pid}") is None:
                counted[f"{name} {pid}"] = 0
            more = chance.randrange(100)
            counted[f"{name} {pid}"] += more
            total[name] += more
            living[name] = await process(path, name, pid, counted[f"{name} {pid}"])
            await until(collector, *living)
            assert accepted(collector) == {(one,): total[one] for one in total if (one,) in accepted(collector)}
            assert accepted(collector)[name,] == total[name]
        for one in living.values():
            await one.end()


async def test_a_closed_collector_lets_go_of_everybody(tmp_path: Path) -> None:
    path, collector = tmp_path / "metrics.sock", Collector()
    async with collecting(collector, path):
        one = await process(path, "edge-1", 11, 5)
        await until(collector, "edge-1")
    assert collector.living == []
    assert await one.reader.read() == b""
    assert accepted(collector) == {("edge-1",): 5}
    await one.end()


async def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert path.exists()
    async with collecting(Collector(), path):
        one = await process(path, "edge-1", 11)
        await one.end()
