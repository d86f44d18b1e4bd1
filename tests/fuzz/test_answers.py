"""A server that answers wrongly: no client is given what belongs to another request, on its connection or any other."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from tests.fuzz.broken import ANSWERS, MARK, Broken, in_parts, wrong
from tests.fuzz.campaign import LIMITS
from tests.fuzz.case import TAGS, Case, tag_of
from tests.fuzz.drive import Outcome, each, send
from tests.fuzz.heard import Unreadable, answers
from tests.real.proxied import DenyingProxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONNECTIONS = 2500
REQUESTS = 4
SEED = 4
# A PUT is of a job, so that its answer waits until the gate has heard of it.
METHODS = (b"GET", b"PUT", b"POST", b"HEAD")
FOLDERS = {b"PUT": b"_ml/data_frame/analytics/"}


def chance_of(tag: bytes) -> Random:
    """The source of chance for one request: both sides know what the other does."""
    return Random(SEED ^ int.from_bytes(tag, "big"))  # noqa: S311 -- repeatable on purpose


def plan(tag: bytes) -> tuple[tuple[bytes, ...], bool] | None:
    """Half of all requests are answered wrongly."""
    chance = chance_of(tag)
    number = int(tag[2:9], 16)
    if number < len(ANSWERS):
        # Each of those written down, on a connection of its own, in the middle.
        data = ANSWERS[number] if tag.endswith(b".1") else None
    else:
        data = wrong(chance) if chance.random() < 0.5 else None
    if data is None:
        return None
    parts = in_parts(chance, data.replace(MARK, tag))
    return parts, chance.random() < 0.5


def requests(number: int) -> tuple[list[bytes], Case]:
    """The methods of a connection's requests, and these one behind the other, the last of which ends it."""
    tag = tag_of(number)
    chance = chance_of(tag)
    methods = [chance.choice(METHODS) for _ in range(REQUESTS)]
    data = b""
    for at, method in enumerate(methods):
        close = b"Connection: close\r\n" if at == REQUESTS - 1 else b""
        body = b"{}" if method in (b"POST", b"PUT") else b""
        target = b"/%b%b.%d" % (FOLDERS.get(method, b""), tag, at)
        head = b"%b %b HTTP/1.1\r\nHost: es\r\nX-Opaque-Id: %b.%d\r\n%b" % (method, target, tag, at, close)
        data += head + (b"Content-Length: 2\r\n" if body else b"") + b"\r\n" + body
    cut = chance.randrange(1, len(data))
    return methods, Case((data,) if chance.random() < 0.5 else (data[:cut], data[cut:]))


def wrongs(number: int, methods: Sequence[bytes], outcome: Outcome, figures: Counter[str]) -> list[str]:
    """What is wrong with what a client heard."""
    tag = tag_of(number)
    try:
        heard = answers(outcome.data, heads=[method == b"HEAD" for method in methods])
    except Unreadable as fault:
        return [f"unreadable: {fault}"]
    found = [] if outcome.ended else ["hang"]
    found += ["more answers than requests"] if len(heard) > len(methods) else []
    for at, answered in enumerate(heard):
        own = tag + b".%d" % at
        figures[str(answered.status)] += 1
        if answered.tag and answered.tag != own:
            found.append(f"request {at} was given the answer of {answered.tag!r}")
        # What was answered rightly arrives so, or is an error of the proxy's own.
        right = b'{"tag":"%b"}' % own
        if plan(own) is None and answered.status == 200 and answered.whole and answered.body not in (right, b""):
            found.append(f"request {at} was answered {answered.body!r}")
    if any(not other.startswith(tag) for other in TAGS.findall(outcome.data)):
        found.append("something of another connection arrived")
    return found


def test_every_answer_is_given_to_its_own_request() -> None:
    figures: Counter[str] = Counter()
    failures: list[tuple[int, list[str], Outcome]] = []
    with Broken(plan) as server, DenyingProxy((f"http://127.0.0.1:{server.port}",), LIMITS) as proxy:

        async def one(number: int, case: Case) -> None:
            methods, _ = requests(number)
            outcome = await send(proxy.port, case, spread=number)
            if found := wrongs(number, methods, outcome, figures):
                failures.append((number, found, outcome))

        asyncio.run(each([(number, requests(number)[1]) for number in range(CONNECTIONS)], one))
    assert failures == []
    assert len(proxy.notes) > CONNECTIONS / 4
    # Both came through: what was right, and what was wrong with an error of the proxy's own in its place.
    assert figures["200"] > CONNECTIONS / 2
    assert figures["502"] > CONNECTIONS / 10
