"""Sums over processes, the living and the dead."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.metrics.snapshot import Buckets, Snapshot, Value
from proxy.metrics.spread import START_S
from proxy.metrics.totals import add_up, folded

WIDTH = len(START_S) + 1


def told(process: str, *values: Value, buckets: tuple[Buckets, ...] = ()) -> Snapshot:
    """What a process tells."""
    return Snapshot(process=process, pid=1, began_ns=1, values=values, buckets=buckets)


def test_what_has_a_process_stays_apart() -> None:
    totals = add_up(
        [told("edge-1", Value("startgate_connections", 2)), told("edge-2", Value("startgate_connections", 3))], []
    )
    assert totals.values["startgate_connections"] == {("edge-1",): 2, ("edge-2",): 3}


def test_what_has_none_is_added() -> None:
    one = Value("startgate_upstream_connections", 2, ("http://a:1", "busy"))
    other = Value("startgate_upstream_connections", 5, ("http://a:1", "idle"))
    totals = add_up([told("edge-1", one), told("edge-2", one, other)], [])
    assert totals.values["startgate_upstream_connections"] == {
        ("http://a:1", "busy"): 4,
        ("http://a:1", "idle"): 5,
    }


def test_of_the_dead_only_what_grows_counts() -> None:
    dead = told("edge-1", Value("startgate_connections", 9), Value("startgate_connections_accepted", 100))
    living = told("edge-1", Value("startgate_connections", 1), Value("startgate_connections_accepted", 2))
    totals = add_up([living], [dead])
    assert totals.values["startgate_connections"] == {("edge-1",): 1}
    assert totals.values["startgate_connections_accepted"] == {("edge-1",): 102}


def test_histograms_are_added_bucket_by_bucket() -> None:
    some = Buckets("startgate_start_duration_seconds", (1,) * WIDTH, 2.0, ("granted",))
    totals = add_up([told("a", buckets=(some,))], [told("b", buckets=(some,))])
    row = totals.buckets["startgate_start_duration_seconds"]["granted",]
    assert (row.counts, row.total) == ([2] * WIDTH, 4.0)


def test_what_another_version_tells_is_left_out() -> None:
    strange = told(
        "edge-1",
        Value("startgate_of_tomorrow", 1),
        buckets=(
            Buckets("startgate_of_tomorrow", (1,), 1.0),
            Buckets("startgate_start_duration_seconds", (1, 2), 1.0, ("granted",)),
        ),
    )
    totals = add_up([strange], [])
    assert (totals.values, totals.buckets) == ({}, {})


@given(counts=st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=6))
def test_folding_the_dead_changes_no_sum(counts: list[int]) -> None:
    dead = [
        told(
            "edge-1",
            Value("startgate_connections_accepted", count),
            Value("startgate_starts", count, ("start", "granted")),
            buckets=(Buckets("startgate_start_duration_seconds", (count,) * WIDTH, float(count), ("granted",)),),
        )
        for count in counts
    ]
    one = dead[0]
    for other in dead[1:]:
        one = folded(one, other)
    assert add_up([], [one]) == add_up([], dead)
    assert one.process == "edge-1"
