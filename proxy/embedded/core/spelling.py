"""Elasticsearch's spelling hints: Lucene's Levenshtein similarity, with the thresholds of each caller."""

from collections.abc import Iterable

SETTING_CUTOFF = 0.7  # AbstractScopedSettings
NAME_CUTOFF = 0.5  # BaseRestHandler (parameters) and SuggestingErrorOnUnknown (queries, fields, aggregations)


def similarity(left: str, right: str) -> float:
    """1 for equal texts down to 0: one minus edit distance over the longer length."""
    if left == right:
        return 1.0
    longest = max(len(left), len(right))
    return 1.0 - _distance(left, right) / longest


def similar(word: str, candidates: Iterable[str], cutoff: float) -> list[str]:
    """Candidates above the cut-off, best first, then by name."""
    scored = [(similarity(word, candidate), candidate) for candidate in candidates]
    return [name for score, name in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if score > cutoff]


def hint(word: str, candidates: Iterable[str], cutoff: float = NAME_CUTOFF) -> str:
    """`did you mean [x]?`, `did you mean any of [x, y]?`, or an empty text."""
    names = similar(word, candidates, cutoff)
    if not names:
        return ""
    return f"did you mean [{names[0]}]?" if len(names) == 1 else f"did you mean any of [{', '.join(names)}]?"


def _distance(left: str, right: str) -> int:
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            change = previous[column - 1] + (a != b)
            current.append(min(previous[column] + 1, current[column - 1] + 1, change))
        previous = current
    return previous[-1]
