"""An hour of samples: rates, levels and quantiles, bounded, over restarts and gaps."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.views import history as module
from proxy.admin.views.history import LATENCY, SAMPLES, History, by_label, by_node, grown, quantile, total
from proxy.metrics.spread import REQUEST_S
from proxy.metrics.totals import Total, Totals


def totals(requests: float = 0, node: str = "n1", counts: tuple[int, ...] = (), **more: float) -> Totals:
    """What processes told."""
    found = Totals()
    found.values["startgate_requests"] = {("edge-1", "cluster", "2xx"): requests, ("edge-2", "cluster", "2xx"): 1.0}
    for family, value in more.items():
        found.values[f"startgate_{family}"] = {("edge-1",): value}
    if counts:
        found.buckets[LATENCY] = {(node, "2xx"): Total([*counts] + [0] * (len(REQUEST_S) + 1 - len(counts)))}
    return found


def series(history: History, plot: str) -> dict[str, tuple[float | None, ...]]:
    """The lines of a plot."""
    (found,) = [one for one in history.plots() if one.id == plot]
    assert all(len(one.values) == len(found.times) for one in found.series)
    return {one.name: one.values for one in found.series}


def test_rates_are_of_the_time_that_passed() -> None:
    history = History()
    for number, requests in enumerate((100, 150, 150, 400)):
        history.add(totals(requests), 1_700_000_000 + number * 5, number * 5.0)
    assert series(history, "requests") == {"2xx": (None, 10.0, 0.0, 50.0)}


def test_a_counter_that_went_back_began_anew() -> None:
    history = History()
    for number, requests in enumerate((100, 20)):
        history.add(totals(requests), 1000 + number, float(number))
    assert series(history, "requests")["2xx"][1] == pytest.approx(21.0)
    assert (grown(5, 7), grown(7, 5)) == (2, 5)


def test_a_clock_that_is_set_changes_no_rate() -> None:
    history = History()
    for time_s, clock_s, requests in ((1000.0, 0.0, 0), (10.0, 5.0, 50)):
        history.add(totals(requests), time_s, clock_s)
    assert series(history, "requests")["2xx"][1] == 10.0
    history.add(totals(60), 10.0, 5.0)
    assert series(history, "requests")["2xx"][2] is None, "no time passed"


def test_levels_are_told_as_they_are() -> None:
    history = History()
    history.add(totals(connections=7, requests_in_flight=2, event_loop_lag_seconds=0.5), 1000, 0)
    assert series(history, "connections") == {"clients": (7.0,), "in flight": (2.0,)}
    assert series(history, "lag") == {"edge-1": (500.0,)}


def test_latencies_are_those_of_the_last_samples() -> None:
    history = History()
    history.add(totals(counts=(10,)), 1000, 0)
    history.add(totals(counts=(10, 0, 0, 0, 4)), 1005, 5)
    (value,) = series(history, "p50").values()
    assert value[0] is None
    assert value[1] is not None
    assert 10 < value[1] < 25
    assert history.recent("n1", 0.5) == value[1]
    assert history.recent("other", 0.5) is None


def test_a_node_that_came_up_since_has_only_recent_answers() -> None:
    history = History()
    history.add(totals(), 0, 0)
    history.add(totals(counts=(5,)), 5, 5)
    assert history.recent("n1", 0.99) is not None
    assert History().recent("n1", 0.5) is None


def test_what_is_kept_is_an_hour() -> None:
    history = History()
    for number in range(SAMPLES + 10):
        history.add(totals(number), 1000 + number * 5, number * 5.0)
    (plot, *_) = history.plots()
    assert (len(plot.times), plot.times[0], plot.times[-1]) == (SAMPLES, 1050, 1000 + (SAMPLES + 9) * 5)
    (later, *_) = history.plots(since=plot.times[-3])
    assert later.times == plot.times[-2:]
    assert later.series[0].values == plot.series[0].values[-2:]
    assert not any(one.times for one in history.plots(since=plot.times[-1]))


def test_lines_come_and_go_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES", 3)
    history = History()
    history.add(totals(), 0, 0)
    for number in range(1, 10):
        history.add(totals(counts=(number,), node=f"n{number}"), number, number)
    assert [*series(history, "p50")] == ["n1", "n2", "n3"]
    for number in range(10, 10 + SAMPLES):
        history.add(totals(), number, number)
    assert series(history, "p50") == {}, "of nodes that left an hour ago"


@given(st.lists(st.integers(0, 50), min_size=len(REQUEST_S) + 1, max_size=len(REQUEST_S) + 1))
def test_quantiles_rise_and_lie_in_their_buckets(counts: list[int]) -> None:
    found = [quantile(counts, share) for share in (0.01, 0.5, 0.9, 0.99, 1.0)]
    if not any(counts):
        assert found == [None] * 5
        return
    known = [one for one in found if one is not None]
    assert len(known) == 5
    assert all(one <= other for one, other in pairwise(known))
    highest = max(place for place, count in enumerate(counts) if count)
    assert known[-1] == REQUEST_S[min(highest, len(REQUEST_S) - 1)] * 1000
    assert not any(map(math.isnan, known))


def test_sums_by_label_and_node() -> None:
    found = totals(5, counts=(1, 2))
    found.buckets[LATENCY]["n1", "5xx"] = Total([1] * (len(REQUEST_S) + 1))
    assert by_label(found, "startgate_requests", "process") == {"edge-1": 5, "edge-2": 1}
    assert by_label(found, "startgate_requests", "status") == {"2xx": 6}
    assert by_label(found, "startgate_refused", "reason") == {}
    assert total(found, "startgate_requests") == 6
    assert by_node(found)["n1"][:3] == (2, 3, 1)
