"""The kinds of clients of a run. Each plays a round over and over; every answer is compared with what it must be."""

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bench.chaos import answers
from bench.chaos.ledger import Call, How, Ledger, Told
from bench.chaos.place import OBJECTS, Place
from bench.chaos.wire import Broken, Client, Reply

# How long each call took is the one thing in which two right answers differ.
_TOOK = re.compile(rb'"took": *\d+')
_RECEIPT = "x-startgate-receipt"
_KIBANA = {"kbn-version": "8.15.0", "x-elastic-product-origin": "kibana", "content-type": "application/json"}


class Failed(Exception):
    """A request of a round failed and is in the ledger: the round ends."""


@dataclass(slots=True)
class Scene:
    """What clients share. `kept` are the first answers to what never changes, which all others must equal."""

    place: Place
    ledger: Ledger
    chance: random.Random
    kept: dict[str, bytes] = field(default_factory=dict)
    number: int = 0

    def next(self) -> int:
        """A number that nobody has had."""
        self.number += 1
        return self.number


@dataclass(slots=True)
class Round:
    """One client: its connection, its kind, and whose credentials it sends."""

    scene: Scene
    kind: str
    client: Client

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        user: str = "",
        call: Call = Call.OTHER,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call, which must be answered with this status; each has an id of its own.

        Raises:
            Failed: it was not.
        """
        scene, began = self.scene, time.monotonic()
        named = {"x-opaque-id": f"chaos-{scene.next()}", "authorization": user or scene.place.admin, **(headers or {})}
        if body:
            named.setdefault("content-type", "application/json")
        try:
            reply = await self.client.ask(method, target, named, body)
        except Broken as broken:
            scene.ledger.failed(self.kind, began, call, How.BROKEN, f"{method} {target}: {broken}")
            raise Failed from None
        if call is Call.START:
            job = target.split("/")[4]
            scene.ledger.told.append(Told(reply.headers.get(_RECEIPT, ""), reply.status, job))
        if reply.status != status:
            how = How.ERROR if reply.status >= 500 else How.WRONG
            what = f"{method} {target}: {reply.status} instead of {status}: {reply.body[:300]!r}"
            scene.ledger.failed(self.kind, began, call, how, what)
            raise Failed
        scene.ledger.answered(self.kind, began)
        return reply

    def must(self, holds: bool, what: str) -> None:
        """Note a wrong answer. Raises Failed where it is one."""
        if not holds:
            self.scene.ledger.failed(self.kind, time.monotonic(), Call.OTHER, How.WRONG, what)
            raise Failed

    def same(self, name: str, reply: Reply) -> None:
        """An answer that never changes, but for how long it took. Raises Failed where it did."""
        found = _TOOK.sub(b'"took":0', reply.body)
        known = self.scene.kept.setdefault(name, found)
        self.must(found == known, f"{name}: {found[:300]!r} instead of {known[:300]!r}")


async def echoes(one: Round) -> None:
    """Bodies that belong to their request: what was meant for another is seen at once."""
    for _ in range(10):
        tag, length = f"t{one.scene.next()}", one.scene.chance.choice((0, 7, 300, 4000, 70_000, 300_000))
        reply = await one.ask("GET", f"/chaos/echo/{tag}/{length}")
        one.must(reply.body == answers.echo(tag, length), f"{tag}: the bytes of something else")
        await asyncio.sleep(0.02)


async def posts(one: Round) -> None:
    """What may come to a node once and no more."""
    tag, body = f"t{one.scene.next()}", one.scene.chance.randbytes(one.scene.chance.choice((1, 500, 100_000)))
    reply = await one.ask("POST", f"/chaos/once/{tag}", body)
    one.must(reply.body == answers.once(tag, body), f"{tag}: {reply.body[:100]!r}")


async def dashboards(one: Round) -> None:
    """A dashboard as Kibana loads it: its saved objects, then a search for each picture."""
    objects = json.dumps({"docs": [{"_index": OBJECTS, "_id": str(number)} for number in range(10)]}).encode()
    one.same("_mget", await one.ask("POST", "/_mget", objects, headers=_KIBANA))
    one.same("_doc", await one.ask("GET", f"/{OBJECTS}/_doc/3", headers=_KIBANA))
    for size in (0, 3, 10):
        search = {"size": size, "query": {"range": {"DistanceMiles": {"gte": 10 * size}}}, "sort": ["DistanceMiles"]}
        pictures = "".join(f'{{"index":"flights"}}\n{json.dumps(search)}\n' for _ in range(3))
        reply = await one.ask(
            "POST", "/_msearch", pictures.encode(), headers={**_KIBANA, "content-type": "application/x-ndjson"}
        )
        one.same(f"_msearch {size}", reply)


async def bulks(one: Round) -> None:
    """Documents written at once, read back, and their index deleted."""
    index = f"bulk-{one.scene.next()}"
    lines = [part for n in range(20) for part in ({"create": {"_id": str(n)}}, {"text": f"{index} {n}"})]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    headers = {"content-type": "application/x-ndjson"}
    reply = await one.ask("POST", f"/{index}/_bulk?refresh=true", body, headers=headers)
    one.must(reply.json["errors"] is False, f"{index}: {reply.body[:300]!r}")
    reply = await one.ask("GET", f"/{index}/_doc/7")
    one.must(reply.json["_source"] == {"text": f"{index} 7"}, f"{index}: {reply.body[:300]!r}")
    reply = await one.ask("GET", f"/{index}/_count")
    one.must(reply.json["count"] == 20, f"{index}: {reply.body[:300]!r}")
    await one.ask("DELETE", f"/{index}")


async def scrolls(one: Round) -> None:
    """A search page by page, to its end."""
    tag = f"t{one.scene.next()}"
    reply = await one.ask("POST", f"/chaos/_search?scroll=1m&tag={tag}", b"{}")
    for number in range(answers.PAGES + 1):
        one.must(reply.body == answers.page(tag, number), f"{tag}: not page {number}: {reply.body[:200]!r}")
        if number < answers.PAGES:
            reply = await one.ask(
                "POST", "/_search/scroll", json.dumps({"scroll_id": reply.json["_scroll_id"]}).encode()
            )


async def starts(one: Round) -> None:
    """The life of a job: made, its start denied to one and granted to another, stopped, deleted. Of each fourth the
    source is empty, so that the cluster refuses the start and the destination is removed again."""
    number = one.scene.next()
    refused = one.scene.chance.random() < 0.25
    job, index = f"/_ml/data_frame/analytics/chaos-{number}", f"out-chaos-{number}"
    body = {
        "source": {"index": ["void" if refused else "flights"]},
        "dest": {"index": index, "results_field": "ml"},
        "analysis": {"outlier_detection": {"n_neighbors": 2}},
        "analyzed_fields": {"includes": ["AvgTicketPrice", "DistanceMiles"]},
        "model_memory_limit": "50mb",
    }
    place = one.scene.place
    await one.ask("PUT", job, json.dumps(body).encode(), user=place.starter)
    await one.ask("POST", f"{job}/_start", user=place.stranger, call=Call.START, status=403)
    if refused:
        await one.ask("POST", f"{job}/_start", user=place.starter, call=Call.START, status=400)
        await one.ask("GET", f"/{index}", status=404)
    else:
        await one.ask("POST", f"{job}/_start", user=place.starter, call=Call.START)
        await one.ask("POST", f"{job}/_stop?force=true", user=place.starter)
    await one.ask("DELETE", f"{job}?force=true", user=place.starter)
    if not refused:
        await one.ask("DELETE", f"/{index}", user=place.starter)


async def scrapes(one: Round) -> None:
    """Prometheus."""
    reply = await one.ask("GET", "/metrics", call=Call.ADMIN)
    one.must(b"startgate_build_info" in reply.body, f"no metrics: {reply.body[:200]!r}")


# How many of each kind there are at a time, and the pause behind each round in seconds.
KINDS: tuple[tuple[Callable[[Round], Awaitable[None]], int, float], ...] = (
    (echoes, 3, 0.05),
    (posts, 2, 0.1),
    (dashboards, 2, 0.3),
    (bulks, 1, 0.3),
    (scrolls, 1, 0.2),
    (starts, 3, 0.15),
    (scrapes, 1, 2.0),
)


async def over_and_over(
    kind: Callable[[Round], Awaitable[None]], pause_s: float, scene: Scene, stop: asyncio.Event
) -> None:
    """Play a kind until told to stop; a round that is under way is played to its end."""
    client = Client(scene.place.admin_port if kind is scrapes else scene.place.port)
    one = Round(scene, getattr(kind, "__name__", ""), client)
    try:
        while not stop.is_set():
            try:
                await kind(one)
            except Failed:
                await asyncio.sleep(0.1)  # as clients do, and so that a fault does not fill the ledger
            await asyncio.sleep(pause_s)
    finally:
        client.close()
