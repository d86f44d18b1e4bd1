"""The pattern language of index names, action names and users, and exact inclusion between sets of patterns.

A pattern is text in which `*` stands for any characters, `?` for one, and a backslash takes the next character as it
is; or a Lucene regular expression between slashes (`org.elasticsearch.xpack.core.security.support.Automatons`).

How inclusion is decided: `included` walks the product of both sides' automata breadth first, over one character of
each class that the automata can tell apart. A text that one side accepts and the other does not is a counterexample;
none found means inclusion. The walk is bounded by `MAX_STEPS`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from proxy.privileges.automata import GlobMachine, Machine, State, Undecidable
from proxy.privileges.regex import RegexMachine

# Steps that one inclusion test may take: pairs of states times characters. Real role files need a few thousand;
# Elasticsearch bounds the same work by `xpack.security.automata.max_determinized_states`. This many take about 0.2 s.
MAX_STEPS = 100_000

# Stands for every character below the first that an automaton names.
LOWEST = "\0"


@dataclass(frozen=True, slots=True)
class Term:
    """All texts that a machine of `include` accepts and no machine of `exclude` does."""

    include: tuple[Machine, ...]
    exclude: tuple[Machine, ...] = ()

    def machines(self) -> tuple[Machine, ...]:
        """The machines in the order of their states."""
        return self.include + self.exclude

    def holds(self, states: tuple[State, ...]) -> bool:
        """Whether the text that led to these states belongs to the term."""
        split = len(self.include)
        return _any_accepts(self.include, states[:split]) and not _any_accepts(self.exclude, states[split:])

    def dead(self, states: tuple[State, ...]) -> bool:
        """Whether no longer text can belong to the term."""
        return all(machine.dead(state) for machine, state in zip(self.include, states, strict=False))

    def certain(self, states: tuple[State, ...]) -> bool:
        """Whether some longer text surely belongs to the term: something can be accepted, nothing excluded."""
        split = len(self.include)
        alive = any(
            isinstance(machine, GlobMachine) and not machine.dead(state)
            for machine, state in zip(self.include, states, strict=False)
        )
        return alive and all(m.dead(s) for m, s in zip(self.exclude, states[split:], strict=True))


def _any_accepts(machines: tuple[Machine, ...], states: tuple[State, ...]) -> bool:
    return any(machine.accepts(state) for machine, state in zip(machines, states, strict=True))


@dataclass(frozen=True, slots=True)
class Language:
    """A set of texts: the union of its terms."""

    terms: tuple[Term, ...] = ()

    def __or__(self, other: "Language") -> "Language":
        return Language(self.terms + tuple(term for term in other.terms if term not in self.terms))

    def matches(self, text: str) -> bool:
        """Whether the text belongs to the set."""
        states = self.start()
        for char in text:
            states = self.step(states, char)
        return self.holds(states)

    def start(self) -> tuple[tuple[State, ...], ...]:
        """The states before any character, by term."""
        return tuple(tuple(machine.start() for machine in term.machines()) for term in self.terms)

    def step(self, states: tuple[tuple[State, ...], ...], char: str) -> tuple[tuple[State, ...], ...]:
        """The states after one more character."""
        return tuple(
            tuple(machine.step(state, char) for machine, state in zip(term.machines(), part, strict=True))
            for term, part in zip(self.terms, states, strict=True)
        )

    def holds(self, states: tuple[tuple[State, ...], ...]) -> bool:
        """Whether the text that led to these states belongs to the set."""
        return any(term.holds(part) for term, part in zip(self.terms, states, strict=True))

    def dead(self, states: tuple[tuple[State, ...], ...]) -> bool:
        """Whether no longer text can belong to the set."""
        return all(term.dead(part) for term, part in zip(self.terms, states, strict=True))

    def certain(self, states: tuple[tuple[State, ...], ...]) -> bool:
        """Whether some longer text surely belongs to the set."""
        return any(term.certain(part) for term, part in zip(self.terms, states, strict=True))

    def boundaries(self) -> frozenset[str]:
        """See Machine."""
        parts = [machine.boundaries() for term in self.terms for machine in term.machines()]
        return frozenset().union(*parts)

    def choices(self, states: tuple[tuple[State, ...], ...], alphabet: frozenset[str]) -> frozenset[str]:
        """The characters of the alphabet that may lead on."""
        found: set[str] = set()
        for term, part in zip(self.terms, states, strict=True):
            for machine, state in zip(term.include, part, strict=False):
                some = machine.choices(state)
                if some is None:
                    return alphabet
                found |= some
        return frozenset(found)


NOTHING = Language()


@lru_cache(maxsize=4096)
def machines_of(patterns: frozenset[str]) -> tuple[Machine, ...]:
    """The automata of a set of patterns: one for all wildcard patterns, one for each regular expression."""
    regexes = sorted(pattern for pattern in patterns if pattern.startswith("/"))
    globs = sorted(patterns.difference(regexes))
    found: tuple[Machine, ...] = (GlobMachine(globs),) if globs else ()
    return found + tuple(RegexMachine.of_pattern(regex) for regex in regexes)


def language(patterns: Iterable[str], *, minus: Iterable[str] = ()) -> Language:
    """The texts that match one of `patterns` and none of `minus`. Raises Undecidable for a regex not supported."""
    include = machines_of(frozenset(patterns))
    return Language((Term(include, machines_of(frozenset(minus))),)) if include else NOTHING


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether a text matches one of the patterns. Raises Undecidable."""
    return language(patterns).matches(text)


def included(inner: Language, outer: Language) -> bool:
    """Whether every text of `inner` is also one of `outer`. Raises Undecidable when that takes too long to tell."""
    answer, _ = _compared(inner, outer)
    if answer is None:
        raise Undecidable(f"comparing patterns takes more than {MAX_STEPS} steps; simpler ones in the role would help")
    return answer


def effort(inner: Language, outer: Language) -> int:
    """The steps that `included` takes; it does the work, and both remember what came of it."""
    return _compared(inner, outer)[1]


@lru_cache(maxsize=4096)
def _compared(inner: Language, outer: Language) -> tuple[bool | None, int]:
    """The answer, None where it takes too long to tell, and the steps taken."""
    alphabet = frozenset({LOWEST}) | inner.boundaries() | outer.boundaries()
    first = (inner.start(), outer.start())
    seen = {first}
    queue = deque([first])
    steps = 0
    while queue:
        left, right = queue.popleft()
        if inner.holds(left) and not outer.holds(right):
            return False, steps
        if outer.dead(right) and inner.certain(left):
            return False, steps
        chars = inner.choices(left, alphabet)
        steps += len(chars)
        if steps > MAX_STEPS:
            return None, steps
        # In order: whether a comparison stays below the limit must not hang on how this process hashes texts.
        for char in sorted(chars):
            pair = (inner.step(left, char), outer.step(right, char))
            if pair not in seen and not inner.dead(pair[0]):
                seen.add(pair)
                queue.append(pair)
    return True, steps


def empty(subject: Language) -> bool:
    """Whether no text at all belongs to the set. Raises Undecidable."""
    return included(subject, NOTHING)
