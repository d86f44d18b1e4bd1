"""A new version takes over, and a worker dies, while clients go on: no connection is refused, none is reset."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

import pytest

from proxy.handover import take
from tests.cluster_double import Double, cluster

pytestmark = pytest.mark.slow

REQUEST = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_S = 40.0


class Clients:
    """Connects, asks once and closes, again and again; counts what comes of it. `host`, `port`: where."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.outcomes: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = False

    def start(self, count: int) -> None:
        """So many clients at a time."""
        self._tasks = [asyncio.ensure_future(self._life()) for _ in range(count)]

    async def more(self, requests: int) -> None:
        """Waits until so many more were answered, or one was not."""
        async with asyncio.timeout(PATIENCE_S):
            goal = self.outcomes["200"] + requests
            while self.outcomes["200"] < goal and set(self.outcomes) <= {"200"}:  # noqa: ASYNC110 -- others answer
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Each finishes what it began."""
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _life(self) -> None:
        while not self._stop:
            self.outcomes[await self._one()] += 1

    async def _one(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(REQUEST)
                line = await reader.readuntil(b"\r\n")
                writer.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            return repr(failure)
        return line.split()[1].decode()


async def serve(folder: Path, *more: str) -> Process:
    """`startgate serve`, in a process."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "serve", "--config", str(folder / "startgate.yml"), *more),
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )


async def ready(process: Process) -> str:
    """Its one line."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return (await process.stdout.readline()).decode()


def configure(folder: Path, double: Double, workers: int) -> None:
    """A configuration with a port of the system's choice."""
    (folder / "startgate.yml").write_text(
        f"listen: 127.0.0.1:0\nworkers: {workers}\ncluster: {{nodes: ['{double.url}']}}\n"
    )


def port_of(line: str) -> int:
    """The port in a line that says what is served."""
    return int(line.split("http://127.0.0.1:", 1)[1].split(" ", 1)[0].rstrip(","))


async def end(*processes: Process) -> None:
    """Ends what still runs."""
    for process in processes:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE_S)
            except TimeoutError:
                process.kill()
                raise


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
async def test_no_connection_is_refused_or_reset_while_a_new_version_takes_over(
    tmp_path: Path, before: int, after: int
) -> None:
    processes: list[Process] = []
    async with cluster(Double()) as double:
        try:
            configure(tmp_path, double, before)
            processes.append(await serve(tmp_path))
            port = port_of(await ready(processes[0]))
            clients = Clients(port)
            clients.start(4)
            await clients.more(50)
            configure(tmp_path, double, after)
            processes.append(await serve(tmp_path, "--takeover"))
            line = await ready(processes[1])
            assert port_of(line) == port
            assert await asyncio.wait_for(processes[0].wait(), PATIENCE_S) == 0
            await clients.more(200)
            await clients.end()
            assert set(clients.outcomes) == {"200"}
            start = await asyncio.open_connection("127.0.0.1", port)
            start[1].write(b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert b" 401 " in await start[0].readuntil(b"\r\n"), "the new gate judges"
            start[1].close()
        finally:
            await end(*processes)


async def test_a_new_version_that_cannot_start_changes_nothing(tmp_path: Path) -> None:
    processes: list[Process] = []
    async with cluster(Double()) as double:
        try:
            configure(tmp_path, double, 1)
            processes.append(await serve(tmp_path))
            clients = Clients(port_of(await ready(processes[0])))
            (tmp_path / "startgate.yml").write_text(
                (tmp_path / "startgate.yml").read_text() + "rules: /nowhere/at/all\n"
            )
            processes.append(await serve(tmp_path, "--takeover"))
            assert await asyncio.wait_for(processes[1].wait(), PATIENCE_S) == 2
            clients.start(1)
            await clients.more(20)
            await clients.end()
            assert set(clients.outcomes) == {"200"}
        finally:
            await end(*processes)


async def test_a_worker_that_dies_takes_nobody_elses_connections_along(tmp_path: Path) -> None:
    async with cluster(Double()) as double:
        configure(tmp_path, double, 2)
        process = await serve(tmp_path)
        try:
            port = port_of(await ready(process))
            kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
            for reader, writer in kept:
                writer.write(REQUEST)
                await reader.readuntil(b'"/a"}')
            victim = next(pid for pid in children(process.pid) if b"edge_process" in command_line(pid))
            os.kill(victim, signal.SIGKILL)
            alive = 0
            for reader, writer in kept:
                alive += await answers(reader, writer)
            assert 0 < alive < len(kept), "the other worker's go on, and only those"
            clients = Clients(port)
            clients.start(4)
            # New connections to the dead one's queue wait for its successor.
            await clients.more(40)
            await clients.end()
            assert set(clients.outcomes) == {"200"}
            for _, writer in kept:
                writer.close()
        finally:
            await end(process)


async def test_a_takeover_that_stops_half_way_changes_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    """The new version has the sockets, and is gone before it says that it serves."""
    processes: list[Process] = []
    async with cluster(Double()) as double:
        try:
            configure(tmp_path, double, 2)
            processes.append(await serve(tmp_path))
            port = port_of(await ready(processes[0]))
            clients = Clients(port)
            clients.start(4)
            for _ in range(3):
                (await asyncio.to_thread(take, tmp_path / "journal" / "upgrade.sock")).close()
                await clients.more(20)
            processes.append(await serve(tmp_path, "--takeover"))
            assert port_of(await ready(processes[1])) == port
            assert await asyncio.wait_for(processes[0].wait(), PATIENCE_S) == 0
            await clients.more(50)
            await clients.end()
            assert set(clients.outcomes) == {"200"}
        finally:
            await end(*processes)


async def test_the_old_version_may_be_stopped_while_it_is_taken_over_from(tmp_path: Path) -> None:
    """By its process id, as scripts do: before the new one serves, or just after."""
    processes: list[Process] = []
    async with cluster(Double()) as double:
        try:
            configure(tmp_path, double, 1)
            processes.append(await serve(tmp_path))
            port = port_of(await ready(processes[0]))
            clients = Clients(port)
            clients.start(4)
            await clients.more(20)
            new = await serve(tmp_path, "--takeover")
            processes.append(new)
            # Its first child is there: it has the sockets by now, and is held where it is.
            async with asyncio.timeout(PATIENCE_S):
                while not children(new.pid):  # noqa: ASYNC110 -- another process starts it
                    await asyncio.sleep(0.01)
            new.send_signal(signal.SIGSTOP)
            processes[0].send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(processes[0].wait(), PATIENCE_S) == 0
            new.send_signal(signal.SIGCONT)
            assert port_of(await ready(new)) == port
            await clients.more(50)
            await clients.end()
            assert set(clients.outcomes) == {"200"}
            start = await asyncio.open_connection("127.0.0.1", port)
            start[1].write(b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert b" 401 " in await start[0].readuntil(b"\r\n"), "the new gate judges"
            start[1].close()
        finally:
            await end(*processes)


async def test_what_waits_in_the_queue_when_a_worker_is_stopped_is_served(tmp_path: Path) -> None:
    """Connected, as the system says, and not yet accepted: to close the queue would reset them."""
    async with cluster(Double()) as double:
        configure(tmp_path, double, 1)
        process = await serve(tmp_path)
        try:
            port = port_of(await ready(process))
            worker = next(pid for pid in children(process.pid) if b"edge_process" in command_line(pid))
            os.kill(worker, signal.SIGSTOP)
            waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            for _, writer in waiting:
                writer.write(REQUEST)
            process.send_signal(signal.SIGTERM)
            os.kill(worker, signal.SIGCONT)
            for reader, writer in waiting:
                async with asyncio.timeout(PATIENCE_S):
                    assert b" 200 " in await reader.readuntil(b"\r\n")
                writer.close()
            assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
        finally:
            await end(process)


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether a request on a kept connection is answered; its end is the only other outcome."""
    try:
        writer.write(REQUEST)
        async with asyncio.timeout(PATIENCE_S):
            await reader.readuntil(b'"/a"}')
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return True


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def command_line(pid: int) -> bytes:
    """How a process was started."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
