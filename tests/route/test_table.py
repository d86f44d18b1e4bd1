"""The table fails at import where it overlaps or has a gap, and finds what Elasticsearch's router finds."""

import pytest

from proxy.route.table import CALLS, HINT, Call, Route, check, find

START = "/_ml/data_frame/analytics/{id}/_start"


def call(pattern: str, method: bytes = b"POST") -> Call:
    return Call(method, pattern, Route.GATE, "start")


def test_the_table_that_ships() -> None:
    check(CALLS, HINT)
    job = "/_ml/data_frame/analytics/{id}"
    assert [(one.method, one.pattern, one.route) for one in CALLS] == [
        (b"POST", START, Route.GATE),
        (b"PUT", job, Route.OBSERVE),
        (b"POST", f"{job}/_update", Route.OBSERVE),
        (b"POST", f"{job}/_stop", Route.OBSERVE),
        (b"DELETE", job, Route.OBSERVE),
    ]
    assert len({one.action for one in CALLS}) == len(CALLS)


def test_segments_are_literals_or_anything() -> None:
    assert call(START).segments() == (b"", b"_ml", b"data_frame", b"analytics", None, b"_start")


@pytest.mark.parametrize("other", [START, "/{a}/data_frame/analytics/x/_start", "/_ml/data_frame/analytics/x/{verb}"])
def test_overlaps_fail(other: str) -> None:
    with pytest.raises(ValueError, match="match the same path"):
        check([call(START), call(other)], HINT)


@pytest.mark.parametrize("other", [START.replace("_start", "_stop"), START + "/more", "/_ml/data_frame/analytics/{id}"])
def test_neighbours_do_not_overlap(other: str) -> None:
    check([call(START), call(other)], HINT)


def test_the_same_pattern_with_another_method_does_not_overlap() -> None:
    check([call(START), call(START, b"PUT")], HINT)


@pytest.mark.parametrize("pattern", ["/_ml/anomaly_detectors/{id}/_open", "/_ml/data_frames/{id}"])
def test_a_gap_fails(pattern: str) -> None:
    with pytest.raises(ValueError, match="never be looked up"):
        check([call(pattern)], HINT)


@pytest.mark.parametrize("pattern", ["_ml/data_frame", "/_ml//data_frame", "/data_frame/"])
def test_what_is_no_pattern_fails(pattern: str) -> None:
    with pytest.raises(ValueError, match="must begin with /"):
        check([call(pattern)], HINT)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/_ml/data_frame/analytics/x/_start", True),
        (b"/_ml/data_frame/analytics/x/_start/", True),
        (b"/_ml/data_frame/analytics/x/_start///", True),
        (b"/_ml/data_frame/analytics//_start", True),
        (b"/_ml/data_frame/analytics/../_start", True),
        (b"/_ml/data_frame/analytics/_start", False),
        (b"//_ml/data_frame/analytics/x/_start", False),
        (b"/_ml/data_frame/analytics/x//_start", False),
        (b"/_ml/data_frame/analytics/x/_START", False),
        (b"/", False),
        (b"", False),
    ],
)
def test_find(path: bytes, found: bool) -> None:
    assert (find(CALLS, b"POST", path) is not None) is found
    assert find(CALLS, b"GET", path) is None
