"""What a list of expressions stands for, in a few lines: an oracle, which tests on genuine nodes hold to the truth."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase


def resolved(
    expressions: Sequence[str], indices: Sequence[str], aliases: Mapping[str, Sequence[str]], dates: Mapping[str, str]
) -> frozenset[str]:
    """The concrete indices; names that are missing stand for nothing."""
    names: set[str] = set()
    wild = False
    for expression in expressions:
        taken = wild and expression.startswith("-")
        word = expression.removeprefix("-") if taken else expression
        word = dates.get(word, word.strip("<>"))
        meant = {word}
        if "*" in word:
            wild = True
            meant = {index for index in indices if fnmatchcase(index, word)}
            meant |= {index for alias, behind in aliases.items() if fnmatchcase(alias, word) for index in behind}
        names = names - meant if taken else names | meant
    return frozenset(index for name in names for index in (aliases.get(name) or ([name] if name in indices else [])))
