"""The newest starts of the journal, in memory, and who is told of changes.

All of this is the event loop's; what is read from files comes as `Changes`, which a `reader` made in a thread. A change
has a number. Whoever has seen everything up to a number can be told what came since, as long as it is held.
"""

import asyncio
import secrets
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from proxy.admin.views.row import Entry

# A feed that broke off comes back within seconds: in these no more than so many starts change.
CHANGES_HELD: Final = 2000
# Of what cannot be read, so many texts are told.
PROBLEMS_TOLD: Final = 5

_key = attrgetter("key")


@dataclass(frozen=True, slots=True)
class Change:
    """A start came, changed, or went (`after` is None). `number` counts all changes."""

    number: int
    before: Entry | None
    after: Entry | None


@dataclass(slots=True)
class Changes:
    """What a look at the files found. `old` are of a time before the looking, and nobody's news; `evicted` made way for
    newer ones, and are still in the journal; `gone` are no longer. `anew`: forget everything before.

    `complete`: the journal has no more starts than are held; `more`: there is more to be read at once.
    """

    new: list[Entry] = field(default_factory=list)
    old: list[Entry] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    anew: bool = False
    complete: bool = False
    more: bool = False
    problems: list[str] = field(default_factory=list)


# Called with each change, and with None where everything is another.
Listener = Callable[[Change | None], None]


class Index:
    """The starts that are held, by receipt, and in the order of the journal. `complete`: the journal has no more;
    `ready` is set once the newest are there."""

    def __init__(self) -> None:
        self.complete = False
        self.ready = asyncio.Event()
        self.problems: deque[str] = deque(maxlen=PROBLEMS_TOLD)
        self.listeners: set[Listener] = set()
        self._entries: dict[str, Entry] = {}
        self._order: list[Entry] = []
        self._held: deque[Change] = deque(maxlen=CHANGES_HELD)
        # Numbers begin anew with each process, and one of another must not be taken for ours.
        self._name = secrets.token_hex(4)
        self._number = 0

    def __len__(self) -> int:
        return len(self._order)

    def get(self, receipt: str) -> Entry | None:
        """One start."""
        return self._entries.get(receipt)

    @property
    def entries(self) -> Sequence[Entry]:
        """All, oldest first; to be copied by whoever lets others run meanwhile."""
        return self._order

    def before(self, key: tuple[int, int] | None) -> int:
        """How many entries come before a place; None is behind all."""
        return len(self._order) if key is None else bisect_left(self._order, key, key=_key)

    @property
    def moment(self) -> str:
        """What has happened up to now, as a text for `since`."""
        return self.moment_of(self._number)

    def moment_of(self, number: int) -> str:
        """The moment after a change."""
        return f"{self._name}-{number}"

    def since(self, moment: str) -> list[Change] | None:
        """What changed since a moment; None where that cannot be told any more, or is no moment of ours."""
        name, _, text = moment.rpartition("-")
        # What is a digit to Python, such as a superscript, need not be a number.
        if name != self._name or not (text.isascii() and text.isdigit()) or len(text) > 18:
            return None
        number = int(text)
        oldest = self._held[0].number if self._held else self._number + 1
        if not oldest - 1 <= number <= self._number:
            return None
        return [one for one in self._held if one.number > number]

    def apply(self, changes: Changes) -> None:
        """Take over what was found, and tell of it."""
        if changes.anew:
            self._entries.clear()
            self._order.clear()
            self._held.clear()
            # So that what was seen before is no moment of now.
            self._number += 1
            self._tell(None)
        self.problems.extend(changes.problems)
        self._put_old(changes.old)
        for entry in changes.new:
            self._change(self._put(entry), entry)
        for receipt in changes.evicted:
            self._remove(receipt)
        for receipt in changes.gone:
            if (last := self._remove(receipt)) is not None:
                self._change(last, None)
        self.complete = changes.complete
        if self._order or not changes.more:
            self.ready.set()

    def _put_old(self, entries: Iterable[Entry]) -> None:
        """Many at once, which mostly come before all others."""
        fresh = [entry for entry in entries if entry.row.receipt not in self._entries]
        if not fresh:
            # As it is four times a second: sorting ten thousand that are in order takes more than a millisecond.
            return
        self._order.extend(fresh)
        self._order.sort(key=_key)
        self._entries.update((entry.row.receipt, entry) for entry in fresh)

    def _put(self, entry: Entry) -> Entry | None:
        """Put an entry to its place; the one of its receipt before."""
        earlier = self._remove(entry.row.receipt)
        self._entries[entry.row.receipt] = entry
        if not self._order or entry.key > self._order[-1].key:
            self._order.append(entry)
        else:
            insort(self._order, entry, key=_key)
        return earlier

    def _remove(self, receipt: str) -> Entry | None:
        entry = self._entries.pop(receipt, None)
        if entry is not None:
            del self._order[bisect_left(self._order, entry.key, key=_key)]
        return entry

    def _change(self, before: Entry | None, after: Entry | None) -> None:
        self._number += 1
        change = Change(self._number, before, after)
        self._held.append(change)
        self._tell(change)

    def _tell(self, change: Change | None) -> None:
        for listener in tuple(self.listeners):
            listener(change)
