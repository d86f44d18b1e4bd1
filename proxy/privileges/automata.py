"""Automata over characters: what `regex` and `patterns` are built on, and the one for wildcard patterns.

All wildcard patterns of a set run at once as one nondeterministic automaton whose states are the bits of an integer.
"""

from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from proxy.errors import StartgateError

HIGHEST = chr(0x10FFFF)

# Whatever a machine remembers of the text so far: hashable, and of no meaning to anybody else.
State: TypeAlias = Any


class Undecidable(StartgateError):
    """A question about privileges that cannot be decided exactly here; the caller must deny. The text says why."""


def following(char: str) -> str:
    """The next character by code point; the highest has none and stands for itself."""
    return char if char == HIGHEST else chr(ord(char) + 1)


class Machine(Protocol):
    """An automaton over characters. A state is any hashable value; a dead state accepts nothing that may follow."""

    def start(self) -> State:
        """The state before any character."""

    def step(self, state: State, char: str) -> State:
        """The state after one more character."""

    def accepts(self, state: State) -> bool:
        """Whether the text so far is accepted."""

    def dead(self, state: State) -> bool:
        """Whether nothing can be accepted any more."""

    def boundaries(self) -> frozenset[str]:
        """Characters at which behaviour may change: all characters from one up to the next are treated alike."""

    def choices(self, state: State) -> frozenset[str] | None:
        """The only characters that lead to a state that is not dead; None where it can be any."""


class GlobMachine:
    """The union of wildcard patterns. Bit i of a state means: token i of the joined patterns comes next."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._literals: dict[str, int] = {}
        self._chars: list[str] = []
        self._any = self._stars = self._start = self._accept = 0
        for glob in globs:
            self._add(glob)
        self._start = self._close(self._start)

    def _add(self, glob: str) -> None:
        self._start |= 1 << len(self._chars)
        escaped = False
        for index, char in enumerate(glob):
            bit = 1 << len(self._chars)
            if not escaped and char == "\\" and index + 1 < len(glob):
                escaped = True
                continue
            if char == "*" and not escaped:
                self._stars |= bit
            elif char == "?" and not escaped:
                self._any |= bit
            else:
                self._literals[char] = self._literals.get(char, 0) | bit
            self._chars.append(char)
            escaped = False
        self._accept |= 1 << len(self._chars)
        self._chars.append("")

    def _close(self, states: int) -> int:
        # A star may stand for nothing: whoever is before one is also behind it. Several in a row need several rounds.
        while (closed := states | (states & self._stars) << 1) != states:
            states = closed
        return states

    def start(self) -> int:
        """See Machine."""
        return self._start

    def step(self, state: int, char: str) -> int:
        """See Machine."""
        moved = state & (self._any | self._literals.get(char, 0))
        return self._close(moved << 1 | state & self._stars)

    def accepts(self, state: int) -> bool:
        """See Machine."""
        return bool(state & self._accept)

    def dead(self, state: int) -> bool:
        """See Machine: from every live bit some text leads to acceptance."""
        return not state

    def boundaries(self) -> frozenset[str]:
        """See Machine."""
        return frozenset(self._literals) | {following(char) for char in self._literals}

    def choices(self, state: int) -> frozenset[str] | None:
        """See Machine."""
        if state & (self._stars | self._any):
            return None
        return frozenset(char for char, bits in self._literals.items() if state & bits)
