"""A fleet of indices as the few different ones it consists of: merging costs what these cost, however many there are.

Whoever reads the sources gives those with the same mappings, or the same settings, one object for it. Equal values that
are not the same object are told apart here, and found equal when they are merged.
"""

from collections.abc import Iterator, Sequence

from proxy.model import SourceIndex


def by_mappings(sources: Sequence[SourceIndex]) -> Iterator[SourceIndex]:
    """Of the sources that share their mappings the first by name, in order of name."""
    return _first(sources, [id(source.mappings) for source in sources])


def by_settings(sources: Sequence[SourceIndex]) -> Iterator[SourceIndex]:
    """Of the sources that share their settings the first by name, in order of name."""
    return _first(sources, [id(source.settings) for source in sources])


def _first(sources: Sequence[SourceIndex], shared: Sequence[int]) -> Iterator[SourceIndex]:
    first: dict[int, SourceIndex] = {}
    for key, source in zip(shared, sources, strict=True):
        if source.name <= first.setdefault(key, source).name:
            first[key] = source
    return iter(sorted(first.values(), key=lambda source: source.name))
