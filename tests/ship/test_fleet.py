"""All sinks at once, in the background: one that hangs or fails holds up neither the others nor the end."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from proxy.settings import ClusterTls, GateSettings, Sinks, StreamSink, SyslogSink, WebhookSink
from proxy.ship.fleet import shipping
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.ship.samples import LIMITS, Written


def settings_of(folder: Path, sinks: Sinks, node: str = "http://127.0.0.1:9") -> GateSettings:
    return GateSettings(socket="", nodes=(node,), rules="", journal=str(folder), sinks=sinks)


async def test_no_sinks_are_no_work(tmp_path: Path) -> None:
    async with shipping(settings_of(tmp_path, Sinks())) as fleet:
        assert fleet.status() == ()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_sink_that_hangs_holds_up_no_other_and_not_the_end(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(20)
    held: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    # A pipe that nobody reads, and that is full already.
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 65536)
    os.set_blocking(write, True)
    async with listening(FakeCluster()) as cluster:
        sinks = Sinks(
            elasticsearch=StreamSink(data_stream=STREAM),
            syslog=SyslogSink(host="127.0.0.1", port=port, tls=ClusterTls(verify="unsafe_none")),
            webhook=WebhookSink(url=f"http://127.0.0.1:{port}/", secret="s"),
            stdout=write,
            limits=LIMITS,
        )
        async with shipping(settings_of(tmp_path, sinks, cluster.url)) as fleet:
            while len(cluster.documents) < 20:  # noqa: ASYNC110 -- what is waited for is another's state
                await asyncio.sleep(0.005)
            status = {one.sink: one for one in fleet.status()}
            assert set(status) == {"elasticsearch", "syslog", "webhook", "stdout"}
            assert {name: one.accepted for name, one in status.items() if name != "elasticsearch"} == {
                "syslog": 0,
                "webhook": 0,
                "stdout": 0,
            }
    for writer in held:
        writer.transport.abort()
    hanging.close()
    await asyncio.sleep(0)
    os.close(read)
    os.close(write)


async def test_a_sink_that_cannot_be_made_is_told_and_ships_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And its name is there, for retention: what it does not have is not deleted."""
    Written(tmp_path).append(1)
    tls = ClusterTls(ca=str(tmp_path / "none.pem"))
    sinks = Sinks(syslog=SyslogSink(host="h", port=1, tls=tls), limits=LIMITS)
    async with shipping(settings_of(tmp_path, sinks)) as fleet:
        while not fleet.status()[0].trouble:  # noqa: ASYNC110 -- what is waited for is another's state
            await asyncio.sleep(0.005)
        assert [one.sink for one in fleet.status()] == ["syslog"]
    assert "none.pem: cannot be read" in caplog.text
