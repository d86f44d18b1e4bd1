"""What a process tells holds together before it is sent."""

import msgspec
import pytest

from proxy.metrics.snapshot import Buckets, Check, Snapshot, Telling, Value
from proxy.metrics.spread import START_S, Spread


def test_what_is_added_is_told() -> None:
    telling = Telling()
    telling.add("startgate_connections", 3)
    telling.add("startgate_requests", 5, "cluster", "2xx")
    telling.check("rules", "the file is broken", ok=False)
    assert telling.values == [
        Value("startgate_connections", 3),
        Value("startgate_requests", 5, ("cluster", "2xx")),
    ]
    assert telling.checks == [Check(name="rules", ok=False, reason="the file is broken")]


def test_a_histogram_is_told_once_it_has_counted() -> None:
    telling, spread = Telling(), Spread(START_S)
    telling.spread("startgate_start_duration_seconds", spread, "granted")
    assert telling.buckets == []
    spread.note(0.05)
    telling.spread("startgate_start_duration_seconds", spread, "granted")
    (told,) = telling.buckets
    assert (sum(told.counts), told.total, told.labels) == (1, 0.05, ("granted",))
    spread.note(0.05)
    assert sum(told.counts) == 1, "it is a copy"


def test_a_name_that_is_in_no_table_is_refused() -> None:
    with pytest.raises(KeyError):
        Telling().add("startgate_nothing", 1)


@pytest.mark.parametrize("labels", [(), ("cluster",), ("cluster", "2xx", "more")])
def test_labels_must_be_those_of_the_table(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="startgate_requests"):
        Telling().add("startgate_requests", 1, *labels)
    with pytest.raises(ValueError, match="startgate_upstream"):
        Telling().spread("startgate_upstream_duration_seconds", Spread(START_S), "one")


def test_it_survives_the_way() -> None:
    snapshot = Snapshot(
        process="edge-1",
        pid=7,
        began_ns=1_700_000_000_000_000_000,
        values=(Value("startgate_connections", 3), Value("startgate_requests", 5.5, ("cluster", "2xx"))),
        buckets=(Buckets("startgate_start_duration_seconds", (1, 2), 0.5, ("granted",)),),
        checks=(Check(name="rules", ok=True),),
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot) == snapshot
