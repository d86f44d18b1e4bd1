"""The nearest points to a point, by a k-d tree: plain Python, quick for few dimensions."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, ...]
# Below this many points a scan is quicker than descending further.
_LEAF_POINTS = 12


@dataclass(frozen=True, slots=True)
class _Split:
    axis: int
    at: float
    low: "_Split | list[int]"
    high: "_Split | list[int]"


class Neighbours:
    """Points of equal dimension, to be asked for the nearest ones."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._root = self._build(list(range(len(points))))

    def nearest(self, point: Point, count: int, *, skip: int = -1) -> list[tuple[float, int]]:
        """(squared distance, index) of the `count` nearest points, nearest first, without the one at index `skip`."""
        best: list[tuple[float, int]] = []
        self._search(self._root, point, count, skip, best)
        return sorted((-negative, index) for negative, index in best)

    def _build(self, members: list[int]) -> "_Split | list[int]":
        if len(members) <= _LEAF_POINTS:
            return members
        # The widest dimension is split: nearest points then lie in few leaves, however the values are spread.
        axis = max(range(len(self._points[0])), key=lambda dimension: self._spread(members, dimension))
        members.sort(key=lambda index: self._points[index][axis])
        middle = len(members) // 2
        at = self._points[members[middle]][axis]
        if not self._spread(members, axis):
            # All points are equal: no split would ever part them.
            return members
        return _Split(axis, at, self._build(members[:middle]), self._build(members[middle:]))

    def _spread(self, members: Sequence[int], axis: int) -> float:
        values = [self._points[index][axis] for index in members]
        return max(values) - min(values)

    def _search(
        self,
        node: "_Split | list[int]",
        point: Point,
        count: int,
        skip: int,
        best: list[tuple[float, int]],
    ) -> None:
        if isinstance(node, _Split):
            gap = point[node.axis] - node.at
            near, far = (node.low, node.high) if gap < 0 else (node.high, node.low)
            self._search(near, point, count, skip, best)
            # The other half can hold a nearer point only if the split is nearer than the worst found.
            if len(best) < count or gap * gap <= -best[0][0]:
                self._search(far, point, count, skip, best)
            return
        for index in node:
            if index == skip:
                continue
            distance = 0.0
            for here, there in zip(point, self._points[index], strict=True):
                distance += (here - there) * (here - there)
            if len(best) < count:
                heapq.heappush(best, (-distance, index))
            elif distance < -best[0][0]:
                heapq.heapreplace(best, (-distance, index))
