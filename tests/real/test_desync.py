"""After whatever went wrong between a proxy and a node, the next requests get their own answers.

Many clients share few connections to the node. Each sends something that ends badly, then requests that are tagged; a
connection that is out of step would give one of them the answer of another, or none.
"""

import re
from collections.abc import Iterator

import pytest

from tests.fuzz.campaign import LIMITS
from tests.fuzz.case import Case, tag_of
from tests.fuzz.drive import each, send
from tests.fuzz.grammar import sentinel, start
from tests.fuzz.heard import answers
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOST = b" HTTP/1.1\r\nHost: es\r\nX-Opaque-Id: TAGTAGTAG.0\r\n"
JSON = b"Content-Type: application/json\r\n"
HIDDEN = start()
LENGTH = b"Content-Length: %d\r\n" % len(HIDDEN)

# What goes wrong, by name: parts to send. A client that sends only the first part leaves in the middle.
TROUBLE: dict[str, tuple[bytes, ...]] = {
    "an unknown path": (b"GET /_nothing/here" + HOST + b"\r\n",),
    "a wrong method": (b"DELETE /_search" + HOST + b"\r\n",),
    "a refused type": (b"POST /_search" + HOST + LENGTH + b"\r\n" + HIDDEN,),
    "a body that is no JSON": (b"POST /_search" + HOST + JSON + LENGTH + b"\r\n" + HIDDEN,),
    "a body that is no gzip": (
        b"POST /_search" + HOST + JSON + b"Content-Encoding: gzip\r\n" + LENGTH + b"\r\n" + HIDDEN,
    ),
    "a body that comes late": (b"POST /_search" + HOST + LENGTH + b"\r\n", HIDDEN[:9], HIDDEN[9:]),
    "a bad escape": (b"GET /%zz" + HOST + b"\r\n",),
    "a head that is too large": (b"GET /" + HOST + b"X-A: " + b"a" * 17000 + b"\r\n\r\n",),
    "a line that is too long": (b"GET /" + b"a" * 5000 + HOST + b"\r\n",),
    "a header that must not repeat": (b"GET /" + HOST + b"X-Opaque-Id: TAGTAGTAG.0\r\n\r\n",),
    "a HEAD with a body": (b"HEAD /" + HOST + LENGTH + b"\r\n" + HIDDEN,),
    "a HEAD of what is not there": (b"HEAD /missing" + HOST + b"\r\n",),
    "an expectation with its body": (
        b"POST /_search" + HOST + b"Expect: 100-continue\r\n" + LENGTH + b"\r\n" + HIDDEN,
    ),
    "an expectation that is too large": (
        b"POST /_search" + HOST + JSON + b"Expect: 100-continue\r\nContent-Length: 209715200\r\n\r\n",
    ),
    "trailers": (b"POST /_search" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: b\r\n\r\n",),
    "an answer in chunks": (b"GET /_cluster/state" + HOST + b"Accept-Encoding: gzip\r\n\r\n",),
    "a denied start": (HIDDEN,),
    "a denied start with a body": (HIDDEN.replace(b"Length: 0", b"Length: 2") + b"{}",),
}
# What never ends by itself; the client leaves, or is cut off for being too slow.
UNFINISHED: dict[str, bytes] = {
    "half a head": HIDDEN[:40],
    "half a body": b"POST /_search" + HOST + JSON + b"Content-Length: 999\r\n\r\n" + HIDDEN,
    "half a chunk": b"POST /_search" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + HIDDEN,
    "half the body of a start": HIDDEN.replace(b"Length: 0", b"Length: 999"),
    "an answer nobody reads": b"GET /_cluster/state" + HOST + b"\r\n",
}
ROUNDS = 6


@pytest.fixture(scope="module")
def proxied(real_node: RealNode) -> Iterator[tuple[RealNode, DenyingProxy]]:
    """A node and a proxy in front of it that denies every start."""
    real_node.forget_hits()
    with DenyingProxy((real_node.url,), LIMITS) as proxy:
        yield real_node, proxy


def echoes(*numbers: int) -> bytes:
    """Requests whose answers name them."""
    line = b"GET /_oracle/echo/TAGTAGTAG HTTP/1.1\r\nHost: es\r\nX-Opaque-Id: TAGTAGTAG.%d\r\n\r\n"
    return b"".join(line % number for number in numbers)


def told(data: bytes, tag: bytes) -> list[bytes]:
    """The tags that were answered well, each checked in head and body, without the connection's own part."""
    heard = [answer for answer in answers(data, heads=True) if answer.status == 200 and b'"uri"' in answer.body]
    for answer in heard:
        assert answer.tag.startswith(tag)
        assert re.findall(rb"z[pd][0-9a-f]{7}\.[0-9a-z]", answer.body) == [answer.tag]
    return [answer.tag[len(tag) :] for answer in heard]


async def test_after_each_trouble_every_request_gets_its_own_answer(proxied: tuple[RealNode, DenyingProxy]) -> None:
    node, proxy = proxied
    wrong: list[str] = []

    async def one(number: int, trouble: Case) -> None:
        tag = tag_of(number)
        # On the same connection, and, whether or not that lives on, on another.
        behind = Case((*trouble.parts, echoes(1, 2) + sentinel())).tagged(tag)
        first = told((await send(proxy.port, behind, spread=number)).data, tag)
        fresh = Case((echoes(3, 4), echoes(5) + sentinel())).tagged(tag)
        second = told((await send(proxy.port, fresh, spread=number)).data, tag)
        if first not in ([b".1", b".2", b".z"], []) or second != [b".3", b".4", b".5", b".z"]:
            wrong.append(f"{trouble.parts[0][:60]!r}: {first}, then {second}")

    await each(enumerate([Case(parts) for parts in TROUBLE.values()] * ROUNDS), one, at_once=12)
    assert wrong == []
    assert node.hits() == 0


async def test_after_what_never_ended_others_get_their_own_answers(proxied: tuple[RealNode, DenyingProxy]) -> None:
    node, proxy = proxied
    wrong: list[str] = []

    async def one(number: int, unfinished: Case) -> None:
        tag = tag_of(number)
        # Every other client leaves at once; the rest are cut off by the proxy.
        leaves = {"patience_s": 0.02} if number % 2 else {}
        await send(proxy.port, unfinished.tagged(tag), spread=number, **leaves)
        second = told((await send(proxy.port, Case((echoes(3, 4) + sentinel(),)).tagged(tag), spread=number)).data, tag)
        if second != [b".3", b".4", b".z"]:
            wrong.append(f"{unfinished.parts[0][:60]!r}: {second}")

    await each(enumerate([Case((data,)) for data in UNFINISHED.values()] * ROUNDS), one, at_once=12)
    assert wrong == []
    assert node.hits() == 0


async def test_most_troubles_do_not_end_the_connection(proxied: tuple[RealNode, DenyingProxy]) -> None:
    # Otherwise the tests above would say little of what follows on the same connection.
    _, proxy = proxied
    lived = []
    for number, (name, parts) in enumerate(TROUBLE.items()):
        tag = tag_of(number)
        outcome = await send(proxy.port, Case((*parts, echoes(1) + sentinel())).tagged(tag))
        lived += [name] if told(outcome.data, tag) == [b".1", b".z"] else []
    assert len(lived) > len(TROUBLE) / 2, lived
