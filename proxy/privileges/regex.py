"""Lucene regular expressions, as far as roles use them, decided by derivatives (Brzozowski 1964).

A regular expression between slashes may stand for index names in a role: the built-in roles `viewer` and `editor` do
that (`/~(([.]|ilm-history-).*)/`). Derivatives make complement and intersection as easy as union, so that inclusion
stays exact. See docs/decisions/011-regular-expressions-by-derivatives.md.

Supported, as `org.apache.lucene.util.automaton.RegExp` reads it with all its flags: literals, `\\` before a sign, `.`,
`[…]`, `[^…]`, `(…)`, `|`, `&`, `~`, `?`, `*`, `+`, `{n}`, `{n,}`, `{n,m}`, `"…"`, `@` (any text), `#` (nothing). Not
supported, raising `Undecidable`: `<…>`, the letter classes (`\\d`, `\\w`, `\\s`, …), and what the limits below forbid.
"""

from functools import lru_cache, reduce

from proxy.privileges.automata import HIGHEST, Undecidable, following

# Highest count in `{n,m}`, longest expression, deepest nesting of groups, most nodes once counts are written out.
# Elasticsearch bounds the work of determinizing instead; these keep a tree small enough for that to be no question.
# The longest expression in a built-in role has 25 characters.
MAX_COUNT = 16
MAX_LENGTH = 200
MAX_DEPTH = 8
MAX_SIZE = 400


class Node:
    """An expression, never changed. `kind` is one of empty, epsilon, chars, cat, alt, and, not, star.

    The hash is kept: derivatives look the same nodes up again and again.
    """

    __slots__ = ("_hash", "kind", "nullable", "parts", "ranges", "size")

    def __init__(
        self,
        kind: str,
        parts: "frozenset[Node] | tuple[Node, ...]" = (),
        *,
        ranges: tuple[tuple[str, str], ...] = (),
        nullable: bool = False,
    ) -> None:
        self.kind = kind
        self.parts = parts
        self.ranges = ranges
        self.nullable = nullable
        self.size: int = 1 + sum(part.size for part in parts)
        self._hash = hash((kind, parts, ranges))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Node) or self._hash != other._hash:
            return False
        return (self.kind, self.ranges, self.parts) == (other.kind, other.ranges, other.parts)


EMPTY = Node("empty")
EPSILON = Node("epsilon", nullable=True)
ANY_CHAR = Node("chars", ranges=(("\0", HIGHEST),))
ANY_TEXT = Node("star", (ANY_CHAR,), nullable=True)


def cat(left: Node, right: Node) -> Node:
    """One after the other."""
    if EMPTY in (left, right):
        return EMPTY
    if EPSILON in (left, right):
        return right if left == EPSILON else left
    if left.kind == "cat":
        first, rest = left.parts
        return cat(first, cat(rest, right))
    return Node("cat", (left, right), nullable=left.nullable and right.nullable)


def alt(left: Node, right: Node) -> Node:
    """Either."""
    return _combine("alt", left, right, neutral=EMPTY, ruling=ANY_TEXT)


def both(left: Node, right: Node) -> Node:
    """Both at once."""
    return _combine("and", left, right, neutral=ANY_TEXT, ruling=EMPTY)


def _combine(kind: str, left: Node, right: Node, *, neutral: Node, ruling: Node) -> Node:
    # Flat sets: associative, commutative, idempotent. Without that, derivatives would never repeat.
    parts: set[Node] = set()
    for node in (left, right):
        parts.update(node.parts if node.kind == kind else (node,))
    parts.discard(neutral)
    if ruling in parts:
        return ruling
    if len(parts) < 2:
        return parts.pop() if parts else neutral
    fold = any if kind == "alt" else all
    return Node(kind, frozenset(parts), nullable=fold(part.nullable for part in parts))


def complement(node: Node) -> Node:
    """Everything else."""
    if node.kind == "not":
        return next(iter(node.parts))
    swapped = {EMPTY: ANY_TEXT, ANY_TEXT: EMPTY}.get(node)
    return swapped or Node("not", (node,), nullable=not node.nullable)


def star(node: Node) -> Node:
    """Any number of times."""
    if node in (EMPTY, EPSILON):
        return EPSILON
    return node if node.kind == "star" else Node("star", (node,), nullable=True)


@lru_cache(maxsize=65536)
def derive(node: Node, char: str) -> Node:
    """What may follow `char` in texts of the expression."""
    match node.kind:
        case "chars":
            return EPSILON if any(low <= char <= high for low, high in node.ranges) else EMPTY
        case "cat":
            left, right = node.parts
            rest = cat(derive(left, char), right)
            return alt(rest, derive(right, char)) if left.nullable else rest
        case "alt":
            return reduce(alt, (derive(part, char) for part in node.parts))
        case "and":
            return reduce(both, (derive(part, char) for part in node.parts))
        case "not":
            return complement(derive(next(iter(node.parts)), char))
        case "star":
            return cat(derive(next(iter(node.parts)), char), node)
        case _:
            return EMPTY


def vacant(node: Node) -> bool | None:
    """Whether no text at all belongs to the expression; None where that takes too long to tell."""
    chars = sorted(_boundaries(node) | {"\0"})
    seen = {node}
    waiting = [node]
    while waiting:
        state = waiting.pop()
        if state.nullable:
            return False
        fresh = {derive(state, char) for char in chars} - seen - {EMPTY}
        seen |= fresh
        waiting.extend(fresh)
        if len(seen) > MAX_SIZE:
            return None
    return True


class RegexMachine:
    """A regular expression as an automaton whose states are its derivatives."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._boundaries = frozenset(_boundaries(node))

    @classmethod
    def of_pattern(cls, pattern: str) -> "RegexMachine":
        """The machine of a pattern between slashes. Raises Undecidable if it is malformed or not supported."""
        if len(pattern) < 2 or not pattern.endswith("/"):
            raise Undecidable(f"the pattern [{pattern}] starts with '/' but does not end with '/'")
        if len(pattern) > MAX_LENGTH:
            raise Undecidable(f"the regular expression [{pattern[:20]}…] is longer than {MAX_LENGTH} characters")
        return cls(Parser(pattern[1:-1]).parse())

    def start(self) -> Node:
        """See Machine."""
        return self._node

    def step(self, state: Node, char: str) -> Node:
        """See Machine."""
        return derive(state, char)

    def accepts(self, state: Node) -> bool:
        """See Machine."""
        return state.nullable

    def dead(self, state: Node) -> bool:
        """See Machine: told only where it is plain, which costs time at most."""
        return state == EMPTY

    def boundaries(self) -> frozenset[str]:
        """See Machine."""
        return self._boundaries

    def choices(self, state: Node) -> None:
        """See Machine: any character may matter."""


def _boundaries(node: Node) -> set[str]:
    found = {low for low, _ in node.ranges} | {following(high) for _, high in node.ranges}
    for part in node.parts:
        found |= _boundaries(part)
    return found


class Parser:
    """Recursive descent over one expression, in the order of precedence of Lucene's own parser."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        """The whole expression. Raises Undecidable."""
        if not self._text:
            return EPSILON
        node = self._union()
        if self._at < len(self._text):
            raise self._refused("unbalanced )")
        return node

    def _refused(self, what: str) -> Undecidable:
        return Undecidable(f"the regular expression [/{self._text}/] is not supported here: {what}")

    def _peek(self, chars: str) -> bool:
        return self._at < len(self._text) and self._text[self._at] in chars

    def _take(self, char: str) -> bool:
        taken = self._peek(char)
        self._at += taken
        return taken

    def _next(self) -> str:
        if self._at == len(self._text):
            raise self._refused("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _union(self) -> Node:
        node = self._intersection()
        while self._take("|"):
            node = alt(node, self._intersection())
        return node

    def _intersection(self) -> Node:
        node = self._sequence()
        while self._take("&"):
            node = both(node, self._sequence())
        return node

    def _sequence(self) -> Node:
        nodes = [self._repeat()]
        while self._at < len(self._text) and not self._peek(")|&"):
            nodes.append(self._repeat())
        return reduce(lambda rest, node: cat(node, rest), reversed(nodes))

    def _repeat(self) -> Node:
        node = self._complement()
        while self._peek("?*+{"):
            if node.size * 2 > MAX_SIZE:
                raise self._refused(f"it repeats too much (over {MAX_SIZE} nodes)")
            sign = self._next()
            if sign == "?":
                node = alt(node, EPSILON)
            elif sign == "*":
                node = self._starred(node)
            elif sign == "+":
                node = cat(node, star(node))
            else:
                node = self._counted(node)
        return node

    def _starred(self, node: Node) -> Node:
        # Lucene repeats an expression without texts into one without texts, not into the empty text
        # (`Operations.repeat`).
        nothing = vacant(node)
        if nothing is None:
            raise self._refused("it is too large to tell whether what is repeated matches anything")
        return EMPTY if nothing else star(node)

    def _counted(self, node: Node) -> Node:
        least = self._number()
        most: int | None = least
        if self._take(","):
            most = None if self._peek("}") else self._number()
        if not self._take("}"):
            raise self._refused("expected }")
        if most is not None and most < least:
            raise self._refused(f"the range {least} to {most} is empty")
        if node.size * (most or least + 1) > MAX_SIZE:
            raise self._refused(f"it repeats too much (over {MAX_SIZE} nodes)")
        tail = self._starred(node) if most is None else EPSILON
        for _ in range((most or least) - least):
            tail = alt(EPSILON, cat(node, tail))
        for _ in range(least):
            tail = cat(node, tail)
        return tail

    def _number(self) -> int:
        start = self._at
        while self._peek("0123456789"):
            self._at += 1
        digits = self._text[start : self._at]
        if not digits or len(digits) > 4 or int(digits) > MAX_COUNT:
            raise self._refused(f"a count must be 0 to {MAX_COUNT}")
        return int(digits)

    def _complement(self) -> Node:
        odd = False
        while self._take("~"):
            odd = not odd
        node = self._class()
        return complement(node) if odd else node

    def _class(self) -> Node:
        if not self._take("["):
            return self._simple()
        negated = self._take("^")
        ranges = [self._range()]
        while not self._take("]"):
            ranges.append(self._range())
        node = Node("chars", ranges=tuple(sorted(set(ranges))))
        return both(ANY_CHAR, complement(node)) if negated else node

    def _range(self) -> tuple[str, str]:
        low = self._char()
        if not self._take("-"):
            return low, low
        high = self._char()
        if high < low:
            raise self._refused(f"the range {low}-{high} is empty")
        return low, high

    def _char(self) -> str:
        char = self._next()
        if char != "\\":
            return char
        char = self._next()
        if char.isalpha():
            raise self._refused(f"\\{char}")
        return char

    def _simple(self) -> Node:
        for sign, node in ((".", ANY_CHAR), ("#", EMPTY), ("@", ANY_TEXT)):
            if self._take(sign):
                return node
        if self._take('"'):
            return self._quoted()
        if self._take("("):
            return self._group()
        if self._peek("<"):
            raise self._refused("<…>")
        char = self._char()
        return Node("chars", ranges=((char, char),))

    def _quoted(self) -> Node:
        node = EPSILON
        while not self._take('"'):
            char = self._next()
            node = cat(node, Node("chars", ranges=((char, char),)))
        return node

    def _group(self) -> Node:
        if self._take(")"):
            return EPSILON
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refused(f"groups nested deeper than {MAX_DEPTH}")
        node = self._union()
        self._depth -= 1
        if not self._take(")"):
            raise self._refused("expected )")
        return node
