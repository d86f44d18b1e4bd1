"""Predictions from the nearest training rows: plain, honest, and nothing like boosted trees in quality."""

from collections import Counter
from collections.abc import Iterator, Sequence

from proxy.embedded.neighbours import Neighbours, Point

_NEIGHBOURS = 7


def regressions(training: Sequence[Point], targets: Sequence[float], rows: Sequence[Point]) -> Iterator[float]:
    """For each row the mean target of the nearest training rows, weighed by nearness."""
    known = Neighbours(training)
    for row in rows:
        weighed = [(1.0 / (1e-9 + squared), targets[index]) for squared, index in known.nearest(row, _NEIGHBOURS)]
        yield sum(weight * target for weight, target in weighed) / sum(weight for weight, _ in weighed)


def classifications(
    training: Sequence[Point], classes: Sequence[str], rows: Sequence[Point]
) -> Iterator[list[tuple[str, float]]]:
    """For each row the classes among the nearest training rows with their shares, likeliest first."""
    known = Neighbours(training)
    for row in rows:
        votes = Counter(classes[index] for _, index in known.nearest(row, _NEIGHBOURS))
        yield [(name, count / votes.total()) for name, count in votes.most_common()]
