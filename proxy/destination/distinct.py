"""A fleet of indices as the few different ones it consists of: merging costs what these cost, however many there are.

Whoever reads the sources gives those with the same mappings, or the same settings, one object for it. Equal values that
are not the same object are told apart here, and found equal when they are merged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.model import SourceIndex

# A plan over less than this takes some milliseconds at most.
LARGE = 5000


def by_mappings(sources: Sequence[SourceIndex]) -> Iterator[SourceIndex]:
    """Of the sources that share their mappings the first by name, in order of name."""
    return _first(sources, [id(source.mappings) for source in sources])


def by_settings(sources: Sequence[SourceIndex]) -> Iterator[SourceIndex]:
    """Of the sources that share their settings the first by name, in order of name."""
    return _first(sources, [id(source.settings) for source in sources])


def is_large(sources: Sequence[SourceIndex]) -> bool:
    """Whether there is so much to look at that others must not wait: sources, and all keys of what is distinct."""
    left = LARGE - len(sources)
    parts = (part for source in sources for part in (source.mappings, source.settings))
    open_: list[Any] = list({id(part): part for part in parts}.values())
    while open_ and left >= 0:
        part = open_.pop()
        if isinstance(part, Mapping):
            left -= len(part)
            open_ += part.values()
    return left < 0


def _first(sources: Sequence[SourceIndex], shared: Sequence[int]) -> Iterator[SourceIndex]:
    first: dict[int, SourceIndex] = {}
    for key, source in zip(shared, sources, strict=True):
        if source.name <= first.setdefault(key, source).name:
            first[key] = source
    return iter(sorted(first.values(), key=lambda source: source.name))
