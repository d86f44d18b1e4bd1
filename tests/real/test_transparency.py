"""Through the proxy every call answers what it answers directly: status, headers but for hop-by-hop ones, and body.

Each call is made on one node, directly and through; what changes something finds the same state each
time. What two direct calls would answer differently, and nothing more, is masked by the call's own `volatile`.
"""

import asyncio
import http.client
import re
import socket
from collections.abc import Iterator, Sequence

import pytest

from tests.real.calls import library
from tests.real.calls.client import ClientCall, Recorded, run_async, run_sync
from tests.real.calls.clientcalls import CLIENT_CALLS
from tests.real.calls.raw import CALLS, Call
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.steady import through_and_direct
from tests.real.wire import exchange

pytestmark = pytest.mark.real

# RFC 9110 §7.6.1. Content-Length stays: it says how long the body is, to whoever reads it.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


@pytest.fixture(scope="module")
def proxied_library(real_node: RealNode) -> Iterator[tuple[RealNode, DenyingProxy]]:
    """A node that holds the library, and a proxy in front of it."""
    library.fill(real_node)
    with DenyingProxy((real_node.url,)) as proxy:
        yield real_node, proxy


def ask(port: int, call: Call) -> Recorded:
    """Sends a call as it is and takes the one answer, 1xx aside."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(call.request())
        with http.client.HTTPResponse(peer, method=call.method) as answer:
            answer.begin()
            # The reason phrase passes, too; the version is each connection's own (RFC 9110 §2.5).
            headers = ((":reason", answer.reason), *answer.getheaders())
            return Recorded(answer.status, headers, answer.read())


def comparable(answer: Recorded, volatile: Sequence[str]) -> tuple[object, ...]:
    """What must be equal. A masked body has no comparable length, so Content-Length is left out then."""
    body = answer.body
    for pattern in volatile:
        body = re.sub(pattern.encode(), b"~", body)
    left_out = HOP_BY_HOP | ({"content-length"} if volatile else set())
    return answer.status, [pair for pair in answer.headers if pair[0].lower() not in left_out], body


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_raw_call(proxied_library: tuple[RealNode, DenyingProxy], call: Call) -> None:
    node, proxy = proxied_library

    def heard(port: int) -> tuple[object, ...]:
        if call.writes:
            library.fresh_shelf(node)
        return comparable(ask(port, call), call.volatile)

    through, direct = through_and_direct(lambda: heard(node.port), lambda: heard(proxy.port))
    assert through == direct


@pytest.mark.parametrize("call", CLIENT_CALLS, ids=lambda call: call.name)
def test_client_call(proxied_library: tuple[RealNode, DenyingProxy], call: ClientCall) -> None:
    node, proxy = proxied_library

    def heard(url: str) -> list[tuple[object, ...]]:
        if call.writes:
            library.fresh_shelf(node)
        answers = run_sync(url, call, plain=node.version.major == 7)
        return [comparable(answer, call.volatile) for answer in answers]

    through, direct = through_and_direct(lambda: heard(node.url), lambda: heard(proxy.url))
    assert direct, "nothing was heard"
    assert through == direct


@pytest.mark.parametrize("call", CLIENT_CALLS, ids=lambda call: call.name)
def test_async_client_call(proxied_library: tuple[RealNode, DenyingProxy], call: ClientCall) -> None:
    node, proxy = proxied_library

    def heard(url: str) -> list[tuple[object, ...]]:
        if call.writes:
            library.fresh_shelf(node)
        answers = asyncio.run(run_async(url, call, plain=node.version.major == 7))
        return [comparable(answer, call.volatile) for answer in answers]

    through, direct = through_and_direct(lambda: heard(node.url), lambda: heard(proxy.url))
    assert direct, "nothing was heard"
    assert through == direct


def test_the_tables_are_large_enough_and_their_names_unique() -> None:
    names = [call.name for call in CALLS]
    assert len(names) == len(set(names)) > 100
    names = [call.name for call in CLIENT_CALLS]
    assert len(names) == len(set(names)) > 30


def test_pipelined_calls_are_answered_in_order(proxied_library: tuple[RealNode, DenyingProxy]) -> None:
    node, proxy = proxied_library
    calls = [Call("", "GET", f"/books/_doc/{number}?_source=pages") for number in (1, 23, 2, 3)]
    sent = b"".join(call.request() for call in calls[:-1]) + last_of(calls[-1])
    heard = []
    for port in (node.port, proxy.port):
        everything = exchange(port, (sent,), quiet_s=2.0, wait_s=5.0)
        assert everything.closed
        heard.append(re.sub(rb"(?i)connection: close\r\n", b"", everything.data))
    assert heard[1] == heard[0]
    assert re.findall(rb'"_id":"(\d+)"', heard[1]) == [b"1", b"23", b"2", b"3"]


def last_of(call: Call) -> bytes:
    """The call's request, asking for the connection's end after it."""
    return call.request().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
