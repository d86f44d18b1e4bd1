"""The stream against the journal: what is missing, doubled, changed, or cut from the journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.errors import JournalError
from proxy.settings import GateSettings, Sinks, StreamSink
from proxy.ship.check import Own, check, findings
from proxy.ship.compare import Held
from proxy.ship.model import SinkFailure
from proxy.ship.shipper import Shipper
from proxy.ship.sinks import made
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.ship.samples import FIRST, LIMITS, SECOND, Written


def settings_of(folder: Path, cluster: FakeCluster) -> GateSettings:
    return GateSettings(
        socket="",
        nodes=(cluster.url,),
        rules="",
        journal=str(folder),
        sinks=Sinks(elasticsearch=StreamSink(data_stream=STREAM), limits=LIMITS),
    )


async def ship(settings: GateSettings) -> None:
    (sink,) = made(settings)
    try:
        await Shipper(Path(settings.journal), sink, LIMITS).all_there_is()
    finally:
        await sink.close()


async def test_what_was_shipped_is_there(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(40)
    async with listening(FakeCluster()) as cluster:
        settings = settings_of(tmp_path, cluster)
        await ship(settings)
        written.append(3)
        found = await check(settings)
    assert found.findings == ()
    assert (found.own.first, found.own.last, found.held.count, found.held.seq) == (1, 40, 40, 40)


async def test_a_journal_whose_beginning_was_retired_is_judged_from_there(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(4)
    written.append(4, SECOND)
    async with listening(FakeCluster()) as cluster:
        settings = settings_of(tmp_path, cluster)
        await ship(settings)
        (tmp_path / FIRST).unlink()
        found = await check(settings)
    assert (found.own.first, found.own.last, found.findings) == (5, 8, ())


async def test_what_is_gone_from_the_stream_is_told_and_what_was_rejected_is_not(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(20)
    cluster = FakeCluster()
    cluster.items = {5: (400, "document_parsing_exception")}
    async with listening(cluster):
        settings = settings_of(tmp_path, cluster)
        await ship(settings)
        for id in [id for id in cluster.indices[0] if id.split("-")[-2] in ("4", "9", "10")]:
            del cluster.indices[0][id]
        found = await check(settings)
    assert found.findings == ("record 4 is not in the stream", "each record from 9 to 10 is not in the stream")
    assert found.own.rejected == {5}


async def test_a_journal_that_was_cut_short_is_told_by_the_stream(tmp_path: Path) -> None:
    """Nothing in the journal itself tells of a cut at its end."""
    written = Written(tmp_path)
    written.append(20)
    async with listening(FakeCluster()) as cluster:
        settings = settings_of(tmp_path, cluster)
        await ship(settings)
        lines = (tmp_path / FIRST).read_bytes().splitlines(keepends=True)
        (tmp_path / FIRST).write_bytes(b"".join(lines[:15]))
        found = await check(settings)
    assert found.findings == ("the stream's newest record, number 20, is not in the journal: it was cut short",)


OWN = Own(journal="j", first=1, last=9, rejected=frozenset())
HELD = Held(count=9, missing=(), double=(), seq=9, hash="aa")


@pytest.mark.parametrize(
    ("held", "digest", "told"),
    [
        (HELD, "aa", ()),
        (HELD, "bb", ("record 9 has the hash aa in the stream, and bb in the journal",)),
        (HELD, "", ("the stream's newest record, number 9, is not in the journal: it was cut short",)),
        (replace(HELD, seq=0, hash=""), "", ()),
        (replace(HELD, missing=((2, 4),)), "aa", ("each record from 2 to 4 is not in the stream",)),
        (replace(HELD, double=((2, 2),)), "aa", ("record 2 is in the stream more than once",)),
    ],
)
def test_findings(held: Held, digest: str, told: tuple[str, ...]) -> None:
    assert findings(OWN, held, digest) == told


@pytest.mark.parametrize(
    ("rejected", "told"),
    [
        ({2, 3, 4}, ()),
        ({3}, ("record 2 is not in the stream", "record 4 is not in the stream")),
        ({2}, ("each record from 3 to 4 is not in the stream",)),
        ({9}, ("each record from 2 to 4 is not in the stream",)),
    ],
)
def test_rejected_records_are_not_missing(rejected: set[int], told: tuple[str, ...]) -> None:
    own = replace(OWN, rejected=frozenset(rejected))
    assert findings(own, replace(HELD, missing=((2, 4),)), "aa") == told


async def test_without_a_stream_or_a_cursor_there_is_nothing_to_compare(tmp_path: Path) -> None:
    Written(tmp_path).append(1)
    async with listening(FakeCluster()) as cluster:
        settings = settings_of(tmp_path, cluster)
        with pytest.raises(SinkFailure, match="nothing was shipped yet"):
            await check(settings)
        with pytest.raises(SinkFailure, match="data_stream is not set"):
            await check(replace(settings, sinks=Sinks()))


async def test_another_journal_is_not_compared(tmp_path: Path) -> None:
    Written(tmp_path).append(3)
    async with listening(FakeCluster()) as cluster:
        settings = settings_of(tmp_path, cluster)
        await ship(settings)
        (tmp_path / FIRST).unlink()
        Written(tmp_path, "another").append(3)
        with pytest.raises(JournalError, match="is not the one that was shipped"):
            await check(settings)
