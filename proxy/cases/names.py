"""What names and expressions stand for among the indices of a case (`IndexNameExpressionResolver`, in short).

Wildcards meet indices, aliases and data streams whose names are not hidden; an exclusion takes away from what stands
before it. Date math and remote clusters are not played: cases are about rules.
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
    found: dict[str, Index] = {}
    missing: list[str] = []
    for expression in expressions:
        if expression.startswith("-"):
            for index in _meant(expression[1:], indices.values()):
                found.pop(index.name, None)
            continue
        meant = tuple(_meant(expression, indices.values()))
        found |= {index.name: index for index in meant}
        if not meant and "*" not in expression and expression != "_all":
            missing.append(expression)
    return tuple(found[name] for name in sorted(found)), tuple(missing)


def _meant(expression: str, indices: Iterable[Index]) -> Iterable[Index]:
    pattern = "*" if expression == "_all" else expression
    wild = "*" in pattern
    for index in indices:
        # A leading dot hides a name from wildcards, unless the pattern has it, too.
        names = [name for name in names_of(index) if not wild or not name.startswith(".") or pattern.startswith(".")]
        if (wild and any(matches([pattern], name) for name in names)) or pattern in names:
            yield index
