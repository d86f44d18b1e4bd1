"""sd_notify(3), heard by a socket as systemd has one."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.notify import Manager, manager
from tests.cluster_double import Double, cluster

PATIENCE_S = 60


class Heard:
    """The manager's end: each datagram as its variables."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    async def next(self) -> dict[str, str]:
        """The next datagram."""
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 65536), PATIENCE_S)
        pairs = (line.partition("=") for line in data.decode().split("\n"))
        return {name: value for name, _, value in pairs}

    def nothing(self) -> bool:
        """Whether nothing has come that was not taken."""
        try:
            self._socket.recv(65536)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Nobody listens any more."""
        self._socket.close()


@pytest.fixture(name="heard", params=["file", "abstract"])
def make_heard(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Heard]:
    name = f"@startgate-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    one = Heard(name)
    yield one
    one.close()


async def test_each_word_is_one_datagram(heard: Heard) -> None:
    told = manager({"NOTIFY_SOCKET": heard.address})
    told.starting("asking\nthe cluster")
    assert await heard.next() == {"STATUS": "asking the cluster"}
    told.ready("startgate 1.0 ready")
    assert await heard.next() == {"READY": "1", "STATUS": "startgate 1.0 ready"}
    told.stopping()
    assert await heard.next() == {"STOPPING": "1", "STATUS": "stopping: requests in flight may finish"}


async def test_the_watchdog_is_fed_while_the_loop_turns(heard: Heard) -> None:
    one = Manager(heard.address, watchdog_s=0.003)
    async with one.watched():
        assert await heard.next() == {"WATCHDOG": "1"}
        assert await heard.next() == {"WATCHDOG": "1"}
    while not heard.nothing():
        pass
    await asyncio.sleep(0.01)
    assert heard.nothing()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "3000", "WATCHDOG_PID": "1"},
    ],
    ids=str,
)
async def test_who_does_not_watch_hears_nothing(heard: Heard, environment: dict[str, str]) -> None:
    async with manager({"NOTIFY_SOCKET": heard.address, **environment}).watched():
        await asyncio.sleep(0.01)
    assert heard.nothing()


async def test_a_watchdog_that_is_ours_is_fed(heard: Heard) -> None:
    told = {"NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "3000", "WATCHDOG_PID": str(os.getpid())}
    async with manager(told).watched():
        assert await heard.next() == {"WATCHDOG": "1"}


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
async def test_without_a_socket_nothing_is_told(address: str, caplog: pytest.LogCaptureFixture) -> None:
    one = manager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000"})
    async with one.watched():
        one.ready("served")
    assert caplog.records == []


@pytest.mark.parametrize("address", ["/nowhere/notify", "/with\0in"], ids=["absent", "no path"])
def test_a_manager_that_is_gone_stops_nobody(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "proxy.notify"):
        Manager(address).ready("served")
    assert "the service manager cannot be told" in caplog.text


@pytest.mark.slow
async def test_serve_says_when_it_serves_and_when_it_stops(heard: Heard, tmp_path: Path) -> None:
    async with cluster(Double()) as double:
        config = tmp_path / "startgate.yml"
        config.write_text(f"listen: 127.0.0.1:0\nadmin: {{listen: off}}\ncluster: {{nodes: ['{double.url}']}}\n")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "serve", "--config", str(config)),
            env={**os.environ, "NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "60000000"},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            assert (await heard.next())["STATUS"].startswith("waiting for the cluster at http://")
            said = await heard.next()
            assert said["READY"] == "1"
            assert "ready: http://127.0.0.1:" in said["STATUS"]
            assert await heard.next() == {"WATCHDOG": "1"}
            process.send_signal(signal.SIGTERM)
            assert (await heard.next())["STOPPING"] == "1"
        finally:
            if process.returncode is None:
                process.terminate()
            status = await process.wait()
    assert status == 0
