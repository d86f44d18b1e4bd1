"""At the borders of what a node takes, too, every call answers through the proxy what it answers directly.

Nodes made of what is published lack async search, SQL, EQL, security and machine learning: of those only the refusal is
compared. Scrolls and points in time are walked by the official client in `test_transparency`.
"""

import http.client
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.real.calls import library
from tests.real.calls.borders import BORDERS, escapes, sizes
from tests.real.calls.raw import NDJSON, Call, lines
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.steady import through_and_direct
from tests.real.test_transparency import ask, comparable
from tests.real.wire import PART_GAP_S

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def proxied(real_node: RealNode) -> Iterator[tuple[RealNode, DenyingProxy]]:
    """A node that holds the library, and a proxy in front of it."""
    library.fill(real_node)
    with DenyingProxy((real_node.url,)) as proxy:
        yield real_node, proxy


@pytest.mark.parametrize("call", BORDERS, ids=lambda call: call.name)
def test_call(proxied: tuple[RealNode, DenyingProxy], call: Call) -> None:
    node, proxy = proxied

    def answer(port: int) -> tuple[object, ...] | None:
        if call.writes:
            library.fresh_shelf(node)
        return heard(port, call)

    through, direct = through_and_direct(lambda: answer(node.port), lambda: answer(proxy.port))
    if direct is None:
        # The node hung up without a word, which the proxy says in an answer of its own.
        assert through is not None
        assert through[0] == 502
    else:
        assert through == direct


def heard(port: int, call: Call) -> tuple[object, ...] | None:
    """What is comparable of the answer, None where there is none."""
    try:
        return comparable(ask(port, call), call.volatile)
    except (http.client.RemoteDisconnected, ConnectionError):
        return None


def unmasked(port: int, call: Call) -> tuple[object, ...]:
    """What is comparable of an answer that is the same each time."""
    return comparable(ask(port, call), ())


@pytest.mark.slow
@pytest.mark.parametrize("calls", [escapes(), sizes()], ids=["every escape", "sizes"])
def test_many_calls(proxied: tuple[RealNode, DenyingProxy], calls: tuple[Call, ...]) -> None:
    node, proxy = proxied
    differing = []
    statuses = set()
    for call in calls:
        through, direct = through_and_direct(partial(unmasked, node.port, call), partial(unmasked, proxy.port, call))
        statuses.add(direct[0])
        if through != direct:
            differing.append((call.name, direct, through))
    assert differing == []
    # Some were taken and some refused: the borders were crossed.
    assert 200 in statuses
    assert len(statuses) > 1


def test_names_are_unique_and_the_product_is_named(proxied: tuple[RealNode, DenyingProxy]) -> None:
    names = [call.name for call in (*BORDERS, *escapes(), *sizes())]
    assert len(names) == len(set(names)) > 1000
    _, proxy = proxied
    answer = ask(proxy.port, Call("", "GET", "/books/_mapping"))
    assert ("x-elastic-product", "Elasticsearch") in [(name.lower(), value) for name, value in answer.headers]


def test_a_bulk_that_trickles_in_is_answered_as_one_that_comes_at_once(proxied: tuple[RealNode, DenyingProxy]) -> None:
    node, proxy = proxied
    documents = lines(*({"index": {"_id": "t"}}, {"note": "z" * 3000}) * 5)
    whole = Call("", "POST", "/shelf/_bulk?filter_path=errors,items.*.status", (NDJSON,), documents)
    trickling = Call("", whole.method, whole.target, whole.headers, chunks=tuple(lines_of(documents)))
    library.fresh_shelf(node)
    direct = comparable(ask(node.port, whole), ())
    library.fresh_shelf(node)
    sent = trickling.request()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as peer:
        for at in range(0, len(sent), len(sent) // 9):
            peer.sendall(sent[at : at + len(sent) // 9])
            time.sleep(PART_GAP_S)
        with http.client.HTTPResponse(peer, method="POST") as answer:
            answer.begin()
            assert (answer.status, answer.read()) == (direct[0], direct[2])


def lines_of(data: bytes) -> list[bytes]:
    """The lines of `data` with their ends."""
    return data.splitlines(keepends=True)
