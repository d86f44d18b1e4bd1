"""A connection to a server: nothing that arrives unasked becomes an answer."""

import asyncio
from pathlib import Path

import pytest

from proxy.settings import ClusterTls
from tests.edge.rig import Rig, Wire, answer, server_tls

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_bytes_on_an_idle_connection_end_it(rig: Rig) -> None:
    async def script(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"good"))
        await asyncio.sleep(0.05)
        await wire.send(answer(b"evil"))
        await wire.ended()

    edge, upstream = await rig.simple(script)
    client = await edge.connect()
    for _ in range(2):
        await client.send(GET.replace(b"GET", b"POST"))  # which is never sent again
        assert (await client.message()).body == b"good"
        await asyncio.sleep(0.15)
    assert len(upstream.wires) == 2
    assert upstream.wires[0].gone


async def test_a_silent_close_while_idle_is_noticed(rig: Rig) -> None:
    async def script(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"%d" % wire.number))
        await asyncio.sleep(0.05)
        await wire.reset()

    edge, _ = await rig.simple(script)
    for number in range(3):
        got = await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert got.body == b"%d" % number
        await asyncio.sleep(0.15)


@pytest.mark.parametrize("notified", [True, False])
async def test_over_tls_only_an_end_that_the_server_declares_completes_an_answer(
    rig: Rig, pem: Path, notified: bool
) -> None:
    async def script(wire: Wire) -> None:
        await wire.message()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nall")
        await asyncio.sleep(0.05)
        if not notified:
            wire.writer.transport.abort()

    upstream = await rig.upstream(script, tls=server_tls(pem))
    edge = await rig.edge(f"https://localhost:{upstream.port}", cluster_tls=ClusterTls(ca=str(pem / "ca.pem")))
    client = await edge.connect()
    await client.send(GET)
    got = await client.message()
    assert (got.body, got.whole) == (b"all", notified)
