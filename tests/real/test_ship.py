"""Shipping into genuine nodes: each record once, as it is, whatever happens to the node.

A bare node of 8.x and 9.x makes a data stream when a document comes for a name that fits a template; the calls that
make and delete one (`_data_stream`), and index lifecycle management, are modules that are not published.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.cluster.transport import Transport
from proxy.journal.chain import GENESIS, record_hash
from proxy.journal.fields import FIELDS, Kind
from proxy.model import Credential
from proxy.settings import ClusterTls, ShipLimits
from proxy.ship.compare import Held, held
from proxy.ship.cursor import cursor_path
from proxy.ship.rejected import numbers
from proxy.ship.shipper import Shipper
from proxy.ship.stream import StreamSink
from proxy.ship.templates import calls
from tests.real.conftest import require_real
from tests.real.node import RealNode
from tests.real.versions import CannotRun, selected
from tests.ship.samples import JOURNAL, Written

pytestmark = [pytest.mark.real, pytest.mark.slow]

STREAM = "startgate-audit"
NOBODY = Credential(whose="service", headers=())
LIMITS = ShipLimits(batch_records=250, retry_s=0.05, retry_longest_s=0.5, poll_s=0.02)
RECORDS, KILLS = 20_000, 10
RELEASE = "8.15.3"


def make_stream(node: RealNode, stream: str) -> None:
    """Templates as they are installed, and an empty stream."""
    for call in calls(stream, 30, node.version.number):
        if call.path.startswith(("/_data_stream", "/_ilm")):
            continue
        body = call.body
        if node.version.major == 7:
            _without_modules(body, stream)
        answer = node.call(call.method, call.path, body)
        assert answer.status == 200, (call.path, answer.body)
    if node.version.major == 7:
        made = node.call("PUT", f"/{stream}-000001", {"aliases": {stream: {"is_write_index": True}}})
        assert made.status == 200, made.body
        return
    made = node.call("PUT", f"/{stream}/_create/first?refresh=true", {"@timestamp": "2026-01-01T00:00:00.000Z"})
    assert made.status == 201, made.body
    assert made.data["_index"].startswith(f".ds-{stream}-")
    assert node.call("DELETE", f"/{made.data['_index']}/_doc/first?refresh=true").status == 200


def _without_modules(body: dict[str, Any], stream: str) -> None:
    """A bare 7.17 knows no data streams either: a row of plain indices behind an alias stands for one, which is written
    to and rolled over in the same way."""
    body.get("template", {}).get("settings", {}).get("index", {}).pop("lifecycle", None)
    if body.pop("data_stream", None) is not None:
        body["index_patterns"] = [f"{stream}-0*"]


def documents(node: RealNode, stream: str) -> list[tuple[str, Any]]:
    """Every document by number: its id and its source."""
    node.call("POST", f"/{stream}/_refresh")
    found: list[tuple[str, Any]] = []
    after: list[Any] = []
    while True:
        query = {"size": 5000, "sort": ["startgate.chain.seq", {"_index": "asc"}], "track_total_hits": False}
        answer = node.call("POST", f"/{stream}/_search", {**query, **({"search_after": after} if after else {})})
        hits = answer.data["hits"]["hits"]
        if not hits:
            return found
        found += [(hit["_id"], hit["_source"]) for hit in hits]
        after = hits[-1]["sort"]


@asynccontextmanager
async def transport_to(node: RealNode) -> AsyncIterator[Transport]:
    transport = Transport([node.url], ClusterTls(), 20.0)
    try:
        yield transport
    finally:
        await transport.close()


async def ship(node: RealNode, folder: Path, stream: str) -> Shipper:
    """All that there is, by a process that is new."""
    async with transport_to(node) as transport:
        shipper = Shipper(folder, StreamSink(transport, NOBODY, stream), LIMITS)
        await shipper.all_there_is()
    return shipper


@pytest.fixture
def killed_node() -> Iterator[RealNode]:
    """A node of its own, to be killed."""
    if RELEASE not in {version.number for version in selected()}:
        pytest.skip(f"{RELEASE} is not selected")
    try:
        node = RealNode.start(RELEASE, plugin=False)
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"Elasticsearch {RELEASE} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {RELEASE} cannot run here: {reason}")
    with node:
        yield node


@pytest.mark.timeout(600)
async def test_a_node_that_is_killed_ten_times_has_each_record_once(killed_node: RealNode, tmp_path: Path) -> None:
    """With rollovers and new processes in between: the order is proven by the chain in the documents themselves."""
    node, chance = killed_node, random.Random(7)  # noqa: S311 -- chance, not secrets
    make_stream(node, STREAM)
    written = Written(tmp_path)
    for number in range(1, KILLS + 1):
        written.append(RECORDS // (KILLS + 1), f"starts-{number:06}.jsonl")
        before = len(written.lines) - RECORDS // (KILLS + 1)
        async with _shipping(node, tmp_path) as shippers:
            await _until(shippers, tmp_path, before + chance.randrange(200, 1200))
            await asyncio.to_thread(node.kill)
            if number % 2:
                await asyncio.to_thread(node.again)
                await _until(shippers, tmp_path, before + chance.randrange(1200, 1500))
        if not number % 2:
            await asyncio.to_thread(node.again)  # and the shipper's process is another, too
        if not number % 3:
            await asyncio.to_thread(node.call, "POST", f"/{STREAM}/_rollover")
    written.append(RECORDS - len(written.lines), f"starts-{KILLS + 1:06}.jsonl")
    await ship(node, tmp_path, STREAM)

    found = await asyncio.to_thread(documents, node, STREAM)
    assert len(found) == RECORDS
    assert len({id for id, _ in found}) == RECORDS
    _chained(found)
    assert [source for _, source in found] == [msgspec.json.decode(line) for line in written.lines]
    async with transport_to(node) as transport:
        compared = await held(transport, NOBODY, STREAM, JOURNAL, 1, RECORDS)
    last = found[-1][1]["startgate"]["chain"]["hash"]
    assert compared == Held(count=RECORDS, missing=(), double=(), seq=RECORDS, hash=last)


def _chained(found: list[tuple[str, Any]]) -> None:
    previous = GENESIS
    for number, (_, source) in enumerate(found, 1):
        place = source["startgate"]["chain"]
        assert (place["seq"], place["prev"]) == (number, previous)
        assert record_hash(source) == place["hash"]
        previous = place["hash"]


@asynccontextmanager
async def _shipping(node: RealNode, folder: Path) -> AsyncIterator[asyncio.Task[None]]:
    """Ship in the background, as the gate does; cut off at the end, wherever it is."""
    async with transport_to(node) as transport:
        task = asyncio.ensure_future(Shipper(folder, StreamSink(transport, NOBODY, STREAM), LIMITS).run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _until(task: asyncio.Task[None], folder: Path, seq: int) -> None:
    """Wait until the cursor has passed a number."""
    while not task.done():
        path = cursor_path(folder, StreamSink.name)
        text = await asyncio.to_thread(path.read_bytes) if path.exists() else b"{}"
        if msgspec.json.decode(text).get("seq", 0) >= seq:
            return
        await asyncio.sleep(0.002)
    await task


@pytest.mark.timeout(300)
async def test_a_record_is_read_back_as_it_was_written(real_node: RealNode, tmp_path: Path) -> None:
    """One with every field of the table, so that the mapping takes all of them; by a release's own templates."""
    stream = "startgate-as-it-is"
    await asyncio.to_thread(make_stream, real_node, stream)
    written = Written(tmp_path)
    written.append(3)
    written.append(1, **_full())
    shipper = await ship(real_node, tmp_path, stream)
    assert (shipper.status.accepted, shipper.status.rejected) == (4, 0)
    found = await asyncio.to_thread(documents, real_node, stream)
    assert [source for _, source in found] == [msgspec.json.decode(line) for line in written.lines]
    answer = real_node.call("POST", f"/{stream}/_search", {"query": {"term": {"startgate.job.id": "text"}}})
    assert [hit["_source"] for hit in answer.data["hits"]["hits"]] == [found[-1][1]]


def _full() -> dict[str, Any]:
    """A record with a value in every field of the table."""
    values: dict[Kind, Any] = {
        Kind.KEYWORD: "text",
        Kind.KEYWORDS: ["text", "more"],
        Kind.TEXT: "some words, " * 50,
        Kind.TEXTS: ["some words"],
        Kind.DATE: "2026-11-24T12:00:00.000Z",
        Kind.ADDRESS: "2001:db8::1",
        Kind.COUNT: 2**40,
        Kind.NUMBER: 1.5,
        Kind.FLAG: True,
        Kind.MAP: {"any": {"name.with.dots": [1, "x"]}},
    }
    top: dict[str, Any] = {}
    for name in sorted(FIELDS):
        if name.startswith("startgate.chain") or FIELDS[name].kind is Kind.OBJECTS:
            continue
        *above, last = name.split(".")
        level = top
        for piece in above:
            level = level.setdefault(piece, {})
        level[last] = values[FIELDS[name].kind]
    return top


@pytest.mark.timeout(300)
async def test_a_record_that_the_mapping_refuses_is_passed_over(real_node: RealNode, tmp_path: Path) -> None:
    stream = "startgate-refused"
    await asyncio.to_thread(make_stream, real_node, stream)
    written = Written(tmp_path)
    written.append(3)
    written.append(1, event="no object")
    written.append(3)
    if real_node.version.major > 7:
        empty: Any = {"@timestamp": None}
        written.append(1, **empty)  # only a data stream needs the time
    shipper = await ship(real_node, tmp_path, stream)
    rejected = {4, 8} if real_node.version.major > 7 else {4}
    assert (shipper.status.accepted, shipper.status.rejected) == (6, len(rejected))
    assert numbers(tmp_path, StreamSink.name) == rejected
    assert len(await asyncio.to_thread(documents, real_node, stream)) == 6


@pytest.mark.timeout(300)
async def test_a_rollover_and_a_lost_cursor_double_nothing(real_node: RealNode, tmp_path: Path) -> None:
    """Where each id would be taken again: shown first."""
    stream = "startgate-rolled"
    await asyncio.to_thread(make_stream, real_node, stream)
    twice = {"@timestamp": "2026-01-01T00:00:00.000Z"}
    statuses = []
    for _ in range(2):
        statuses.append(real_node.call("PUT", f"/{stream}/_create/twice", twice).status)
        assert real_node.call("POST", f"/{stream}/_rollover").status == 200
    assert statuses == [201, 201]
    written = Written(tmp_path)
    written.append(700)
    await ship(real_node, tmp_path, stream)
    real_node.call("POST", f"/{stream}/_rollover")
    cursor_path(tmp_path, StreamSink.name).unlink()
    written.append(50)
    await ship(real_node, tmp_path, stream)
    async with transport_to(real_node) as transport:
        found = await held(transport, NOBODY, stream, JOURNAL, 1, 750)
    assert (found.count, found.missing, found.double, found.seq) == (750, (), (), 750)


@pytest.mark.timeout(300)
async def test_gaps_and_doubles_in_a_stream_are_found(real_node: RealNode, tmp_path: Path) -> None:
    stream = "startgate-gaps"
    await asyncio.to_thread(make_stream, real_node, stream)
    written = Written(tmp_path)
    written.append(2000)
    await ship(real_node, tmp_path, stream)
    real_node.call("POST", f"/{stream}/_refresh")
    for number in (5, 900, 901, 2000):
        query = {"query": {"term": {"startgate.chain.seq": number}}}
        (hit,) = real_node.call("POST", f"/{stream}/_search", query).data["hits"]["hits"]
        assert real_node.call("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}").status == 200
    double = msgspec.json.decode(written.lines[1233])
    assert real_node.call("PUT", f"/{stream}/_create/another", double).status == 201
    async with transport_to(real_node) as transport:
        found = await held(transport, NOBODY, stream, JOURNAL, 1, 2000)
    assert found.missing == ((5, 5), (900, 901), (2000, 2000))
    assert found.double == ((1234, 1234),)
    assert (found.count, found.seq) == (1997, 1999)
