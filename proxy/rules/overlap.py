"""Which patterns cover which, for telling what in a rule file can make no difference.

Inclusion is exact (`privileges.patterns`) and costs its time; a thousand entries are half a million pairs. So a look at
how patterns begin comes first. What cannot be compared at all covers nothing here: it is only a hint that gets lost.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable

from proxy.privileges import Undecidable
from proxy.privileges.patterns import included, language

_PLAIN = re.compile(r"[^*?\\/]*")


def covers(outer: Iterable[str], inner: Iterable[str]) -> bool:
    """Whether surely each text that matches one of `inner` also matches one of `outer`."""
    wide, narrow = tuple(outer), tuple(inner)
    if not all(any(_may_meet(one, other) for other in wide) for one in narrow):
        return False
    try:
        return included(language(narrow), language(wide))
    except Undecidable:
        return False


def idle(patterns: tuple[str, ...]) -> dict[int, int]:
    """The places of patterns that another of the same list covers, each with the place of that; of equals the later."""
    found: dict[int, int] = {}
    for place, one in enumerate(patterns):
        for beside, other in enumerate(patterns):
            if place != beside and covers([other], [one]) and (beside < place or not covers([one], [other])):
                found[place] = beside
                break
    return found


def _may_meet(one: str, other: str) -> bool:
    # Where all that a pattern matches begins with a text, one that covers part of it agrees with that beginning.
    begin, start = _begin(one), _begin(other)
    return begin.startswith(start) or start.startswith(begin)


def _begin(pattern: str) -> str:
    found = _PLAIN.match(pattern)
    return found.group() if found else ""


class Neighbours:
    """Which of many lists of patterns may cover one of them, found without a look at every pair."""

    def __init__(self, lists: Iterable[tuple[str, ...]]) -> None:
        self._places: dict[str, list[int]] = {}
        for place, patterns in enumerate(lists):
            for begin in {_begin(one) for one in patterns}:
                self._places.setdefault(begin, []).append(place)
        self._begins = sorted(self._places)

    def of(self, patterns: tuple[str, ...]) -> list[int]:
        """The places of those lists that may cover these patterns, in their order: the first pattern decides."""
        if not patterns:
            return []
        begin = _begin(patterns[0])
        found = {place for end in range(len(begin)) for place in self._places.get(begin[:end], ())}
        for longer in self._begins[bisect_left(self._begins, begin) :]:
            if not longer.startswith(begin):
                break
            found.update(self._places[longer])
        return sorted(found)
