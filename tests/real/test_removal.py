"""The removal of a destination that a refused start leaves, on genuine nodes, while others write to it at every moment:
not one document that was acknowledged is ever lost."""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum

import aiohttp
import pytest

from proxy.cluster.gateway import Gateway
from proxy.model import Credential
from proxy.settings import ClusterTls
from tests.real.node import RealNode

pytestmark = [pytest.mark.real, pytest.mark.slow]

SEED = 19
ROUNDS = 24
WRITERS = 5
AT_ONCE = 3
NOBODY = Credential(whose="test")


class Moment(Enum):
    """When the writers of a round write; but for these at a machine's own pace, and so by chance."""

    BEFORE = "before the removal"
    MEANWHILE = "from the removal's beginning on"
    AFTER = "after the removal"


MOMENTS = {0: Moment.BEFORE, 1: Moment.AFTER}


@dataclass(slots=True)
class Place:
    """A node, the gate's calls to it, and writers."""

    node: RealNode
    gateway: Gateway
    session: aiohttp.ClientSession
    acknowledged: dict[str, set[str]] = field(default_factory=dict)

    async def write(self, index: str, number: int, *, bulk: bool) -> None:
        """Write a document, which makes the index anew where it is gone; note it where the node took it."""
        headers = {"content-type": "application/json"}
        document = {"n": number}
        if bulk:
            lines = "".join(json.dumps(line) + "\n" for line in ({"index": {"_id": str(number)}}, document))
            call = self.session.post(f"{self.node.url}/{index}/_bulk", data=lines, headers=headers)
        else:
            url = f"{self.node.url}/{index}/_doc/{number}"
            call = self.session.put(url, data=json.dumps(document), headers=headers)
        async with call as answer:
            content = await answer.json()
        if answer.status < 300 and not content.get("errors"):
            self.acknowledged.setdefault(index, set()).add(str(number))

    async def found(self, index: str) -> set[str]:
        """The ids of all documents of an index."""
        async with self.session.post(f"{self.node.url}/{index}/_refresh"):
            pass
        async with self.session.get(f"{self.node.url}/{index}/_search?size=1000") as answer:
            content = await answer.json()
        return {hit["_id"] for hit in content["hits"]["hits"]}


async def idle() -> bool:
    """Nobody uses it."""
    return True


@pytest.fixture
async def place(real_node: RealNode) -> AsyncIterator[Place]:
    gateway = Gateway([real_node.url], tls=ClusterTls(), service=None, call_timeout_s=60.0)
    async with aiohttp.ClientSession() as session:
        yield Place(real_node, gateway, session)
    await gateway.close()


async def test_no_acknowledged_document_is_ever_lost(place: Place) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    name = f"removal-{uuid.uuid4().hex[:6]}"
    turns = asyncio.Semaphore(AT_ONCE)
    # From all at once, in the middle of the removal, to long after it.
    spans = [chance.choice([0.02, 0.2, 0.8, 2.5]) for _ in range(ROUNDS)]
    plans = [[(chance.uniform(0, span), chance.random() < 0.5) for _ in range(WRITERS)] for span in spans]

    async def one(number: int) -> str:
        async with turns:
            return await _round(place, f"{name}-{number}", plans[number], MOMENTS.get(number, Moment.MEANWHILE))

    try:
        removals = Counter(await asyncio.gather(*map(one, range(ROUNDS))))
        await _all_is_there(place, removals)
    finally:
        # Others' tests run on the same node.
        names = ",".join(f"{name}-{number}" for number in range(ROUNDS))
        gone = place.node.call("DELETE", f"/{names}?ignore_unavailable=true")
    assert gone.status == 200, gone.data


async def _all_is_there(place: Place, removals: Counter[str]) -> None:
    for index, ids in place.acknowledged.items():
        assert await place.found(index) == ids, index
    assert sum(map(len, place.acknowledged.values())) > ROUNDS
    assert removals["removed"] > 0, removals
    assert any(text == "kept: it has been written to" for text in removals), removals


async def _round(place: Place, index: str, plan: list[tuple[float, bool]], moment: Moment) -> str:
    meta = {"created_by": "data-frame-analytics", "analytics": index, "creation_date_in_millis": 1}
    body = {"settings": {"index.number_of_replicas": 0}, "mappings": {"dynamic": False, "_meta": meta}}
    assert await place.gateway.create(index, body, NOBODY)

    async def write(number: int, after_s: float, bulk: bool) -> None:
        await asyncio.sleep(after_s)
        await place.write(index, number, bulk=bulk)

    async def write_all() -> None:
        await asyncio.gather(*(write(number, *each) for number, each in enumerate(plan)))

    if moment is Moment.BEFORE:
        await write_all()
    meanwhile = asyncio.ensure_future(write_all() if moment is Moment.MEANWHILE else asyncio.sleep(0))
    removal = await place.gateway.remove_if_empty(index, meta, NOBODY, idle)
    await meanwhile
    if moment is Moment.AFTER:
        await write_all()
    if removal.startswith("kept"):  # whoever writes to it goes on doing so
        await place.write(index, 999, bulk=False)
        assert "999" in place.acknowledged[index], removal
    return removal


async def test_what_was_put_in_its_place_is_not_removed(place: Place) -> None:
    """Deleted and made anew by somebody else: neither with other `_meta`, nor with documents."""
    index = f"removal-{uuid.uuid4().hex[:6]}"
    meta = {"created_by": "data-frame-analytics", "analytics": index}
    body = {"mappings": {"_meta": meta}}
    assert await place.gateway.create(index, body, NOBODY)
    assert not await place.gateway.create(index, body, NOBODY), "an index that is there is somebody else's"
    assert place.node.call("DELETE", f"/{index}").status == 200
    assert await place.gateway.remove_if_empty(index, meta, NOBODY, idle) == "removed already"
    assert place.node.call("PUT", f"/{index}", {}).status == 200
    said = await place.gateway.remove_if_empty(index, meta, NOBODY, idle)
    assert said == "kept: it is not the index that was made for this start"
    assert not await place.gateway.create(index, body, NOBODY)
    assert place.node.call("DELETE", f"/{index}").status == 200


def _write(place: Place, index: str) -> None:
    assert place.node.call("PUT", f"/{index}/_doc/1", {"n": 1}).status == 201


def _write_and_delete(place: Place, index: str) -> None:
    _write(place, index)
    assert place.node.call("DELETE", f"/{index}/_doc/1").status == 200


def _delete_what_is_missing(place: Place, index: str) -> None:
    assert place.node.call("DELETE", f"/{index}/_doc/1").status == 404


def _write_what_does_not_fit(place: Place, index: str) -> None:
    assert place.node.call("PUT", f"/{index}/_doc/1", {"n": "no number"}).status == 400


def _nothing(place: Place, index: str) -> None:
    assert place.node.call("GET", f"/{index}/_count").data["count"] == 0


WRITTEN = "kept: it has been written to"


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (_nothing, "removed"),
        (_write_what_does_not_fit, "removed"),
        (_write, WRITTEN),
        (_write_and_delete, WRITTEN),
        (_delete_what_is_missing, WRITTEN),
    ],
)
@pytest.mark.parametrize("shards", [1, 3])
async def test_sequence_numbers_tell_of_every_write(
    place: Place, shards: int, done: Callable[[Place, str], None], told: str
) -> None:
    """Without a refresh, and with replicas that no node has room for. A dot in the name is no step of a filter."""
    index = f"removal.{uuid.uuid4().hex[:6]}.of-shards"
    meta = {"analytics": index}
    settings = {"number_of_shards": shards, "number_of_replicas": 1, "refresh_interval": "-1"}
    body = {"settings": settings, "mappings": {"_meta": meta, "properties": {"n": {"type": "long"}}}}
    assert await place.gateway.create(index, body, NOBODY)
    try:
        done(place, index)
        assert await place.gateway.remove_if_empty(index, meta, NOBODY, idle) == told
    finally:
        gone = place.node.call("DELETE", f"/{index}?ignore_unavailable=true")
    assert gone.status == 200, gone.data


@pytest.mark.parametrize("by_settings", [False, True])
async def test_a_removal_that_was_not_finished_is_done_anew(place: Place, by_settings: bool) -> None:
    """No shard acknowledges a block that is there already; so it is lifted and put again."""
    index = f"removal-{uuid.uuid4().hex[:6]}"
    meta = {"analytics": index}
    assert await place.gateway.create(index, {"mappings": {"_meta": meta}}, NOBODY)
    body = {"index.blocks.write": True} if by_settings else None
    path = f"/{index}/_settings" if by_settings else f"/{index}/_block/write"
    assert place.node.call("PUT", path, body).status == 200
    assert await place.gateway.left_blocked(index, meta, NOBODY)
    others = await place.gateway.remove_if_empty(index, meta, NOBODY, idle)
    assert others == "kept: somebody else has blocked it"
    assert await place.gateway.remove_if_empty(index, meta, NOBODY, idle, left=True) == "removed"
    assert place.node.call("HEAD", f"/{index}").status == 404


async def test_an_index_of_which_a_shard_is_missing_is_kept(place: Place) -> None:
    """No statistics tell of a shard that is nowhere, and no count of failures either."""
    index = f"removal-{uuid.uuid4().hex[:6]}"
    meta = {"analytics": index}
    settings = {"number_of_shards": 2, "index.routing.allocation.require._name": "nobody"}
    body = {"settings": settings, "mappings": {"_meta": meta}}
    assert place.node.call("PUT", f"/{index}?wait_for_active_shards=0", body).status == 200
    try:
        told = await place.gateway.remove_if_empty(index, meta, NOBODY, idle)
        assert told == "kept: not all of its shards could be looked into"
        blocks = place.node.call("GET", f"/{index}/_settings?flat_settings=true").data[index]["settings"]
        assert "index.blocks.write" not in blocks
    finally:
        gone = place.node.call("DELETE", f"/{index}")
    assert gone.status == 200, gone.data


async def test_no_call_deletes_an_index_on_a_condition(place: Place) -> None:
    """What would close the gap between the last look and the deletion: a deletion that fails where a mark is missing.

    A list of actions takes the index away first, and then fails where the mark is and where it is not; nothing is done.
    """
    index, mark = f"removal-{uuid.uuid4().hex[:6]}", f"mark-{uuid.uuid4().hex[:6]}"
    conditional = [
        {"remove": {"index": index, "alias": mark, "must_exist": True}},
        {"remove_index": {"index": index}},
    ]
    assert place.node.call("PUT", f"/{index}", {"aliases": {mark: {}}}).status == 200
    try:
        for actions in (conditional, conditional[::-1]):
            answer = place.node.call("POST", "/_aliases", {"actions": actions})
            assert (answer.status, answer.data["error"]["type"]) == (404, "index_not_found_exception")
            assert place.node.call("GET", f"/_alias/{mark}").status == 200
    finally:
        gone = place.node.call("DELETE", f"/{index}")
    assert gone.status == 200, gone.data
