"""Whatever the cluster answers to a call of a start, cut off, no JSON, huge, or of another shape: the client gets a
clear error, the record is closed, and nothing is made."""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proxy.embedded.app import Cluster, serve_embedded
from proxy.journal.entry import Phase
from proxy.settings import GateLimits
from tests.stack import Replied, Stack, in_front_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LIMIT = 64 * 1024
DEEP = 100_000
ANALYST = {
    "cluster": ["manage_ml", "monitor"],
    "indices": [
        {"names": ["src", "src-void"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["out-*"], "privileges": ["read", "create_index", "manage", "index"]},
    ],
}
# The calls of a first start up to the forward, as who asks holds its own credentials; `*` stands for the job, or
# whatever else differs.
CALLS = (
    "GET /_security/_authenticate",
    "GET /_ml/data_frame/analytics/*",
    "GET /_ml/data_frame/analytics/*/_stats",
    "POST /_security/user/_has_privileges",
    "GET /src/_mapping",
    "GET /src/_settings/*",
    "GET /out-*",
)
# Those that a start can do without.
HELPFUL = ("GET /", "POST /_index_template/_simulate_index/*", "GET /_template")

# Status, body and whether it ends before its announced length.
Broken = tuple[int, bytes, bool]
WAYS: Mapping[str, Broken] = {
    "cut off": (200, b'{"a": {"mappings": {"properties": {}}}', True),
    "no body": (200, b"", False),
    "no content": (204, b"", False),
    "another page": (200, b"<html>who are you?</html>", False),
    "no text": (200, b"\xff\xfe\x00", False),
    "nothing": (200, b"null", False),
    "a list": (200, b"[]", False),
    "a text": (200, b'"yes"', False),
    "an empty object": (200, b"{}", False),
    "an object of nothing": (200, b'{"a": null}', False),
    "two objects": (200, b"{}{}", False),
    "no number": (200, b'{"count": NaN}', False),
    "deep": (200, b'{"a":' * DEEP + b"1" + b"}" * DEEP, False),
    "deep lists": (200, b"[" * DEEP + b"]" * DEEP, False),
    "long": (200, b"{" + b" " * LIMIT + b"}", False),
    "somewhere else": (302, b"", False),
    "a refusal that is another page": (403, b"<html>no</html>", False),
    "a refusal that is a list": (404, b"[]", False),
    "a refusal without a word": (400, b"", False),
    "a refusal of another shape": (400, b'{"error": {"reason": 5, "type": []}, "status": "x"}', False),
    "a failure": (500, b"oops", False),
    "a deep failure": (503, b'{"error":' * DEEP + b"1" + b"}" * DEEP, False),
}


NO = {"error": {"root_cause": [], "type": "status_exception", "reason": "no"}, "status": 400}
# Answers that mean something: no destination is there, or no setting of the sources is known.
GOOD_ENOUGH = (("GET /out-*", "a refusal that is a list"), ("GET /src/_settings/*", "an empty object"))


@dataclass(slots=True)
class Relay:
    """Passes requests on to the cluster. What `spoil` says of a call, if it does, is answered instead."""

    url: str
    session: aiohttp.ClientSession
    spoil: Callable[[str, bytes], Broken | None] = lambda _call, _body: None
    seen: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        body, headers = await request.read(), request.headers
        url = self.url + request.raw_path
        async with self.session.request(request.method, url, data=body, headers=headers) as answer:
            content = await answer.read()
            status, kept = answer.status, {"content-type": answer.content_type, "x-elastic-product": "Elasticsearch"}
        call = f"{request.method} {request.raw_path.partition('?')[0]}"
        self.seen.append(call)
        broken = self.spoil(call, content)
        if broken is None:
            return web.Response(status=status, body=content, headers=kept)
        status, content, cut = broken
        if not cut:
            more = {"location": "/elsewhere"} if status == 302 else {}
            return web.Response(status=status, body=content, headers={**kept, **more})
        response = web.StreamResponse(status=status, headers={**kept, "content-length": str(2 * len(content))})
        await response.prepare(request)
        await response.write(content)
        assert request.transport is not None
        request.transport.abort()
        return response


@dataclass(slots=True)
class Place:
    """Gate and edge behind the relay, and jobs of an analyst, each with a destination of its own."""

    stack: Stack
    relay: Relay
    cluster: Cluster
    auth: str
    made: int = 0

    async def start(self, *, starts: bool = True) -> tuple[Replied, bool]:
        """Start a new job; its answer, and whether its destination is there. Unless it `starts`, the cluster refuses:
        there are no documents."""
        self.made += 1
        job, out = f"job-{self.made}", f"out-{self.made}"
        source = "src" if starts else "src-void"
        body = {"source": {"index": [source]}, "dest": {"index": out}, "analysis": {"outlier_detection": {}}}
        spoil, self.relay.spoil = self.relay.spoil, lambda _call, _body: None
        await self.stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body)
        self.relay.spoil = spoil
        answer = await self.stack.start(job, auth=self.auth)
        self.relay.spoil = lambda _call, _body: None
        there = (await self.stack.call("GET", f"/{out}", direct=True)).status == 200
        return answer, there


@asynccontextmanager
async def _relayed(cluster: Cluster) -> AsyncIterator[tuple[Relay, Cluster]]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        relay = Relay(cluster.url, session)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{rest:.*}", relay.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield relay, replace(cluster, port=runner.addresses[0][1])
        finally:
            await runner.cleanup()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    limits = GateLimits(follow_up_poll_s=0.05, drain_s=2.0, cluster_answer_bytes=LIMIT, source_answer_bytes=LIMIT)
    async with (
        serve_embedded() as cluster,
        _relayed(cluster) as (relay, behind),
        in_front_of(behind, tmp_path, service=False, limits=limits) as stack,
    ):
        for source in ("src", "src-void"):
            await stack.ok("PUT", f"/{source}", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
        for number in range(3):
            await stack.ok("PUT", f"/src/_doc/{number}?refresh=true", {"delay": number})
        cluster.add_role("analyst", ANALYST)
        yield Place(stack, relay, cluster, cluster.add_user("ann", "ann-secret", ["analyst"]))


def _is(call: str, pattern: str) -> bool:
    """Whether a call is of this kind; `*` stands for one step of the path."""
    method, path = call.split(" ", 1)
    wanted, steps = pattern.split(" ", 1)
    pairs = zip(path.split("/"), steps.split("/"), strict=False)
    same = path.count("/") == steps.count("/") and all(
        a == b or (b.endswith("*") and a.startswith(b[:-1])) for a, b in pairs
    )
    return method == wanted and same


def _instead(call: str, broken: Broken) -> Callable[[str, bytes], Broken | None]:
    return lambda one, _: broken if _is(one, call) else None


async def test_the_calls_of_a_start_are_these(place: Place) -> None:
    answer, there = await place.start()
    assert (answer.status, there) == (200, True), answer.body
    seen = place.relay.seen
    before = seen[seen.index("PUT /_ml/data_frame/analytics/job-1") + 1 : seen.index("PUT /out-1")]
    kinds = {next((kind for kind in (*CALLS, *HELPFUL) if _is(call, kind)), call) for call in before}
    assert kinds == {*CALLS, *HELPFUL}


@pytest.mark.parametrize("call", HELPFUL)
async def test_what_a_start_can_do_without_does_not_hold_it_up(place: Place, call: str) -> None:
    for way, broken in WAYS.items():
        place.relay.spoil = _instead(call, broken)
        answer, there = await place.start()
        assert (answer.status, there) in ((200, True), (503, False)), f"{call} {way}: {answer.status} {answer.body!r}"


@pytest.mark.parametrize("call", CALLS)
async def test_a_broken_answer_starts_nothing_and_makes_nothing(place: Place, call: str) -> None:
    for way, broken in WAYS.items():
        place.relay.spoil = _instead(call, broken)
        answer, there = await place.start()
        told = f"{call} {way}: {answer.status} {answer.body[:300]!r}"
        if (call, way) in GOOD_ENOUGH:
            continue
        assert answer.status in (400, 403, 404, 503), told
        assert not there, told
        assert answer.json["status"] == answer.status, told
        # Whoever is not known yet may be counted only, without a receipt.
        assert not [one.receipt for one in place.stack.all_recorded() if one.open], told


@pytest.mark.parametrize("way", WAYS)
async def test_a_second_look_that_is_broken_leaves_nothing(place: Place, way: str) -> None:
    """The job is looked at again while its destination is created, which is then removed."""
    looks = itertools.count(1)

    def second(one: str, _: bytes) -> Broken | None:
        return WAYS[way] if _is(one, "GET /_ml/data_frame/analytics/*") and next(looks) > 1 else None

    place.relay.spoil = second
    answer, there = await place.start()
    told = f"{answer.status} {answer.body[:300]!r}"
    assert next(looks) > 2
    assert answer.status in (400, 403, 404, 503), told
    assert not there, told


# Those of a removal, and what of a broken answer to them the index may come to: the relay has passed the call on.
REMOVAL = (
    "GET /out-*",
    "GET /_ml/data_frame/analytics/*/_stats",
    "PUT /out-*/_block/write",
    "GET /out-*/_stats/docs",
    "DELETE /out-*",
)


@pytest.mark.parametrize("call", REMOVAL)
async def test_whatever_is_answered_to_a_removal_what_is_kept_may_be_written_to(place: Place, call: str) -> None:
    """The cluster refuses the start at the end; from then on one call is answered in all of the ways."""
    for way, broken in WAYS.items():
        forwarded: list[bool] = []

        def spoil(one: str, _: bytes, broken: Broken = broken, forwarded: list[bool] = forwarded) -> Broken | None:
            if _is(one, "POST /_ml/data_frame/analytics/*/_start"):
                forwarded.append(True)
                return 400, json.dumps(NO).encode(), False
            return broken if forwarded and _is(one, call) else None

        place.relay.spoil = spoil
        answer, there = await place.start(starts=False)
        assert (answer.status, answer.reason) == (400, "no"), (way, answer.body)
        out = f"out-{place.made}"
        outcome = place.stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["destination"]
        assert (outcome["removal"] == "removed") <= (not there), (way, outcome)
        written = await place.stack.call("PUT", f"/{out}/_doc/1", {"delay": 1}, direct=True)
        assert written.status == 201, (way, outcome, written.body)


OTHERS: tuple[Any, ...] = (None, [], {}, "", "x", 5, -1.5, True, False, 10**30, [None], {"a": None}, "\x00")
# So many of them, by turns, stand in for each part.
FOR_EACH = 2
TURNS = itertools.cycle(OTHERS)


def _mutants(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The value with one part, wherever it is, missing or another; told by its path."""
    for other in itertools.islice(TURNS, FOR_EACH):
        yield f"{path}={json.dumps(other)}", other
    if isinstance(value, dict):
        for key, held in value.items():
            yield f"{path}.{key} is missing", {name: one for name, one in value.items() if name != key}
            for told, mutant in _mutants(held, f"{path}.{key}"):
                yield told, {**value, key: mutant}
    if isinstance(value, list):
        for at, held in enumerate(value):
            for told, mutant in _mutants(held, f"{path}[{at}]"):
                yield told, [*value[:at], mutant, *value[at + 1 :]]


# The version is asked for once a minute.
@pytest.mark.parametrize("call", [*CALLS, *HELPFUL[1:]])
async def test_no_part_of_an_answer_is_relied_on_to_be_what_it_should(place: Place, call: str) -> None:
    """A start may well be granted; but nothing fails of it, nobody gets rights by it, and nothing is left behind."""
    genuine = await _answer(place, call)
    tried = [told for told, _ in _mutants(json.loads(genuine))]
    for at in range(len(tried)):
        told: list[str] = []
        place.relay.spoil = _spoiling(call, at, told)
        answer, there = await place.start()
        why = f"{call} {told}: {answer.status} {answer.body[:300]!r}"
        assert told, call
        assert answer.status in (200, 400, 401, 403, 404, 409, 503), why
        assert answer.status == 200 or not there, why
        assert not [one.receipt for one in place.stack.all_recorded() if one.open], why
        if call.endswith("_has_privileges") and told[0].startswith((".index", ".cluster")) and told[0][-5:] != "=true":
            assert answer.status != 200, why


async def _answer(place: Place, call: str) -> bytes:
    """What the cluster says to this call of a start that is granted."""
    heard: list[bytes] = []

    def listen(one: str, content: bytes) -> None:
        if _is(one, call):
            heard.append(content)

    place.relay.spoil = listen
    answer, _ = await place.start()
    assert answer.status == 200, answer.body
    return heard[0]


def _spoiling(call: str, at: int, told: list[str]) -> Callable[[str, bytes], Broken | None]:
    """Answer with one of the mutants, the last of them where there are fewer."""

    def spoil(one: str, content: bytes) -> Broken | None:
        if not _is(one, call):
            return None
        mutants = list(_mutants(json.loads(content)))
        told[:], mutant = [mutants[min(at, len(mutants) - 1)][0]], mutants[min(at, len(mutants) - 1)][1]
        return 200, json.dumps(mutant).encode(), False

    return spoil
