"""The k-d tree against looking at every point."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.neighbours import Neighbours

coordinate = st.integers(-50, 50).map(float)
points = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=80)


def squared(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


@given(points, st.tuples(coordinate, coordinate), st.integers(1, 9))
def test_finds_what_a_full_scan_finds(known: list[tuple[float, ...]], point: tuple[float, ...], count: int) -> None:
    found = [distance for distance, _ in Neighbours(known).nearest(point, count)]
    assert found == sorted(squared(point, other) for other in known)[:count]


@given(points)
def test_a_skipped_point_is_not_its_own_neighbour(known: list[tuple[float, ...]]) -> None:
    for index, point in enumerate(known):
        assert index not in [other for _, other in Neighbours(known).nearest(point, len(known), skip=index)]


def test_many_equal_points_end() -> None:
    assert len(Neighbours([(1.0, 1.0)] * 100).nearest((1.0, 1.0), 5)) == 5
