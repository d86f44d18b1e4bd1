"""What names and expressions stand for among the indices of a case (`IndexNameExpressionResolver`, in short).

Wildcards meet indices, aliases and data streams whose names are not hidden. Behind a wildcard an exclusion takes away
from what stands before it: a name that very name, a pattern its indices, neither through an alias that was named. Date
math and remote clusters are not played: cases are about rules.
"""

from collections.abc import Iterable, Mapping, Sequence

from proxy.cases.model import Index
from proxy.privileges.patterns import matches


def names_of(index: Index) -> tuple[str, ...]:
    """All names that lead to an index, its own first."""
    stream = () if index.data_stream is None else (index.data_stream,)
    return (index.name, *index.aliases, *stream)


def behind(name: str, indices: Mapping[str, Index]) -> tuple[Index, ...]:
    """The indices that one plain name leads to."""
    return tuple(index for index in indices.values() if name in names_of(index))


def resolved(expressions: Sequence[str], indices: Mapping[str, Index]) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    """The indices that expressions stand for, in order of name, and the plain names that lead nowhere."""
    names: dict[str, None] = {}
    missing: list[str] = []
    wild = False
    for expression in expressions:
        taking = wild and expression.startswith("-")
        word = expression[1:] if taking else expression
        wild = wild or "*" in word or word == "_all"
        # A pattern is the concrete indices it stands for, a plain name itself, until the end.
        meant = [index.name for index in _meant(word, indices.values())] if _is_pattern(word) else [word]
        if taking:
            names = {name: None for name in names if name not in meant}
        else:
            names |= dict.fromkeys(meant)
            if not (_is_pattern(word) or behind(word, indices)):
                missing.append(word)
    found = {index.name: index for name in names for index in behind(name, indices)}
    return tuple(found[name] for name in sorted(found)), tuple(missing)


def _is_pattern(expression: str) -> bool:
    return "*" in expression or expression == "_all"


def _meant(expression: str, indices: Iterable[Index]) -> Iterable[Index]:
    pattern = "*" if expression == "_all" else expression
    wild = "*" in pattern
    for index in indices:
        # A leading dot hides a name from wildcards, unless the pattern has it, too.
        names = [name for name in names_of(index) if not wild or not name.startswith(".") or pattern.startswith(".")]
        if (wild and any(matches([pattern], name) for name in names)) or pattern in names:
            yield index
