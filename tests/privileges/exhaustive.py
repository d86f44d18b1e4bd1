"""A brute-force oracle for sets of patterns: every text of a small alphabet, up to a length that tells patterns apart.

A set of texts is a number: bit i says whether it holds text i. What a pattern means is found by its definition, not by
the automata that are under test.
"""

import re
from collections.abc import Callable
from functools import cache, reduce
from itertools import product
from operator import or_

# All texts over three letters up to length 5: enough to tell apart any two patterns of length 3 over two of them. Each
# star can be tried with the empty text and with the third letter, which no pattern names.
LETTERS = "abz"
TEXTS = tuple("".join(letters) for length in range(6) for letters in product(LETTERS, repeat=length))
GLOBS = tuple("".join(signs) for length in range(4) for signs in product("ab*?", repeat=length))

# Regular expressions with what they mean in Python's terms.
REGEXES = {
    "/a.*/": r"a.*",
    "/~(a.*)/": r"(?!a).*",
    "/[ab]*/": r"[ab]*",
    "/(ab)+/": r"(ab)+",
    "/[^a]?b/": r"[^a]?b",
    "/.{2,3}/": r".{2,3}",
    "/.*&~(.*b)/": r"(?!.*b$).*",
    "/a@|@b/": r"a.*|.*b",
    "/~(([b]|ab).*)/": r"(?!b|ab).*",
}
PATTERNS = (*GLOBS, *REGEXES)


@cache
def meaning(pattern: str) -> int:
    """The texts that a pattern matches."""
    if pattern in REGEXES:
        wanted = re.compile(REGEXES[pattern])
        return _texts(lambda text: wanted.fullmatch(text) is not None)
    return _texts(lambda text: _matches(pattern, text))


def union(patterns: tuple[str, ...]) -> int:
    """The texts that one of several patterns matches."""
    return reduce(or_, map(meaning, patterns), 0)


def _texts(test: Callable[[str], bool]) -> int:
    return sum(1 << index for index, text in enumerate(TEXTS) if test(text))


def _matches(glob: str, text: str) -> bool:
    # By definition, one sign at a time.
    if not glob:
        return not text
    if glob[0] == "*":
        return _matches(glob[1:], text) or (bool(text) and _matches(glob, text[1:]))
    return bool(text) and glob[0] in ("?", text[0]) and _matches(glob[1:], text[1:])


def picked(code: int, most: int) -> tuple[tuple[str, ...], int]:
    """Up to `most` patterns that a number stands for, and what is left of it: one number is drawn far faster than lists
    of patterns are."""
    code, count = divmod(code, most + 1)
    found = []
    for _ in range(count):
        code, index = divmod(code, len(PATTERNS))
        found.append(PATTERNS[index])
    return tuple(found), code


# How many numbers there are for three sets of up to three patterns each.
CODES = (4 * len(PATTERNS) ** 3) ** 3
