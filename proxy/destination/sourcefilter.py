"""Which fields `source._source` leaves out (`DataFrameAnalyticsSource.isFieldExcluded`)."""

from proxy.model import SourceFilter


def is_field_excluded(source_filter: SourceFilter, path: str) -> bool:
    """Whether the job does not copy the field of this dotted path.

    Excludes are tested first. An empty list of includes includes all. Only the given path is tested, not the fields
    below it: an include of `obj.a` does not include `obj`, and an exclude of it does not exclude `obj`.
    """
    if any(_matches(pattern, path) for pattern in source_filter.excludes):
        return True
    return bool(source_filter.includes) and not any(_matches(pattern, path) for pattern in source_filter.includes)


def _matches(pattern: str, path: str) -> bool:
    if pattern == path:
        return True
    return simple_match(pattern if "*" in pattern else pattern + ".*", path)


def simple_match(pattern: str, text: str) -> bool:
    """Whether the text matches a pattern in which only `*` has a meaning: any characters (`Regex.simpleMatch`)."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    # Every piece at its earliest place leaves the most room for those after it.
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
