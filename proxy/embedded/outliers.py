"""Outlier scores: how far a point is from its nearest neighbours, mapped to 0…1.

Elasticsearch averages several measures (lof, ldof, distance_kth_nn, distance_knn) in native code; this is the last of
them alone. Scores order points alike, they are not the same numbers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.embedded.neighbours import Neighbours, Point

# What is looked at where the job does not say (`n_neighbors`).
DEFAULT_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True)
class Outlierness:
    """Of one point: the mean distance to its neighbours, and how much of it each feature makes (sums to 1)."""

    distance: float
    influences: tuple[float, ...]


def standardised(points: Sequence[Point]) -> list[Point]:
    """Points with each dimension moved to mean 0 and scaled to deviation 1; a constant dimension becomes 0."""
    columns = []
    for column in zip(*points, strict=True):
        mean = math.fsum(column) / len(column)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(column))
        columns.append([(value - mean) / deviation if deviation else 0.0 for value in column])
    return list(zip(*columns, strict=True))


def outliernesses(points: Sequence[Point], neighbours: int = DEFAULT_NEIGHBOURS) -> Iterator[Outlierness]:
    """Each point's, in order, one at a time: the caller may pause or stop between any two."""
    known = Neighbours(points)
    for index, point in enumerate(points):
        nearest = known.nearest(point, neighbours, skip=index)
        total = [0.0] * len(point)
        for _, other in nearest:
            for axis, (here, there) in enumerate(zip(point, points[other], strict=True)):
                total[axis] += (here - there) ** 2
        whole = math.fsum(total)
        mean = math.fsum(math.sqrt(squared) for squared, _ in nearest) / len(nearest) if nearest else 0.0
        yield Outlierness(mean, tuple(part / whole if whole else 1.0 / len(total) for part in total))


def scores(distances: Sequence[float], outlier_fraction: float) -> list[float]:
    """Distances as scores: 0.5 where the outlying fraction begins, towards 1 far beyond it, towards 0 within."""
    if not distances:
        return []
    ordered = sorted(distances)
    place = min(len(ordered) - 1, int(len(ordered) * (1.0 - outlier_fraction)))
    threshold = ordered[place]
    if not threshold:
        return [1.0 if distance else 0.0 for distance in distances]
    ratios = [distance / threshold for distance in distances]
    # Multiplied, not raised to a power: too large a product is infinite, which is fine here, and no error.
    return [1.0 - 1.0 / (1.0 + ratio * ratio) for ratio in ratios]
