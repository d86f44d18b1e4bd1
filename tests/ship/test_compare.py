"""Gaps and doubles are found, whatever their number and place, with few questions."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.ship.compare import FINDINGS, Held, held
from proxy.ship.model import SinkFailure
from tests.ship.fake_cluster import NOBODY, STREAM, FakeCluster, listening, transport_to
from tests.ship.samples import JOURNAL, records


def holding(numbers: list[int]) -> FakeCluster:
    """A cluster whose stream holds documents of these numbers."""
    cluster = FakeCluster()
    for place, number in enumerate(numbers):
        line = b'{"startgate":{"chain":{"journal":"%b","seq":%d,"hash":"h%d"}}}' % (JOURNAL.encode(), number, number)
        cluster.indices[0][f"id-{place}"] = line
    return cluster


async def asked(cluster: FakeCluster, last: int, first: int = 1) -> Held:
    async with listening(cluster), transport_to(cluster) as transport:
        return await held(transport, NOBODY, STREAM, JOURNAL, first, last)


async def test_all_is_there() -> None:
    cluster = holding(list(range(1, 3001)))
    found = await asked(cluster, 3000)
    assert found == Held(count=3000, missing=(), double=(), seq=3000, hash="h3000")
    assert cluster.calls.count("_search") == 2


async def test_gaps_and_doubles_are_told() -> None:
    numbers = [number for number in range(1, 3001) if number not in (7, 100, 101, 102, 3000)] + [50, 2000, 2000]
    found = await asked(holding(numbers), 3000)
    assert found.count == len(numbers)
    assert found.missing == ((7, 7), (100, 102), (3000, 3000))
    assert found.double == ((50, 50), (2000, 2000))
    assert found.seq == 2999


async def test_a_gap_beside_a_double_is_no_whole() -> None:
    """Their count is right, and their sum is not."""
    numbers = [number for number in range(1, 3001) if number != 1001] + [1002]
    found = await asked(holding(numbers), 3000)
    assert (found.missing, found.double) == (((1001, 1001),), ((1002, 1002),))


async def test_only_the_span_asked_for_is_judged() -> None:
    found = await asked(holding([3, 4, 5, 6, 9]), 6, first=4)
    assert found == Held(count=3, missing=(), double=(), seq=9, hash="h9")


async def test_an_empty_stream_misses_all() -> None:
    assert await asked(holding([]), 10) == Held(count=0, missing=((1, 10),), double=(), seq=0, hash="")


async def test_other_journals_do_not_count(tmp_path: Path) -> None:
    cluster = holding([1, 2])
    async with listening(cluster), transport_to(cluster) as transport:
        found = await held(transport, NOBODY, STREAM, "another", 1, 2)
    assert (found.count, found.missing) == (0, ((1, 2),))
    assert records(tmp_path, 1)[0].after.journal == JOURNAL


async def test_what_is_told_is_bounded() -> None:
    found = await asked(holding(list(range(1, 4001, 2))), 4000)
    assert len(found.missing) == FINDINGS


@settings(max_examples=15)
@given(st.sets(st.integers(1, 700), max_size=20), st.lists(st.integers(1, 700), max_size=10))
async def test_any_gaps_and_doubles(gone: set[int], twice: list[int]) -> None:
    kept = [number for number in range(1, 701) if number not in gone]
    more = [number for number in twice if number not in gone]
    found = await asked(holding(kept + more), 700)
    assert {number for low, high in found.missing for number in range(low, high + 1)} == gone
    assert {number for low, high in found.double for number in range(low, high + 1)} == set(more)


@pytest.mark.parametrize("what", ["_refresh", "_search"])
@pytest.mark.parametrize("status", [403, 503])
async def test_a_stream_that_cannot_be_asked_is_a_failure(what: str, status: int) -> None:
    cluster = holding([1])
    cluster.refused[what] = status
    with pytest.raises(SinkFailure, match=f"status {status}"):
        await asked(cluster, 1)
