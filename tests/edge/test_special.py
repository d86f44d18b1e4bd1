"""Which exchange serves what the gate judges or is told of; what they do, their own tests say."""

import msgspec

from proxy.notes import Note
from tests.edge.rig import Rig, Wire, answer, echo, until

START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: es\r\nX-Startgate-Plan: only\r\n\r\n"
STOP = START.replace(b"_start", b"_stop")


async def test_a_start_goes_to_the_gate_with_what_it_needs_to_know(rig: Rig) -> None:
    gate = await rig.gate(echo)
    edge, node = await rig.simple()
    got = (await edge.ask(START)).body
    assert b"\r\nX-Startgate-Plan: only\r\n" in got
    assert b"\r\nX-Startgate-Peer: 127.0.0.1:" in got
    assert b"\r\nX-Startgate-Receipt: " in got
    assert node.requests == []
    assert len(gate.requests) == 1


async def test_an_observed_call_goes_to_the_cluster_without_a_word_of_ours(rig: Rig) -> None:
    async def takes(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"", "204 No Content"))

    gate = await rig.gate(takes)
    edge, node = await rig.simple()
    got = (await edge.ask(STOP)).body
    assert b"startgate" not in got.lower()
    assert len(node.requests) == 1
    await until(lambda: len(gate.requests) == 1)
    assert msgspec.json.decode(gate.requests[0].body, type=Note).front == ""


async def test_the_front_that_told_who_asks_is_told_too(rig: Rig) -> None:
    async def takes(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"", "204 No Content"))

    gate = await rig.gate(takes)
    edge = await rig.edge(await rig.upstream(echo), fronts=("127.0.0.0/8",))
    assert (await edge.ask(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n" + STOP)).status == 200
    await until(lambda: gate.requests)
    note = msgspec.json.decode(gate.requests[0].body, type=Note)
    assert note.peer == "192.0.2.7:4711"
    assert note.front.startswith("127.0.0.1:")
