"""Each record once in a data stream: whatever is cut, lost, refused or rolled over in between."""

import json
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from proxy.cluster.transport import Transport
from proxy.errors import JournalError
from proxy.privileges.patterns import Language, included, language
from proxy.privileges.versions import Version, index_privileges
from proxy.settings import ClusterTls
from proxy.ship.model import SinkFailure, Taken
from proxy.ship.rejected import numbers, rejected_path
from proxy.ship.shipper import Shipper
from proxy.ship.stream import StreamSink, settled
from tests.ship.fake_cluster import NOBODY, STREAM, FakeCluster, listening, transport_to
from tests.ship.samples import LIMITS, Written, records


@asynccontextmanager
async def sink_to(cluster: FakeCluster) -> AsyncIterator[StreamSink]:
    async with listening(cluster), transport_to(cluster) as transport:
        yield StreamSink(transport, NOBODY, STREAM)


async def shipped(written: Written, sink: StreamSink, tries: int = 50) -> Shipper:
    """Ships until all is there, however often it fails."""
    shipper = Shipper(written.folder, sink, LIMITS)
    for _ in range(tries):
        try:
            await shipper.all_there_is()
        except SinkFailure:
            continue
        return shipper
    pytest.fail(f"not shipped in {tries} tries: {shipper.status}")


async def test_documents_are_the_lines(tmp_path: Path) -> None:
    made = records(tmp_path, 5)
    cluster = FakeCluster()
    async with sink_to(cluster) as sink:
        assert await sink.send(made) == Taken(5)
    assert cluster.documents == [record.line for record in made]
    assert list(cluster.indices[0]) == [record.id for record in made]


async def test_what_is_in_doubt_is_asked_once_and_then_no_more(tmp_path: Path) -> None:
    made = records(tmp_path, 6)
    cluster = FakeCluster()
    async with sink_to(cluster) as sink:
        for start in (0, 2, 4):
            await sink.send(made[start : start + 2])
    assert cluster.calls == [STREAM, "_refresh", "_search", "_bulk", "_bulk", "_bulk"]


async def test_a_journal_that_is_gone_through_again_doubles_nothing(tmp_path: Path) -> None:
    """Also over a rollover, behind which the same id would be taken once more."""
    made = records(tmp_path, 9)
    cluster = FakeCluster()
    async with sink_to(cluster) as sink:
        for start in (0, 3, 6):
            await sink.send(made[start : start + 3])
        cluster.rollover()
        for start in (0, 3, 6):
            assert await sink.send(made[start : start + 3]) == Taken(3)
    assert cluster.numbers == [*range(1, 10)]


async def test_a_stream_that_is_not_there_gets_nothing(tmp_path: Path) -> None:
    made = records(tmp_path, 1)
    cluster = FakeCluster(exists=False)
    async with sink_to(cluster) as sink:
        with pytest.raises(SinkFailure, match="does not exist; `startgate audit ship --install` makes"):
            await sink.send(made)
        assert "_bulk" not in cluster.calls
        cluster.exists = True
        assert await sink.send(made) == Taken(1)


async def test_a_plain_index_is_no_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"indices": [{"name": STREAM}], "aliases": [], "data_streams": []}
    monkeypatch.setattr(FakeCluster, "_resolved", lambda _: web.json_response(found))
    async with sink_to(FakeCluster()) as sink:
        with pytest.raises(SinkFailure, match="is an index and no data stream"):
            await sink.send(records(tmp_path, 1))


@pytest.mark.parametrize("what", [STREAM, "_refresh", "_search", "_bulk"])
@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_a_refusal_is_a_failure_that_says_why(tmp_path: Path, what: str, status: int) -> None:
    made = records(tmp_path, 1)
    cluster = FakeCluster()
    cluster.refused[what] = status
    async with sink_to(cluster) as sink:
        with pytest.raises(SinkFailure, match=f"status {status}.*not allowed"):
            await sink.send(made)
        assert not cluster.documents
        cluster.refused.clear()
        assert await sink.send(made) == Taken(1)


@pytest.mark.parametrize("rollover", [False, True])
async def test_a_lost_answer_doubles_nothing(tmp_path: Path, *, rollover: bool) -> None:
    """Also where the stream was rolled over in between: there the id alone would not hold it back."""
    written = Written(tmp_path)
    written.append(25)
    cluster = FakeCluster(-1, -1, -1)
    async with sink_to(cluster) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        for _ in range(3):
            with pytest.raises(SinkFailure):
                await shipper.all_there_is()
            if rollover:
                cluster.rollover()
        await shipper.all_there_is()
    assert cluster.documents == written.lines


async def test_without_the_question_a_rollover_would_double(tmp_path: Path) -> None:
    """What the question is for: the fake stream does as a genuine one."""
    made = records(tmp_path, 2)
    cluster = FakeCluster()
    async with sink_to(cluster) as sink:
        await sink.send(made)
        cluster.rollover()
        assert not sink._doubtful
        sink._last, sink._newest = frozenset(), 0
        await sink.send(made)
    assert cluster.numbers == [1, 2, 1, 2]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_fails_each_record_comes_once_and_in_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- chance, not secrets
    written = Written(tmp_path)
    written.append(60)
    faults = [chance.choice([200, 200, 0, -1, 429, 503, 500]) for _ in range(40)]
    cluster = FakeCluster(*faults)
    async with listening(cluster):
        for _ in range(60):
            async with transport_to(cluster) as transport:  # a process that is begun anew
                shipper = Shipper(tmp_path, StreamSink(transport, NOBODY, STREAM), LIMITS)
                try:
                    await shipper.all_there_is()
                except SinkFailure:
                    if chance.random() < 0.3:
                        cluster.rollover()
                    if chance.random() < 0.2:
                        (tmp_path / "cursor-elasticsearch.json").unlink()
                else:
                    break
    assert cluster.documents == written.lines


@pytest.mark.parametrize("kind", ["document_parsing_exception", "mapper_parsing_exception"])
async def test_a_record_that_the_mapping_refuses_is_passed_over_and_kept(tmp_path: Path, kind: str) -> None:
    written = Written(tmp_path)
    written.append(20)
    cluster = FakeCluster()
    cluster.items = {4: (400, kind), 20: (400, kind)}
    async with sink_to(cluster) as sink:
        shipper = await shipped(written, sink)
    assert cluster.numbers == [*range(1, 4), *range(5, 20)]
    assert numbers(tmp_path, "elasticsearch") == {4, 20}
    assert f"{kind}: so it is" in rejected_path(tmp_path, "elasticsearch").read_text()
    assert (shipper.status.accepted, shipper.status.rejected) == (18, 2)


async def test_one_alone_that_the_mapping_refuses_holds_nothing_up(tmp_path: Path) -> None:
    cluster = FakeCluster()
    cluster.items = {1: (400, "document_parsing_exception")}
    async with sink_to(cluster) as sink:
        taken = await sink.send(records(tmp_path, 1))
    assert (taken.count, len(taken.rejected), taken.trouble) == (1, 1, "")


async def test_any_other_400_is_the_records_fault_where_others_are_taken(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    cluster = FakeCluster()
    cluster.items = {2: (400, "illegal_argument_exception")}
    async with sink_to(cluster) as sink:
        taken = await sink.send(made)
        assert (taken.count, [one.record.seq for one in taken.rejected]) == (3, [2])


async def test_any_other_400_of_all_is_the_streams_fault(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    cluster = FakeCluster()
    cluster.items = dict.fromkeys((1, 2, 3), (400, "validation_exception"))
    async with sink_to(cluster) as sink:
        taken = await sink.send(made)
    assert (taken.count, taken.rejected) == (0, ())
    assert "status 400, validation_exception: so it is" in taken.trouble


@pytest.mark.parametrize("status", [429, 503, 500, 403, 404])
async def test_items_that_are_refused_for_now_are_sent_again_in_order(tmp_path: Path, status: int) -> None:
    written = Written(tmp_path)
    written.append(10)
    cluster = FakeCluster()
    cluster.items, cluster.items_once = {3: (status, "some_exception"), 7: (status, "some_exception")}, True
    async with sink_to(cluster) as sink:
        with pytest.raises(SinkFailure, match=f"is not taken: status {status}"):
            await Shipper(tmp_path, sink, LIMITS).all_there_is()
        await shipped(written, sink)
    assert sorted(cluster.numbers) == list(range(1, 11))
    assert not rejected_path(tmp_path, "elasticsearch").exists()


async def test_a_part_that_came_through_is_not_doubled_by_a_rollover(tmp_path: Path) -> None:
    Written(tmp_path).append(10)
    cluster = FakeCluster()
    cluster.items, cluster.items_once = {3: (429, "some_exception")}, True
    async with sink_to(cluster) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        with pytest.raises(SinkFailure):
            await shipper.all_there_is()
        assert len(cluster.documents) == 9
        cluster.rollover()
        await shipper.all_there_is()
    assert sorted(cluster.numbers) == list(range(1, 11))


async def test_a_cursor_that_could_not_be_moved_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Written(tmp_path).append(5)
    cluster = FakeCluster()

    def full(*_: object) -> None:
        raise JournalError("no room")

    async with sink_to(cluster) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        await shipper._place()
        with monkeypatch.context() as patched:
            patched.setattr("proxy.ship.shipper.cursors.save", full)
            with pytest.raises(JournalError):
                await shipper.all_there_is()
        cluster.rollover()
        await Shipper(tmp_path, sink, LIMITS).all_there_is()
    assert cluster.numbers == [1, 2, 3, 4, 5]


async def test_a_batch_that_is_too_large_is_halved_and_one_record_rejected(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(5)
    written.append(1, text="x" * 9000)
    written.append(4)
    cluster = FakeCluster()
    cluster.limit = 3000
    async with sink_to(cluster) as sink:
        shipper = await shipped(written, sink)
    assert cluster.numbers == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    assert shipper.status.rejected == 1
    assert "too large for the node (status 413)" in rejected_path(tmp_path, "elasticsearch").read_text()


async def test_records_before_the_chain_come_once_too(tmp_path: Path) -> None:
    written = Written(tmp_path)
    for number in range(3):
        written.raw(b'{"@timestamp":"2026-01-01T00:00:00.000Z","startgate":{"receipt":"r%d"}}\n' % number)
    cluster = FakeCluster(-1)
    async with sink_to(cluster) as sink:
        await shipped(written, sink)
    assert len(cluster.documents) == 3


async def test_any_node_will_do(tmp_path: Path) -> None:
    made = records(tmp_path, 4)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with listening(FakeCluster()) as cluster:
            transport = Transport([dead, cluster.url], ClusterTls(), 10.0)
            sink = StreamSink(transport, NOBODY, STREAM)
            for start in range(4):
                assert await sink.send(made[start : start + 1]) == Taken(1)
            await sink.close()
    assert cluster.numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("answer", [{}, {"items": 1}, {"items": [{"create": {"status": "x"}}]}])
async def test_an_answer_of_another_shape_takes_nothing(
    tmp_path: Path, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(*_: object) -> web.Response:
        return web.json_response(answer)

    monkeypatch.setattr(FakeCluster, "_written", told)
    async with sink_to(FakeCluster()) as sink:
        with pytest.raises(SinkFailure, match="the answer to a bulk request"):
            await sink.send(records(tmp_path, 1))


async def test_an_answer_that_is_none_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    monkeypatch.setattr(cluster, "_create", lambda *_: {})
    async with sink_to(cluster) as sink:
        with pytest.raises(SinkFailure, match="bulk request of 2 tells of 0"):
            await sink.send(records(tmp_path, 2))


def test_what_is_settled_ends_at_the_first_that_is_sent_again(tmp_path: Path) -> None:
    made = records(tmp_path, 5)
    items = [(201, "", ""), (400, "document_parsing_exception", "x"), (409, "", ""), (429, "busy", "y"), (201, "", "")]
    taken, clear = settled(made, frozenset(), items)
    assert (taken.count, [one.record.seq for one in taken.rejected], clear) == (3, [2], True)
    assert taken.trouble == f"record {made[3].id} is not taken: status 429, busy: y"


def test_a_5xx_leaves_it_open_whether_it_was_carried_out(tmp_path: Path) -> None:
    made = records(tmp_path, 2)
    assert not settled(made, frozenset(), [(201, "", ""), (500, "x", "y")])[1]
    assert settled(made, frozenset(), [(201, "", ""), (201, "", "")])[1]


def test_those_that_are_there_have_no_item(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    taken, _ = settled(made, frozenset({made[0].id, made[2].id}), [(400, "illegal_argument_exception", "x")])
    assert (taken.count, [one.record.seq for one in taken.rejected]) == (3, [2])


VERSIONS = [(7, 17), (8, 15), (9, 1)]


def allowed(version: Version) -> Language:
    """What the privileges that the document names allow on the stream."""
    text = (Path(__file__).parents[2] / "docs" / "shipping.md").read_text()
    names = re.findall(r"^ +\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert len(names) == 4
    assert json.dumps(names) in text, "the API key of the document has the same"
    table = index_privileges(version)
    patterns = [pattern for name in names for pattern in table[name].include]
    return language(patterns)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "action",
    [
        "indices:admin/resolve/index",
        "indices:admin/refresh",
        "indices:admin/refresh[s]",
        "indices:data/read/search",
        "indices:data/write/bulk",
        "indices:data/write/bulk[s]",
        "indices:data/write/index:op_type/create",
    ],
)
def test_the_documented_privileges_allow_what_the_sink_does(version: Version, action: str) -> None:
    assert included(language([action]), allowed(version))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "action",
    [
        "indices:data/write/delete",
        "indices:data/write/update",
        "indices:data/write/delete/byquery",
        "indices:data/write/index:op_type/index",
        "indices:admin/delete",
        "indices:admin/data_stream/delete",
        "indices:admin/mapping/put",
    ],
)
def test_the_documented_privileges_change_nothing_that_is_there(version: Version, action: str) -> None:
    assert not included(language([action]), allowed(version))
