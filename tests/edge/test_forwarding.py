"""What nodes and gate are told of who asked: by unit, and through a worker."""

import ssl
from pathlib import Path

import pytest
import trustme

from proxy.edge.forwarding import Forwarding, forwarding
from proxy.settings import EdgeLimits, Forwarded, ListenTls
from proxy.tls import listener_context
from proxy.wire.limits import HeadLimits
from proxy.wire.request import decode_request
from tests.edge.rig import Message, Rig, echo

MADE_UP = b"GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\r\n"
START = MADE_UP.replace(b"GET /a", b"POST /_ml/data_frame/analytics/j/_start")
LIMITS = HeadLimits(line_bytes=1000, head_bytes=10_000, fields=100)


def test_keeping_costs_nothing() -> None:
    assert forwarding(Forwarded()) is None


@pytest.mark.parametrize(
    ("mode", "peers", "address", "told"),
    [
        ("append", ("10.0.0.0/8",), "10.0.0.1", b"6.6.6.6, 10.0.0.1"),
        ("append", ("10.0.0.0/8",), "11.0.0.1", b"11.0.0.1"),
        ("append", ("10.0.0.0/8",), "", b"unknown"),
        ("replace", (), "10.0.0.1", b"10.0.0.1"),
    ],
)
def test_who_is_believed(mode: str, peers: tuple[str, ...], address: str, told: bytes) -> None:
    head = decode_request(MADE_UP, LIMITS)
    assert head is not None
    made = Forwarding(Forwarded(mode=mode, peers=peers)).told(head, address, "http")
    assert b"\nX-Forwarded-For: " + told + b"\r" in made.section
    assert made._replace(section=head.section) == head


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        (Forwarded(), ([b"6.6.6.6"], [], [b"for=6.6.6.6"])),
        (Forwarded(mode="replace"), ([b"127.0.0.1"], [b"http"], [])),
        (
            Forwarded(mode="append", peers=("127.0.0.0/8",)),
            ([b"6.6.6.6, 127.0.0.1"], [b"http"], [b"for=6.6.6.6, for=127.0.0.1;proto=http"]),
        ),
        (Forwarded(mode="append", peers=("10.0.0.0/8",)), ([b"127.0.0.1"], [b"http"], [])),
    ],
)
async def test_nodes_and_gate_are_told_the_same(rig: Rig, rule: Forwarded, seen: tuple[list[bytes], ...]) -> None:
    await rig.gate(echo)
    edge = await rig.edge(await rig.upstream(echo), forwarded=rule)
    for request in (MADE_UP, START):
        got = Message((await edge.ask(request)).body)
        names = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
        assert tuple(got.values(name) for name in names) == seen
        if request is START:
            (peer,) = got.values(b"x-startgate-peer")
            assert peer.startswith(b"127.0.0.1:")


async def test_a_body_passes_and_tls_is_told(rig: Rig, pem: Path, authority: trustme.CA) -> None:
    listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    rule = Forwarded(mode="replace")
    upstream = await rig.upstream(echo)
    edge = await rig.edge(
        upstream, listen_tls=listen, client_tls=client_tls, forwarded=rule, limits=EdgeLimits(drain_s=1.0)
    )
    client = await edge.connect()
    for _ in range(2):
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        got = Message((await client.message()).body)
        assert got.head.endswith(b"\r\n\r\nhello")
        assert got.values(b"x-forwarded-proto") == [b"https"]
